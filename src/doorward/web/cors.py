"""CORS (Fetch standard §3.2): which scripts of other origins may read our answers. By a list, and without cookies.

An origin that is listed in ``browser.allowed_origins`` may call the API below ``/v1/`` with what it sends itself: a
JSON body, an access token. It never gets ``Access-Control-Allow-Credentials``, so that no browser shows it an answer to
a request with our cookie: cookie sessions belong to pages of our own origin, and a listed application that has a bad
day cannot act for everybody who is logged in here. Pages (``/login`` and the like) are not below ``/v1/``.

The key set, the metadata and the script are the same for everybody and say nothing about anybody; every origin may read
them, with ``*``, which browsers refuse to combine with cookies.

An origin is compared as bytes with the whole list entry. No pattern, no suffix, nothing that is echoed without having
been found; ``null`` (sandboxed frames, files) cannot be listed; a header that is there twice is no origin.
"""

from collections.abc import Callable, Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doorward.core.clock import Entropy
from doorward.web.front import dress, request_id_of
from doorward.web.routing import path_below_mount
from doorward.web.script import SCRIPT_PATH

API: Final = "/v1/"
FOR_EVERYBODY: Final = frozenset({"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", SCRIPT_PATH})
REQUEST_HEADERS: Final = b"authorization, content-type"
EXPOSED_HEADERS: Final = b"retry-after, www-authenticate, x-request-id"
MAX_AGE: Final = 600
"""Seconds for which a browser need not ask again; so long may an origin that was taken off the list still ask."""

_VARY: Final = (b"vary", b"Origin")
_VARY_PREFLIGHT: Final = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")

Fields = list[tuple[bytes, bytes]]


class Cors:
    """Stands before the outermost layer, because refusals are read by scripts too."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Iterable[str],
        methods: Callable[[str], Iterable[str]],
        entropy: Entropy,
        in_clear: bool = False,
    ) -> None:
        """Wrap ``app``. ``methods`` tells those of a path, none for a path that is not there."""
        self._app = app
        self._allowed = frozenset(origin.encode() for origin in allowed)
        self._methods = methods
        self._entropy = entropy
        self._in_clear = in_clear

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight of a listed origin, or pass the request on and say in its answer who may read that."""
        path = path_below_mount(scope["path"], scope.get("root_path", ""))
        preflight = self._preflight(path, scope)
        if preflight:
            fields = dress(preflight, request_id_of(scope["headers"], self._entropy), in_clear=self._in_clear)
            await send({"type": "http.response.start", "status": 204, "headers": fields})
            await send({"type": "http.response.body", "body": b""})
            return
        said = self._said(path, scope)
        if not said:
            await self._app(scope, receive, send)
            return

        async def send_said(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *said]
            await send(message)

        await self._app(scope, receive, send_said)

    def _said(self, path: str, scope: Scope) -> Fields:
        if path in FOR_EVERYBODY:
            return [(b"access-control-allow-origin", b"*")]
        if not self._allowed or not path.startswith(API):
            return []
        origin = self._listed(scope)
        if origin is None:
            return [_VARY]  # to a listed origin it says something else, and no cache may confuse the two
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
            _VARY,
        ]

    def _preflight(self, path: str, scope: Scope) -> Fields:
        """Return what permits a listed origin to ask, or nothing: then it is a method like any other, and refused."""
        if scope["method"] != "OPTIONS" or not path.startswith(API) or path in FOR_EVERYBODY:
            return []
        methods, origin = sorted(self._methods(path)), self._listed(scope)
        if (
            origin is None
            or not methods
            or all(name != b"access-control-request-method" for name, _ in scope["headers"])
        ):
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", str(MAX_AGE).encode()),
            _VARY_PREFLIGHT,
        ]

    def _listed(self, scope: Scope) -> bytes | None:
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        return origins[0] if len(origins) == 1 and origins[0] in self._allowed else None
