"""An open WebSocket ends with its session, and not a message later."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from doorward.verify import Guard, RevocationSet
from doorward.verify.model import digest
from tests.support.waiting import until
from tests.verify.parties import NOW, Clock, Issuer, bearing, scope_of

PARTY = Issuer()
CLOSE = {"type": "websocket.close", "code": 1008, "reason": "session_ended"}
GONE = {"type": "websocket.disconnect", "code": 1008, "reason": "session_ended"}


class Wire:
    """Both ends of a server: what a client sends is put in, what it gets is read off."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: list[Any] = []
        self.error: Exception | None = None

    async def receive(self) -> Any:
        message = await self.incoming.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def send(self, message: Any) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(message)


class Scene:
    """A guarded application with one open WebSocket."""

    def __init__(self, app: Callable[..., Any], *, clock: Any = None, token: str | None = None) -> None:
        self.revocations = RevocationSet()
        self.verifier = PARTY.verifier(revocations=self.revocations, clock=clock or Clock(), leeway=0)
        self.wire = Wire()
        guard = Guard(app, self.verifier, optional=["/optional"])
        path = b"/optional" if token == "" else b"/socket"
        headers = bearing(token or PARTY.token()) if token != "" else None
        scope = scope_of(path, kind="websocket", headers=headers)
        self.task = asyncio.create_task(guard(scope, self.wire.receive, self.wire.send))

    @property
    def watched(self) -> int:
        """Count the digests that somebody waits for."""
        return sum(len(watches) for watches in self.verifier._watches.values())

    def revoke(self) -> None:
        """End the session."""
        self.revocations.add(digest("session", "ses_one"), NOW + 600)

    async def opened(self) -> None:
        """Wait until the application has accepted."""
        await until(lambda: {"type": "websocket.accept"} in self.wire.sent)


heard: list[Any] = []


async def listening(scope: Any, receive: Any, send: Any) -> None:
    """Accept, and listen until the client has gone."""
    heard.clear()
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        heard.append(message)
        if message["type"] == "websocket.disconnect":
            return


async def test_a_waiting_application_hears_of_the_end_and_so_does_the_client() -> None:
    """1008 with the reason; nothing is left behind."""
    scene = Scene(listening)
    await scene.opened()
    assert scene.watched == 4

    scene.revoke()
    await scene.task

    assert heard == [GONE]
    assert scene.wire.sent[1:] == [CLOSE]
    assert scene.watched == 0


async def test_the_news_may_come_in_another_thread() -> None:
    """As from the thread that follows the feed."""
    scene = Scene(listening)
    await scene.opened()

    thread = threading.Thread(target=scene.revoke)
    thread.start()
    await scene.task
    thread.join()

    assert scene.wire.sent[1:] == [CLOSE]


async def test_messages_pass_until_then_and_none_after() -> None:
    """What a client sends into the moment of the end is dropped."""
    scene = Scene(listening)
    await scene.opened()
    scene.wire.incoming.put_nowait({"type": "websocket.receive", "text": "before"})
    await until(lambda: len(heard) == 1)

    scene.revoke()
    scene.wire.incoming.put_nowait({"type": "websocket.receive", "text": "after"})
    await scene.task

    assert heard == [{"type": "websocket.receive", "text": "before"}, GONE]


async def test_an_application_that_only_sends_is_stopped() -> None:
    """It gets the ``OSError`` that ASGI has for a client that has gone, and the guard keeps that to itself."""
    stopped = []

    async def talking(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                await send({"type": "websocket.send", "text": "tick"})
                await asyncio.sleep(0)
        except OSError as error:
            stopped.append(str(error))
            raise

    scene = Scene(talking)
    await scene.opened()

    scene.revoke()
    await scene.task

    assert stopped == ["session_ended"]
    assert scene.wire.sent[-1] == CLOSE


async def test_an_application_that_does_neither_is_told_when_it_asks() -> None:
    """The client is closed at once all the same."""
    go_on = asyncio.Event()

    async def thinking(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await go_on.wait()
        heard[:] = [await receive()]

    scene = Scene(thinking)
    await scene.opened()

    scene.revoke()
    await until(lambda: CLOSE in scene.wire.sent)
    go_on.set()
    await scene.task

    assert heard == [GONE]


class Ticking:
    """A clock with fractions, so that an expiry comes within a test."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.step = 0.0

    def __call__(self) -> Any:
        now = self.now
        self.now += self.step
        return now


async def test_a_token_that_expires_closes_the_socket() -> None:
    """One timer; where it comes before the clock says so, it is set anew."""
    clock = Ticking(NOW + 599.98)
    scene = Scene(listening, clock=clock)
    await scene.opened()
    clock.step = 0.01

    await scene.task

    assert scene.wire.sent[1:] == [CLOSE | {"reason": "token_expired"}]
    assert clock.now >= NOW + 600
    assert scene.watched == 0


async def test_an_application_that_has_closed_is_left_alone() -> None:
    """There is no second close."""
    go_on = asyncio.Event()

    async def closing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        await go_on.wait()

    scene = Scene(closing)
    await until(lambda: len(scene.wire.sent) == 2)

    scene.revoke()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go_on.set()
    await scene.task

    assert scene.wire.sent[-1] == {"type": "websocket.close", "code": 1000}


async def test_a_client_that_has_gone_ends_the_watch() -> None:
    """And what the server says to a close that comes too late is nobody's error."""
    scene = Scene(listening)
    await scene.opened()
    scene.wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await scene.task
    assert scene.watched == 0

    late = Scene(listening)
    await late.opened()
    late.wire.error = RuntimeError("closed already")
    late.revoke()
    await late.task

    assert heard == [GONE]


async def test_a_session_that_ends_before_the_handshake_is_done_refuses_it() -> None:
    """The application has not accepted yet, so the close is a 403; what it sends then goes nowhere."""
    go_on = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await go_on.wait()
        await send({"type": "websocket.accept"})

    scene = Scene(slow)
    await until(lambda: scene.watched == 4 and scene.wire.incoming.empty())

    scene.revoke()
    await until(lambda: bool(scene.wire.sent))
    go_on.set()
    await scene.task

    assert scene.wire.sent == [CLOSE]


async def test_errors_of_the_application_and_of_the_server_are_their_own() -> None:
    """Also an ``OSError`` and a ``TimeoutError`` that are not of the guard."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionAbortedError("mine")

    with pytest.raises(ConnectionAbortedError, match="mine"):
        await Scene(broken).task
    scene = Scene(listening)
    await scene.opened()
    scene.wire.incoming.put_nowait(TimeoutError("the server's"))
    with pytest.raises(TimeoutError, match="the server's"):
        await scene.task

    assert scene.watched == 0


async def test_a_server_that_stops_cancels_the_application() -> None:
    """The guard swallows no cancellation of others."""
    scene = Scene(listening)
    await scene.opened()

    scene.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scene.task

    assert scene.watched == 0


async def test_a_guest_has_nothing_that_could_end() -> None:
    """On an optional path without a credential."""
    scene = Scene(listening, token="")
    await scene.opened()

    assert scene.watched == 0
    scene.wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await scene.task


async def test_a_loop_that_has_gone_is_no_error() -> None:
    """The news may come after the server was stopped in a hurry."""
    from doorward.verify.lifeline import Lifeline

    revocations = RevocationSet()
    verifier = PARTY.verifier(revocations=revocations)
    principal = verifier.check(PARTY.token())
    ended: list[str] = []

    def run_elsewhere() -> None:
        async def hold() -> None:
            Lifeline(verifier, principal, ended.append)

        asyncio.run(hold())

    thread = threading.Thread(target=run_elsewhere)
    thread.start()
    thread.join()

    revocations.add(digest("session", "ses_one"), NOW + 600)

    assert ended == []


async def test_a_lifeline_that_is_let_go_ends_nothing() -> None:
    """Even if the news is on its way already."""
    from doorward.verify.lifeline import Lifeline

    revocations = RevocationSet()
    verifier = PARTY.verifier(revocations=revocations)
    ended: list[str] = []
    lifeline = Lifeline(verifier, verifier.check(PARTY.token()), ended.append)

    revocations.add(digest("session", "ses_one"), NOW + 600)
    lifeline.let_go()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert ended == []
