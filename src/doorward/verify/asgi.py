"""The guard in front of an ASGI application: who may pass is decided before the application sees the request.

Pure ASGI, no framework. It decides on the path as the router behind it will match it (:mod:`doorward.verify.paths`),
for HTTP and for WebSocket handshakes alike (:mod:`doorward.verify.door`), and closes an open WebSocket when what let
it in no longer holds (:mod:`doorward.verify.sockets`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from doorward.errors import Finding, Misconfigured
from doorward.verify.answers import DEFAULT_REALM, Answer
from doorward.verify.door import Asked, Authenticator, Door, caller_of
from doorward.verify.model import Principal
from doorward.verify.paths import Access
from doorward.verify.sockets import POLICY_VIOLATION, App, GuardedSocket, Receive, Scope, Send

PRINCIPAL: Final = "doorward.principal"
"""Where in the scope the verified caller stands: a :class:`Principal`, or ``None`` on public and optional paths."""

ACCESS: Final = "doorward.access"
"""Where in the scope it stands what the path needed."""

REALM: Final = "doorward.realm"
DOOR: Final = "doorward.door"
"""Where in the scope it stands in whose name is refused, and who does it."""


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
        self._app = app
        self._authenticator = authenticator
        self._door = Door(
            authenticator,
            protected=protected,
            public=public,
            optional=optional,
            login_url=login_url,
            realm=realm,
            findings=findings,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its principal in the scope, or answer it."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            if kind != "lifespan":
                raise ValueError("Guard knows http, websocket and lifespan")
            await self._app(scope, receive, send)
            return
        scope[PRINCIPAL] = None  # whatever an outer application has put there, this guard answers for itself
        try:
            access: Access = self._door.access(scope["path"], scope.get("root_path", ""))
            scope[ACCESS] = access
            scope[REALM] = self._door.realm
            scope[DOOR] = self._door
            principal = scope[PRINCIPAL] = await caller_of(self._authenticator, scope, access)
            socket = None
            if kind == "websocket" and principal is not None:
                socket = GuardedSocket(self._authenticator, principal, receive, send)
        except Exception as error:
            await self._refuse(error, scope, send)
            return
        if socket is None:
            await self._app(scope, receive, send)
        else:
            await socket.run(self._app, scope)

    async def _refuse(self, error: Exception, scope: Scope, send: Send) -> None:
        if scope["type"] == "websocket":
            await _refuse_handshake(self._door.refuse(error), scope, send)
        else:
            await _write(self._door.refuse(error, _asked(scope)), "http.response", send)


def _asked(scope: Scope) -> Asked:
    return Asked(
        method=scope["method"],
        path=scope.get("path", ""),
        root_path=scope.get("root_path", ""),
        query=scope.get("query_string", b""),
        headers=scope.get("headers", ()),
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
    """Look through middleware for an application like ``FastAPI(root_path="/api")``. Quart's is a folder of files."""
    while app is not None:
        if getattr(app, "root_path", "") and not hasattr(app, "asgi_app"):
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
