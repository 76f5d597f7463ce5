"""``require(…)`` for Quart: what a view, a web socket or a blueprint asks of a caller.

Quart speaks ASGI, so :class:`doorward.verify.Guard` stands in front of it (``app.asgi_app = Guard(app.asgi_app, …)``)
and finds the caller; this decorates below ``@app.get`` or ``@app.websocket``, and is given to ``before_request``.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from quart import Response, current_app, has_request_context, has_websocket_context, request, websocket

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, Misconfigured
from doorward.verify.asgi import ACCESS, DOOR, principal_of
from doorward.verify.door import Door
from doorward.verify.model import Principal
from doorward.verify.requirement import Requirement, check_reachable

ViewT = TypeVar("ViewT", bound=Callable[..., Any])


def current_principal() -> Principal | None:
    """Return the verified caller of the current request or web socket; ``None`` for a guest.

    Raises :class:`~doorward.errors.Misconfigured` without a guard, and outside of both.
    """
    return principal_of(_scope())


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    clock: Clock = system_clock,
) -> "Required":
    """Make a requirement: a decorator of views and web sockets, or a function for ``before_request``.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. Raises :class:`~doorward.errors.Misconfigured` for what nobody could meet.
    """
    return Required(Requirement.of(scope=scope, role=role, fresh=fresh), clock=clock)


class Required:
    """What :func:`require` makes. Its parts are not public."""

    def __init__(self, requirement: Requirement, *, clock: Clock) -> None:
        """Keep the requirement."""
        self._requirement = requirement
        self._clock = clock

    @overload
    def __call__(self) -> Response | None: ...

    @overload
    def __call__(self, view: ViewT) -> ViewT: ...

    def __call__(self, view: Any = None) -> Any:
        """Be a decorator when given a view, and a ``before_request`` function when given nothing."""
        return self._refusal() if view is None else self._decorate(view)

    def _refusal(self) -> Response | None:
        scope = _scope()
        principal = principal_of(scope)
        check_reachable(principal, scope[ACCESS])
        try:
            self._requirement.check(principal, now=self._clock())
        except Exception as error:
            door: Door = scope[DOOR]
            answer = door.refuse(error)
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in answer.headers}
            return Response(answer.body, status=answer.status, headers=headers)
        return None

    def _decorate(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            refusal = self._refusal()
            return await current_app.ensure_async(view)(*args, **kwargs) if refusal is None else refusal

        return guarded


def _scope() -> dict[str, Any]:
    if has_request_context():
        return request.scope  # type: ignore[return-value]  # a scope is a dictionary
    if has_websocket_context():
        return websocket.scope  # type: ignore[return-value]  # as above
    raise Misconfigured(Finding("There is no request here.", "Ask for the caller within a view."))
