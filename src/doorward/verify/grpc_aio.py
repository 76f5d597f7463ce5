"""The interceptor for the asyncio gRPC server; see :mod:`doorward.verify.grpc`."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import grpc.aio

from doorward.errors import Problem, SessionEnded, TokenRefused
from doorward.verify.door import caller_of
from doorward.verify.following import RevocationsUnavailable
from doorward.verify.grpc import Interception, behaviour_of, enter_call, handler_like, headers_among
from doorward.verify.lifeline import Lifeline
from doorward.verify.model import Principal
from doorward.verify.watching import EXPIRED, REVOKED, STALE

PATIENCE: Final = 5.0
"""Seconds to wait for a message that is under way; one that a client does not take is cut off with it."""

_WHY: Final[dict[str, Problem]] = {
    REVOKED: SessionEnded("revoked"),
    EXPIRED: TokenRefused("expired"),
    STALE: RevocationsUnavailable("the feed of revocations is stale", retry_after=1),
}
"""The refusal that each end of a stream amounts to."""


class GuardInterceptor(Interception, grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc is untyped
    """Protects a ``grpc.aio.server(…)``; the rules are those of :class:`doorward.verify.Guard`."""

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Put the check around the method; a method that does not exist stays UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        behaviour = behaviour_of(handler)
        is_stream = handler.request_streaming or handler.response_streaming
        path, metadata = handler_call_details.method, handler_call_details.invocation_metadata

        async def single(request: Any, context: Any) -> Any:
            principal = await self._admit(path, metadata, context)
            if principal is None or not is_stream:
                return await behaviour(request, context)
            held = _Held(self, principal, context)
            try:
                return await behaviour(request, _Sending(context, held))
            finally:
                held.let_go()

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            principal = await self._admit(path, metadata, context)
            held = _Held(self, principal, context)
            try:
                async for message in behaviour(request, _Sending(context, held)):
                    with held.sending():
                        yield message
            finally:
                held.let_go()

        return handler_like(handler, stream if inspect.isasyncgenfunction(behaviour) else single)

    async def _admit(self, path: str, metadata: Any, context: Any) -> Principal | None:
        """Return who calls, or abort, which raises. Each call is a task with a context of its own, left as it is."""
        try:
            access = self.door.access(path)
            headers = headers_among(metadata)
            scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": headers}
            principal = await caller_of(self.authenticator, scope, access)
        except Exception as error:
            refusal = self.said(error)
        else:
            enter_call(principal, access, self.door.realm)
            return principal
        await refusal.abort(context)
        raise AssertionError("abort() has returned")  # pragma: no cover - it raises, by gRPC's documentation


class _Held:
    """A stream that is ended when its session ends or its token expires; that of a guest is not."""

    def __init__(self, interception: Interception, principal: Principal | None, context: Any) -> None:
        """Hold the current task."""
        self._interception = interception
        self._context = context
        self._running = cast("asyncio.Task[object]", asyncio.current_task())
        self._ending: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._lifeline = None if principal is None else Lifeline(interception.authenticator, principal, self._end)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Say that something is on its way to the client."""
        self._idle.clear()
        try:
            yield
        finally:
            self._idle.set()

    def let_go(self) -> None:
        """The stream is over."""
        if self._lifeline is not None:
            self._lifeline.let_go()

    def _end(self, reason: str) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._abort(reason))

    async def _abort(self, reason: str) -> None:
        """Tell the client first: a method that waits for its next message does not hear of a cancellation before.

        Not while the first message is under way: the headers would be sent twice, which gRPC refuses, and the client
        would be told nothing at all.
        """
        idle = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait((idle,), timeout=PATIENCE)
        idle.cancel()
        with suppress(Exception):  # abort() raises what ends a method; a call that is over already, something else
            await self._interception.said(_WHY[reason]).abort(self._context)
        self._running.cancel()


class _Sending:
    """The context of a method, which says when the method itself sends something."""

    def __init__(self, context: Any, held: _Held) -> None:
        """Stand in front of a context."""
        self._context = context
        self._held = held

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the context."""
        return getattr(self._context, name)

    async def write(self, message: Any) -> None:
        """Send a message."""
        with self._held.sending():
            await self._context.write(message)

    async def send_initial_metadata(self, metadata: Any) -> None:
        """Send headers."""
        with self._held.sending():
            await self._context.send_initial_metadata(metadata)
