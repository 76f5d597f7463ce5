"""A WebSocket behind the guard: open for as long as what let it in holds, and not a message longer.

When the session ends, the token expires or a stale feed makes the service refuse everybody, the socket is closed with
1008 (RFC 6455 section 7.4.1) and the reason ``session_ended``, ``token_expired`` or ``revocations_unavailable``. From
that moment the application receives nothing but the disconnect, whatever the client still sends, and can send nothing.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from doorward.verify.lifeline import Lifeline
from doorward.verify.model import Principal

if TYPE_CHECKING:
    from asyncio import Task, Timeout

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION: Final = 1008
"""RFC 6455 section 7.4.1; before the handshake is done, a server turns it into a 403."""


class _EndedError(ConnectionAbortedError):
    """Raised into an application that sends on a socket whose session has ended; an ``OSError``, as ASGI wants it."""


class GuardedSocket:
    """Stands between a server and an application for one WebSocket."""

    def __init__(self, authenticator: object, principal: Principal, receive: Receive, send: Send) -> None:
        """Take the two ends of the server; nothing is watched before :meth:`run`."""
        self._authenticator = authenticator
        self._principal = principal
        self._receive = receive
        self._send = send
        self._reason: str | None = None
        self._is_closed = False
        self._waiting: set[Timeout] = set()
        self._closing: Task[None] | None = None

    async def run(self, app: App, scope: Scope) -> None:
        """Run the application, which hears of the end as of a client that has gone."""
        lifeline = Lifeline(self._authenticator, self._principal, self._end)
        try:
            with suppress(_EndedError):
                await app(scope, self._hear, self._say)
        finally:
            lifeline.let_go()
            if self._closing is not None:
                await self._closing

    async def _hear(self) -> Message:
        import asyncio

        try:
            async with asyncio.timeout(None) as waiting:
                self._waiting.add(waiting)
                try:
                    message = await self._receive_or_end()
                finally:
                    self._waiting.discard(waiting)
        except TimeoutError:
            if not waiting.expired():
                raise
            message = self._disconnect()
        # What a client sent into the moment of the end is dropped: it was not let in for that.
        if self._reason is not None:
            message = self._disconnect()
        if message["type"] == "websocket.disconnect":
            self._is_closed = True
        return message

    async def _receive_or_end(self) -> Message:
        return self._disconnect() if self._reason is not None else await self._receive()

    async def _say(self, message: Message) -> None:
        if self._reason is not None:
            raise _EndedError(self._reason)
        if message["type"] in ("websocket.close", "websocket.http.response.start"):
            self._is_closed = True
        await self._send(message)

    def _end(self, reason: str) -> None:
        """Close, in the loop: wake whoever waits for a message, and tell the client."""
        import asyncio

        self._reason = reason
        for waiting in self._waiting:
            waiting.reschedule(0)
        if not self._is_closed:
            self._closing = asyncio.get_running_loop().create_task(self._close(reason))

    async def _close(self, reason: str) -> None:
        with suppress(Exception):  # the client may have gone already; each server says so in its own way
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})

    def _disconnect(self) -> Message:
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": self._reason}
