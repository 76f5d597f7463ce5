"""``protect`` and ``require(…)`` for Flask: the guard around an application, and what a route asks of a caller.

``protect(app, verifier, public=[…])`` puts the WSGI guard around everything that the application serves, its static
files and its 404 too. ``require(…)`` decorates a view, or is given to ``before_request`` of a blueprint. It reads what
the guard has found, so it cannot disagree with it; ``using=verifier`` does without a guard.

    @app.get("/reports")
    @require(scope="reports:read")
    def reports() -> list[Report]: ...

    admin.before_request(require(role="admin"))
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from flask import Flask, Response, current_app, has_request_context, request

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, Misconfigured
from doorward.verify.answers import DEFAULT_REALM, Answer
from doorward.verify.door import BlockingAuthenticator, Door, caller_in
from doorward.verify.model import Principal
from doorward.verify.requirement import Requirement, check_reachable
from doorward.verify.wsgi import ACCESS, DOOR, PRINCIPAL, Guard, asked, headers_in, principal_in

ViewT = TypeVar("ViewT", bound=Callable[..., Any])


def protect(
    app: Flask,
    authenticator: BlockingAuthenticator,
    *,
    protected: Iterable[str] = (),
    public: Iterable[str] = (),
    optional: Iterable[str] = (),
    login_url: str | None = None,
    realm: str = DEFAULT_REALM,
) -> None:
    """Put the guard around a Flask application; ``static`` files are closed like the rest unless a rule opens them.

    Raises :class:`~doorward.errors.Misconfigured` for rules, a log-in URL or a realm that cannot be used.
    """
    guard = Guard(
        app.wsgi_app,
        authenticator,
        protected=protected,
        public=public,
        optional=optional,
        login_url=login_url,
        realm=realm,
    )
    app.wsgi_app = guard  # type: ignore[method-assign]  # how Flask documents WSGI middleware


def current_principal() -> Principal | None:
    """Return the verified caller of the current request; ``None`` for a guest.

    A function and no proxy: a proxy of nobody is an object, and ``is None`` would be false. Raises
    :class:`~doorward.errors.Misconfigured` without a guard and outside of a request.
    """
    if not has_request_context():
        raise Misconfigured(Finding("There is no request here.", "Ask for the caller within a view."))
    return principal_in(request.environ)


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    using: BlockingAuthenticator | None = None,
    clock: Clock = system_clock,
) -> "Required":
    """Make a requirement: a decorator of views (below ``@app.route``), or a function for ``before_request``.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. Refusals are the same problems that the guard answers with. Raises
    :class:`~doorward.errors.Misconfigured` for a requirement that nobody could meet.
    """
    return Required(Requirement.of(scope=scope, role=role, fresh=fresh), using=using, clock=clock)


class Required:
    """What :func:`require` makes. Its parts are not public."""

    def __init__(self, requirement: Requirement, *, using: BlockingAuthenticator | None, clock: Clock) -> None:
        """Keep the requirement."""
        self._requirement = requirement
        self._using = using
        self._door = None if using is None else Door(using)
        self._clock = clock

    @overload
    def __call__(self) -> Response | None: ...

    @overload
    def __call__(self, view: ViewT) -> ViewT: ...

    def __call__(self, view: Any = None) -> Any:
        """Be a decorator when given a view, and a ``before_request`` function when given nothing."""
        return self._refusal() if view is None else self._decorate(view)

    def _refusal(self) -> Response | None:
        """Return the answer to somebody who may not, and ``None`` where the request may go on."""
        environ = request.environ
        door: Door = self._door or environ.get(DOOR) or Door(None)
        if self._using is None:
            check_reachable(principal_in(environ), environ.get(ACCESS))
        try:
            self._requirement.check(self._caller(environ), now=self._clock())
        except Exception as error:
            return _response(door.refuse(error, asked(environ)))
        return None

    def _caller(self, environ: dict[str, Any]) -> Principal | None:
        if self._using is not None:
            environ[PRINCIPAL] = None
            environ[PRINCIPAL] = caller_in(self._using, headers_in(environ), "protected")
        return principal_in(environ)

    def _decorate(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            refusal = self._refusal()
            return current_app.ensure_sync(view)(*args, **kwargs) if refusal is None else refusal

        return guarded


def _response(answer: Answer) -> Response:
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in answer.headers]
    return Response(answer.body, status=answer.status, headers=headers)
