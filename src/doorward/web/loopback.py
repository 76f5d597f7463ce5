"""Plain HTTP for development answers this machine and nobody else, also where a host mounts the app and listens.

``doorward serve`` listens on a loopback address then (``configuration/origins.py``), so this is the second lock. It
holds requests to the configured Host too: a name of somebody else's that was pointed to this machine (DNS rebinding) is
not our origin.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from doorward.errors import HttpsRequired

FORWARDED: Final = "doorward.forwarded"
"""Where in the scope ``doorward serve``, which takes forwarded headers off, says that there were some."""

_DETAIL: Final = "Plain HTTP is answered on this machine alone, under the origin that is configured, through no proxy."


class LoopbackOnly:
    """Wraps the routes of an instance that speaks plain HTTP."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        """Take what is wrapped and under which origin it is asked."""
        self._app = app
        self._host = urlsplit(origin).netloc.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises :class:`HttpsRequired`."""
        headers = scope["headers"]
        if [value for name, value in headers if name == b"host"] != [self._host]:
            raise HttpsRequired("another Host", detail=_DETAIL)
        if was_forwarded(scope):
            raise HttpsRequired("a proxy has passed it on", detail=_DETAIL)
        if not _is_loopback(scope.get("client")):
            raise HttpsRequired("from another machine", detail=_DETAIL)
        await self._app(scope, receive, send)


def was_forwarded(scope: Mapping[str, Any]) -> bool:
    """Tell whether a proxy, which may stand on this machine and answer everybody, has passed a request on."""
    return scope.get(FORWARDED, False) or any(
        name == b"forwarded" or name.startswith(b"x-forwarded-") for name, _ in scope["headers"]
    )


def _is_loopback(client: tuple[str, int] | None) -> bool:
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
