"""``require(…)`` for FastAPI and Starlette: the caller of this route must be known, and may need a scope or a role.

It reads what a :class:`~doorward.verify.Guard` has put into the scope, so it costs next to nothing and cannot disagree
with the guard; ``using=verifier`` does without a guard. Where there is neither, it raises instead of letting anybody
through. The decision is made on every request and never kept beside a token (Oathkeeper CVE-2021-32701).

    @app.get("/reports")
    async def reports(who: Principal = Depends(require(scope="reports:read"))) -> list[Report]: ...

    @require(role="admin")
    async def homepage(request: Request) -> Response: ...
"""

import asyncio
import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NoReturn, TypeVar, overload

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, InvalidToken, Misconfigured, Problem, TokenRefused
from doorward.verify.answers import DEFAULT_REALM, headers_of
from doorward.verify.asgi import ACCESS, PRINCIPAL, REALM, principal_of
from doorward.verify.door import Authenticator, caller_of
from doorward.verify.model import Principal
from doorward.verify.requirement import Requirement, check_reachable
from doorward.verify.sockets import POLICY_VIOLATION

try:  # FastAPI lists a dependency of this class as a security scheme in its OpenAPI document
    from fastapi.openapi.models import HTTPBearer
    from fastapi.security.base import SecurityBase

    class _Scheme(SecurityBase):
        model = HTTPBearer(bearerFormat="JWT", description="An access token of doorward.")
        scheme_name = "doorward"

except ImportError:  # pragma: no cover - Starlette alone is enough; a test runs that in a process of its own

    class _Scheme:  # type: ignore[no-redef]
        pass


EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    using: Authenticator | None = None,
    clock: Clock = system_clock,
) -> "Required":
    """Make a requirement: a FastAPI dependency that returns the ``Principal``, or a decorator of Starlette endpoints.

    Every ``scope`` named is needed (a text may name several, with spaces between), and one of the roles. ``fresh``
    needs a log-in at most that many seconds ago, ``True`` means ten minutes. Refusals are ``HTTPException`` 401 or 403
    with ``WWW-Authenticate`` (RFC 6750 section 3, RFC 9470 section 3), or ``WebSocketException`` 1008.
    Raises :class:`~doorward.errors.Misconfigured` for a requirement that nobody could meet, and per request when
    there is neither a guard nor ``using``.
    """
    return Required(Requirement.of(scope=scope, role=role, fresh=fresh), using=using, clock=clock)


class Required(_Scheme):
    """What :func:`require` makes. Its parts are not public."""

    def __init__(self, requirement: Requirement, *, using: Authenticator | None, clock: Clock) -> None:
        """Keep the requirement."""
        self._requirement = requirement
        self._using = using
        self._clock = clock

    @overload
    def __call__(self, connection: HTTPConnection) -> Awaitable[Principal]: ...

    @overload
    def __call__(self, connection: EndpointT) -> EndpointT: ...

    def __call__(self, connection: Any) -> Any:
        """Be a dependency when given a connection, and a decorator when given an endpoint."""
        if isinstance(connection, HTTPConnection):
            return self.admit(connection)
        return self._decorate(connection)

    async def admit(self, connection: HTTPConnection) -> Principal:
        """Return the caller if it meets the requirement, or raise what Starlette and FastAPI turn into an answer."""
        try:
            return self._requirement.check(await self._caller(connection), now=self._clock())
        except Problem as problem:
            _refuse(problem, connection)

    async def _caller(self, connection: HTTPConnection) -> Principal | None:
        if self._using is not None:
            connection.scope[PRINCIPAL] = None
            try:
                principal = await caller_of(self._using, connection.scope, "protected")
            except InvalidToken as error:
                raise TokenRefused(error.why) from error
            connection.scope[PRINCIPAL] = principal
        else:
            principal = principal_of(connection)
            check_reachable(principal, connection.scope.get(ACCESS))
        return principal

    def _decorate(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap an endpoint, or a method of an endpoint class, that takes its request or WebSocket as an argument."""
        is_async = inspect.iscoroutinefunction(endpoint)

        @functools.wraps(endpoint)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            await self.admit(_connection_among((*args, *kwargs.values())))
            if is_async:
                return await endpoint(*args, **kwargs)
            return await run_in_threadpool(endpoint, *args, **kwargs)

        return guarded


def _connection_among(arguments: tuple[Any, ...]) -> HTTPConnection:
    for argument in arguments:
        if isinstance(argument, HTTPConnection):
            return argument
    raise Misconfigured(
        Finding(
            "An endpoint decorated with require() does not take the request.",
            "Take it as a parameter, or write Depends(require(…)) in FastAPI.",
        )
    )


def _refuse(problem: Problem, connection: HTTPConnection) -> NoReturn:
    if connection.scope["type"] == "websocket":
        raise WebSocketException(POLICY_VIOLATION, problem.code) from problem
    answer = headers_of(problem, realm=connection.scope.get(REALM, DEFAULT_REALM))
    raise HTTPException(problem.status, problem.code, headers=answer) from problem


def _mark_as_coroutine_function(function: Any) -> None:
    """Tell FastAPI to await the dependency instead of running it in a thread, although it is a decorator as well."""
    if sys.version_info >= (3, 12):  # pragma: no cover - the suite runs on 3.11
        inspect.markcoroutinefunction(function)
    else:  # pragma: no branch
        function._is_coroutine = vars(asyncio.coroutines)["_is_coroutine"]  # noqa: SLF001 - how 3.11 marks one


_mark_as_coroutine_function(Required.__call__)
Required.__call__.__signature__ = inspect.signature(Required.admit)  # type: ignore[attr-defined]
