"""``require(…)`` for Litestar: a guard in Litestar's sense, for handlers, controllers, routers and applications.

Litestar speaks ASGI, so :class:`doorward.verify.Guard` stands in front (``app = Guard(Litestar(…), verifier, …)``) and
finds the caller; ``guards=[require(scope="reports:read")]`` asks for more, and ``principal_of(request)`` tells who it
is.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from doorward.core.clock import Clock, system_clock
from doorward.errors import Problem
from doorward.verify.answers import headers_of
from doorward.verify.asgi import ACCESS, REALM, principal_of
from doorward.verify.requirement import Requirement, check_reachable

Connection = ASGIConnection[Any, Any, Any, Any]


class Refused(HTTPException):
    """A refusal with the status, the challenge and the public code of every other adapter."""


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    clock: Clock = system_clock,
) -> Callable[[Connection, BaseRouteHandler], None]:
    """Make a Litestar guard. It needs :class:`doorward.verify.Guard` in front.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. Raises :class:`~doorward.errors.Misconfigured` for what nobody could meet.
    """
    requirement = Requirement.of(scope=scope, role=role, fresh=fresh)

    def required(connection: Connection, _handler: BaseRouteHandler) -> None:
        carried: Mapping[str, Any] = connection.scope
        principal = principal_of(carried)
        check_reachable(principal, carried[ACCESS])
        try:
            requirement.check(principal, now=clock())
        except Problem as problem:
            headers = headers_of(problem, realm=carried[REALM])
            extra = {"code": problem.code}
            raise Refused(problem.title, status_code=problem.status, headers=headers, extra=extra) from problem

    return required
