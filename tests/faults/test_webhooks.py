"""Whatever fails while others are told: every event arrives, under one id, and a delivery is made of it once."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from doorward.db import Database, open_database
from doorward.settings import Settings
from doorward.webhooks.model import LEASE
from tests.faults.failing import AimedDatabase, How
from tests.support.house import PASSWORD, START, FakeClock, House, open_house
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver, receiving, telling

MOST_CALLS = 14


async def _pass(house: House) -> None:
    await house.auth.audit.seal()
    await house.auth.webhooks.work()


async def _rows(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.fetch_all("SELECT state, event FROM webhook_delivery")
    return [(row["state"], row["event"]) for row in rows]


@pytest.mark.parametrize("how", ["before", "after", "gone", "defect"])
async def test_a_failure_at_any_call_loses_nothing(
    database_url: str, tmp_path: Path, settings: Settings, how: How
) -> None:
    """Sealing, making deliveries, claiming, sending, concluding: each read and write of it fails once."""
    aimed = AimedDatabase(open_database(database_url, pool_size=4, timeout=10))
    async with receiving(tmp_path) as receiver, open_house(telling(settings, receiver), database=aimed) as house:
        await house.auth.webhooks.add(receiver.url, ["account.registered"])
        failed = 0
        for number in range(1, MOST_CALLS):
            await house.register(f"person{number}@example.test")
            with aimed.aim(number, how):
                try:
                    await _pass(house)
                except Exception:  # whatever it is, the worker logs it and comes back
                    failed += 1
            house.clock.advance(LEASE)
            await _pass(house)

        assert failed >= 6
        assert await _rows(aimed) == [("delivered", "account.registered")] * (MOST_CALLS - 1)
        assert len({message.id for message in receiver.received}) == MOST_CALLS - 1
        assert (await house.auth.audit.verify()).faults == ()


_DYING = """
import asyncio, sys
from pathlib import Path
from doorward.core.secret import Secret
from tests.support.house import FakeClock, open_house, settings_for
from tests.webhooks.receiver import Receiver, telling

async def main(url, folder, secret, authority):
    settings = telling(settings_for(url, Path(folder), secret=(Secret(secret),)), Receiver(Path(authority)))
    async with open_house(settings, clock=FakeClock()) as house:
        await house.auth.audit.seal()
        await house.auth.webhooks.work()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_killed_between_claim_and_answer_loses_nothing(
    database_url: str, tmp_path: Path, settings: Settings
) -> None:
    """``kill -9`` with the message on its way: it comes again under the same id when the lease is over."""
    async with receiving(tmp_path) as receiver:
        clock = FakeClock()
        async with open_house(telling(settings, receiver), clock=clock) as house:
            await house.auth.webhooks.add(receiver.url, ["account.registered"])
            await house.register()
        receiver.hanging = asyncio.Event()
        secret = settings.secret[0].reveal().decode()
        command = [sys.executable, "-c", _DYING, database_url, str(tmp_path), secret, str(receiver.authority)]
        dying = subprocess.Popen(command)  # noqa: ASYNC220 - it returns at once
        await until(lambda: receiver.received)
        os.kill(dying.pid, signal.SIGKILL)
        dying.wait()
        receiver.hanging.set()
        receiver.hanging = None

        async with open_house(telling(settings, receiver), clock=clock) as house:
            await _pass(house)
            assert len(receiver.received) == 1
            clock.advance(LEASE)
            await _pass(house)
            assert await _rows(house.auth.webhooks._database) == [("delivered", "account.registered")]

    assert len(receiver.received) == 2
    assert len({message.id for message in receiver.received}) == 1


async def test_an_act_that_is_rolled_back_is_told_to_nobody(teller: tuple[House, Receiver]) -> None:
    """The outbox is written in the act's own transaction: an address that is taken makes no event."""
    house, receiver = teller
    await house.auth.webhooks.add(receiver.url, ["*"])
    await house.register()
    again = await house.client.post("/v1/accounts", json={"email": "ADA@example.test", "password": PASSWORD})

    await _pass(house)

    assert again.status_code == 409
    assert house.clock() == START
    assert sorted(receiver.events) == ["account.registered", "webhook.added"]


@pytest.fixture
async def teller(settings: Settings, tmp_path: Path) -> Any:
    """Lend a house and the receiver that it may speak to."""
    async with receiving(tmp_path) as receiver, open_house(telling(settings, receiver)) as house:
        yield house, receiver
