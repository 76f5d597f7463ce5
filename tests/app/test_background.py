"""What goes on beside the answers: it goes on whatever happens, and ends with the instance."""

import asyncio
from pathlib import Path

import pytest

from doorward.background import repeat
from doorward.errors import StorageUnavailable
from doorward.settings import Settings
from tests.support.house import open_house
from tests.support.waiting import until
from tests.webhooks.receiver import receiving, telling


async def test_what_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """The database was away, then there was a defect, then it works."""
    outcomes: list[Exception | None] = [StorageUnavailable("away"), RuntimeError("a defect"), None]
    done = asyncio.Event()

    async def act() -> None:
        outcome = outcomes.pop(0) if outcomes else None
        if outcome is not None:
            raise outcome
        done.set()

    task = asyncio.create_task(repeat("the act", act, every=0.001))
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()

    assert "the act: the database does not answer" in caplog.text
    assert "the act has failed" in caplog.text


async def test_an_instance_seals_and_tells_by_itself(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to call anything: an act is in the chain and at its endpoint a moment later."""
    monkeypatch.setattr("doorward.app.SEAL_INTERVAL", 0.02)
    async with receiving(tmp_path) as receiver, open_house(telling(settings, receiver)) as house:
        await house.auth.webhooks.add(receiver.url, ["account.registered"])
        await house.register()

        await until(lambda: receiver.events == ["account.registered"])

        assert (await house.auth.audit.verify()).lines >= 1
