"""The guard in front of an ASGI application: who may pass is decided before the application sees the request.

Pure ASGI, no framework. It decides on the path as the router behind it will match it (:mod:`doorward.verify.paths`),
for HTTP and for WebSocket handshakes alike. Whatever goes wrong inside an authenticator closes the door: an exception
is never a reason to let somebody through (authentik CVE-2024-47070), and neither is an answer that is no principal
(Auth.js CVE-2026-73421).
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, Protocol

from doorward.errors import Finding, Internal, InvalidToken, Misconfigured, Problem, SessionEnded, TokenRefused
from doorward.verify.answers import DEFAULT_REALM, NO_CREDENTIAL, Answer, refusal, to_login, wants_page
from doorward.verify.model import Principal
from doorward.verify.paths import Access, Rules

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PRINCIPAL: Final = "doorward.principal"
"""Where in the scope the verified caller stands: a :class:`Principal`, or ``None`` on public and optional paths."""

ACCESS: Final = "doorward.access"
"""Where in the scope it stands what the path needed."""

REALM: Final = "doorward.realm"

POLICY_VIOLATION: Final = 1008
"""RFC 6455 section 7.4.1; before the handshake is done, a server turns it into a 403."""

_REALM: Final = re.compile(r"[A-Za-z0-9 ._:/-]{1,128}")
_LOGIN_URL: Final = re.compile(r"(?:https://[A-Za-z0-9._:\[\]-]+)?/(?!/)[!$&'()*+,;=:@/?%A-Za-z0-9._~-]*")

_log = logging.getLogger("doorward.verify")


class Authenticator(Protocol):
    """Who can tell a caller: a :class:`~doorward.verify.Verifier`, or a ``Doorward``, which also knows its cookie."""

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Return the caller, or ``None`` when no credential was sent; raise ``InvalidToken`` or a ``Problem``."""
        ...


class Guard:
    """ASGI middleware that protects by path.

    ``protected``, ``public`` and ``optional`` are path prefixes: a prefix means itself and everything below it, the
    longest match wins, ``/`` is the root page alone, ``/*`` is everything, and what nothing names is protected. On a
    public path no credential is looked at; on an optional path a good one is used and none is fine.
    """

    def __init__(
        self,
        app: App,
        authenticator: Authenticator,
        *,
        protected: Iterable[str] = (),
        public: Iterable[str] = (),
        optional: Iterable[str] = (),
        login_url: str | None = None,
        realm: str = DEFAULT_REALM,
    ) -> None:
        """Wrap ``app``. ``login_url`` is where browsers that ask for a page are sent; without it they get a 401 too.

        Raises :class:`~doorward.errors.Misconfigured` for rules, a log-in URL or a realm that cannot be used, and
        around an application with a ``root_path`` of its own: the guard would not see the path that is routed by.
        """
        findings = []
        if _has_root_path(app):
            what = "Guard: the application inside has a root_path of its own, which it would take off every path."
            findings.append(Finding(what, "Use app.add_middleware(Guard, …), or give the root_path to the server."))
        if login_url is not None and _LOGIN_URL.fullmatch(login_url) is None:
            findings.append(Finding(f"Guard: login_url {login_url!r} is no path.", "Give '/login' or an https URL."))
        if _REALM.fullmatch(realm) is None:
            findings.append(Finding(f"Guard: realm {realm!r} cannot be quoted.", "Use letters, digits and spaces."))
        if findings:
            raise Misconfigured(*findings)
        self._app = app
        self._authenticator = authenticator
        self._rules = Rules(protected=protected, public=public, optional=optional)
        self._documentation: str | None = getattr(authenticator, "documentation", None)
        self._login_url = login_url
        self._realm = realm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its principal in the scope, or answer it."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            if kind != "lifespan":
                raise ValueError("Guard knows http, websocket and lifespan")
            await self._app(scope, receive, send)
            return
        scope[PRINCIPAL] = None  # whatever an outer application has put there, this guard answers for itself
        access: Access = "protected"
        try:
            access = self._rules.classify(scope["path"], scope.get("root_path", ""))
            scope[ACCESS] = access
            scope[REALM] = self._realm
            if access != "public":
                scope[PRINCIPAL] = await self._principal(scope, access)
        except Problem as problem:
            await self._refuse(problem, scope, send)
        except Exception:
            _log.exception("authentication failed with an error; the request was refused")
            await self._refuse(Internal(), scope, send)
        else:
            await self._app(scope, receive, send)

    async def _principal(self, scope: Scope, access: Access) -> Principal | None:
        try:
            principal = await self._authenticator.authenticate(scope)
        except InvalidToken as error:
            raise TokenRefused(error.why) from error
        except SessionEnded:
            # A browser sends a dead cookie without meaning it; on an optional page its owner is simply not logged in.
            if access != "optional":
                raise
            return None
        if principal is None:
            if access != "optional":
                raise TokenRefused(NO_CREDENTIAL)
            return None
        if not isinstance(principal, Principal):
            raise TypeError("the authenticator answered with something else than a Principal")
        return principal

    async def _refuse(self, problem: Problem, scope: Scope, send: Send) -> None:
        _log.info("refused: %s (%s)", problem.code, problem.why)
        answer = refusal(problem, realm=self._realm, documentation=self._documentation)
        if scope["type"] == "websocket":
            await _refuse_handshake(answer, scope, send)
        elif self._login_url is not None and self._may_log_in(problem, scope):
            path, root_path = scope["path"], scope.get("root_path", "")
            query = scope.get("query_string", b"")
            await _write(to_login(self._login_url, path=path, root_path=root_path, query=query), "http.response", send)
        else:
            await _write(answer, "http.response", send)

    def _may_log_in(self, problem: Problem, scope: Scope) -> bool:
        """Tell whether the log-in page helps. Never from the log-in page itself: that would turn in circles."""
        here = (scope["path"], scope.get("root_path", "") + scope["path"])
        return (
            problem.status == 401
            and wants_page(scope["method"], scope["headers"])
            and self._login_url is not None
            and self._login_url.partition("?")[0] not in here
        )


def principal_of(connection: Mapping[str, Any]) -> Principal | None:
    """Return the caller that a :class:`Guard` has verified, from a scope, a Starlette ``Request`` or a ``WebSocket``.

    ``None`` on public paths, and on optional ones when nobody is logged in. Raises
    :class:`~doorward.errors.Misconfigured` where no guard stands in front: a missing guard must not look like a guest.
    """
    if PRINCIPAL not in connection:
        raise Misconfigured(
            Finding(
                "No Guard stands in front of this application.",
                "Add doorward.verify.Guard as middleware, or say require(using=verifier).",
            )
        )
    principal = connection[PRINCIPAL]
    return principal if isinstance(principal, Principal) else None


def _has_root_path(app: object) -> bool:
    """Look through middleware for an application like ``FastAPI(root_path="/api")``."""
    while app is not None:
        if getattr(app, "root_path", ""):
            return True
        app = getattr(app, "app", None)
    return False


async def _refuse_handshake(answer: Answer, scope: Scope, send: Send) -> None:
    """Refuse before the handshake: with the whole answer where the server can send one, else by closing."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await _write(answer, "websocket.http.response", send)
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})


async def _write(answer: Answer, kind: str, send: Send) -> None:
    await send({"type": f"{kind}.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": f"{kind}.body", "body": answer.body})
