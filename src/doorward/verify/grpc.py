"""Interceptors for gRPC servers, synchronous and asyncio, and ``require(…)`` for the methods of a servicer.

The credential is the metadata key ``authorization``, exactly once. Rules name services and methods as gRPC's paths do:
``public=["/grpc.health.v1.Health"]``. Who is not let in gets ``UNAUTHENTICATED`` or ``PERMISSION_DENIED``, the public
code as details and the challenge in the trailing metadata. The check runs where the method runs (in the thread of the
pool, in the task of the call), for all four kinds of calls, before anything of a stream is read.

A stream ends with the session of its caller: with ``UNAUTHENTICATED`` in asyncio, with ``CANCELLED`` in the
synchronous server, which can end a call from outside in this way only.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import grpc

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, Misconfigured, Problem
from doorward.verify.answers import DEFAULT_REALM, headers_of
from doorward.verify.door import Door, problem_of
from doorward.verify.headers import Headers
from doorward.verify.model import Principal
from doorward.verify.paths import Access
from doorward.verify.requirement import Requirement, check_reachable

MethodT = TypeVar("MethodT", bound=Callable[..., Any])

_CODES: Final = {
    400: grpc.StatusCode.UNAUTHENTICATED,  # an ambiguous credential is none
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    503: grpc.StatusCode.UNAVAILABLE,
}

_caller: ContextVar[tuple[Principal | None, Access, str]] = ContextVar("doorward_caller")
"""Who calls, what the method needed, and the realm."""


def current_principal() -> Principal | None:
    """Return the verified caller of the current call; ``None`` on public methods and for guests on optional ones.

    Raises :class:`~doorward.errors.Misconfigured` where no interceptor stands in front.
    """
    return _known()[0]


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    clock: Clock = system_clock,
) -> Callable[[MethodT], MethodT]:
    """Make a decorator for methods of a servicer, of every kind; it needs an interceptor in front.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. Raises :class:`~doorward.errors.Misconfigured` for a requirement nobody could meet.
    """
    requirement = Requirement.of(scope=scope, role=role, fresh=fresh)

    def said() -> "Said | None":
        principal, access, realm = _known()
        check_reachable(principal, access)
        try:
            requirement.check(principal, now=clock())
        except Problem as problem:
            return Said(problem_of(problem), realm)
        return None

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        return _checked(method, said)

    return decorate  # type: ignore[return-value]  # a decorated method is called like the method


class Said:
    """A refusal in gRPC's words."""

    def __init__(self, problem: Problem, realm: str) -> None:
        """Translate a problem."""
        self.code = _CODES.get(problem.status, grpc.StatusCode.INTERNAL)
        self.details = problem.code
        headers = headers_of(problem, realm=realm)
        self.trailers = tuple((name, headers[name]) for name in ("www-authenticate", "retry-after") if name in headers)

    def abort(self, context: Any) -> Any:
        """End the call: raises in the synchronous server, and is awaited in the other."""
        context.set_trailing_metadata(self.trailers)
        return context.abort(self.code, self.details)


class Interception:
    """What both interceptors share: the rules, and the headers of a call."""

    def __init__(
        self,
        authenticator: Any,
        *,
        protected: Iterable[str] = (),
        public: Iterable[str] = (),
        optional: Iterable[str] = (),
        realm: str = DEFAULT_REALM,
    ) -> None:
        """Take the rules. Raises :class:`~doorward.errors.Misconfigured` for any that cannot be used."""
        self.authenticator = authenticator
        self.door = Door(authenticator, protected=protected, public=public, optional=optional, realm=realm)

    def said(self, error: Exception) -> Said:
        """Make the refusal for an error."""
        return Said(problem_of(error), self.door.realm)


def enter_call(principal: Principal | None, access: Access, realm: str) -> None:
    """Let :func:`current_principal` answer in the rest of this task."""
    _caller.set((principal, access, realm))


@contextmanager
def calling(principal: Principal | None, access: Access, realm: str) -> Iterator[None]:
    """Let :func:`current_principal` answer in this thread for as long as the block lasts."""
    token = _caller.set((principal, access, realm))
    try:
        yield
    finally:
        _caller.reset(token)


def headers_among(metadata: Iterable[tuple[str, str | bytes]]) -> Headers:
    """Return the metadata that decides as pairs of bytes; gRPC has keys in lower case on the wire."""
    return [
        (b"authorization", value.encode("latin-1", "replace") if isinstance(value, str) else value)
        for key, value in metadata
        if key == "authorization"
    ]


def handler_like(handler: Any, behaviour: Callable[..., Any]) -> Any:
    """Make a handler of the same kind and with the same (de)serialisers around another behaviour."""
    makers = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make = makers[handler.request_streaming, handler.response_streaming]
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


def behaviour_of(handler: Any) -> Callable[..., Any]:
    """Return what a handler runs."""
    behaviours = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
    found: Callable[..., Any] = next(one for one in behaviours if one is not None)
    return found


def _known() -> tuple[Principal | None, Access, str]:
    known = _caller.get(None)
    if known is None:
        what = "No interceptor of doorward stands in front of this server."
        raise Misconfigured(Finding(what, "Give GuardInterceptor(verifier) to grpc.server(interceptors=[…])."))
    return known


def _checked(method: Callable[..., Any], said: Callable[[], Said | None]) -> Callable[..., Any]:
    """Wrap a method of any kind; its last argument is the context."""
    if inspect.isasyncgenfunction(method):

        @functools.wraps(method)
        async def asynchronous_stream(*args: Any) -> Any:
            if (refusal := said()) is not None:
                await refusal.abort(args[-1])
            async for message in method(*args):
                yield message

        return asynchronous_stream
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def asynchronous(*args: Any) -> Any:
            if (refusal := said()) is not None:
                await refusal.abort(args[-1])
            return await method(*args)

        return asynchronous
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def stream(*args: Any) -> Any:
            if (refusal := said()) is not None:
                refusal.abort(args[-1])
            yield from method(*args)

        return stream

    @functools.wraps(method)
    def plain(*args: Any) -> Any:
        if (refusal := said()) is not None:
            refusal.abort(args[-1])
        return method(*args)

    return plain
