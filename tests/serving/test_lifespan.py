"""The lifespan of an app: started once, ended once, and heard when it refuses."""

import asyncio
from typing import Any

import pytest

from doorward.errors import Misconfigured, StorageUnavailable
from doorward.serving.lifespan import Lifespan, StartFailed
from doorward.settings import Settings
from tests.serving.standin import StandIn, make


def app(name: str) -> StandIn:
    """A stand-in that fails in the way its name says."""
    return make(Settings(service_name=name))


async def test_an_app_is_started_and_ended() -> None:
    """And its task is over then."""
    lifespan = Lifespan(app("fine"))

    await lifespan.start()
    await lifespan.stop()

    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("name", "raised"), [("misconfigured", Misconfigured), ("no storage", StorageUnavailable)])
async def test_what_the_app_raises_comes_out(name: str, raised: type[Exception]) -> None:
    """So that the command line can tell findings and exit codes apart."""
    lifespan = Lifespan(app(name))

    with pytest.raises(raised):
        await lifespan.start()


async def test_what_the_app_says_comes_out() -> None:
    """``lifespan.startup.failed`` has a message."""
    with pytest.raises(StartFailed, match="the app said no"):
        await Lifespan(app("failing")).start()


async def test_an_app_that_says_nothing_has_failed() -> None:
    """Doorward speaks the protocol; what does not is not doorward."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        """End at once."""

    with pytest.raises(StartFailed, match="ended during startup"):
        await Lifespan(silent).start()


async def test_an_app_that_fails_at_the_end_is_heard_too() -> None:
    """A database that cannot be closed should be in the log."""

    async def forgetful(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed"})

    lifespan = Lifespan(forgetful)
    await lifespan.start()

    with pytest.raises(StartFailed, match=r"lifespan\.shutdown\.failed"):
        await lifespan.stop()


async def test_an_app_that_was_never_started_has_nothing_to_end() -> None:
    """Stopping is safe at any time."""
    await Lifespan(app("fine")).stop()


async def test_an_app_that_fails_and_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a moment for its reason, and then its message has to do."""

    async def hangs(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no reason"})
        await asyncio.Event().wait()

    monkeypatch.setattr("doorward.serving.lifespan._LAST_WORDS", 0.01)
    lifespan = Lifespan(hangs)

    with pytest.raises(StartFailed, match="no reason"):
        await lifespan.start()

    assert lifespan._task is not None
    lifespan._task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lifespan._task
