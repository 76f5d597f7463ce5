"""The files that pages load: style, script, mark, theme and logo, each at an address that names its content.

An address changes when the content does, so an answer is good for ever (``immutable``) and an update is seen at once.
Nothing comes from outside. The logo is the operator's file; as a document of its own it may do nothing.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import NotFound
from doorward.settings import Pages
from doorward.web.routing import Operation
from doorward.web.theme import stylesheet

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
}
LOGO_TYPES: Final = (".svg", ".png", ".webp")
MAX_LOGO_BYTES: Final = 256 * 1024

SHIPPED: Final = ("pages.css", "pages.js", "favicon.svg", "favicon.ico", "apple-touch-icon.png")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ONE_DAY: Final = "public, max-age=86400"
_DRAWING_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""For an image opened as a document: an SVG may carry styles, and must not carry scripts that run."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, at its address below the mount."""

    path: str
    content: bytes
    media_type: str


class Assets:
    """Every file that pages load, read when the first page is asked for."""

    def __init__(self, settings: Pages, *, mount_path: str) -> None:
        """Take the settings; nothing is read yet."""
        self._settings = settings
        self._mount_path = mount_path

    @cached_property
    def by_name(self) -> dict[str, Asset]:
        """The files by the names that templates use; ``theme.css`` and ``logo`` are there if they are set."""
        contents = {name: files("doorward.web").joinpath(f"static/{name}").read_bytes() for name in SHIPPED}
        found = {name: _asset(Path(name), content) for name, content in contents.items()}
        theme = stylesheet(self._settings)
        if theme:
            found["theme.css"] = _asset(Path("theme.css"), theme.encode())
        if self._settings.logo is not None:
            found["logo"] = _asset(
                Path("logo").with_suffix(self._settings.logo.suffix.lower()), self._settings.logo.read_bytes()
            )
        return found

    @cached_property
    def _by_path(self) -> dict[str, Asset]:
        return {asset.path: asset for asset in self.by_name.values()}

    def url(self, name: str) -> str:
        """Return the address of a file, for a template; empty where there is no such file."""
        asset = self.by_name.get(name)
        return "" if asset is None else self._mount_path + asset.path

    async def serve(self, request: Request) -> Response:
        """``GET /static/{name}``; an address of another version is none."""
        asset = self._by_path.get(f"/static/{request.path_params['name']}")
        if asset is None:
            raise NotFound("no such file")
        return _answer(asset, _FOR_EVER)

    async def favicon(self, _request: Request) -> Response:
        """``GET /favicon.ico``, which browsers ask for without being told."""
        return _answer(self.by_name["favicon.ico"], _ONE_DAY)

    def operations(self) -> list[Operation]:
        """List the operations."""
        return [
            Operation("GET", "/static/{name}", self.serve, "A file that pages load", documented=False),
            Operation("GET", "/favicon.ico", self.favicon, "The mark", documented=False),
        ]


def _asset(name: Path, content: bytes) -> Asset:
    version = base64.b32encode(hashlib.sha256(content).digest())[:10].decode("ascii").lower()
    return Asset(f"/static/{name.stem}-{version}{name.suffix}", content, MEDIA_TYPES[name.suffix])


def _answer(asset: Asset, caching: str) -> Response:
    return Response(
        asset.content,
        media_type=asset.media_type,
        headers={"Cache-Control": caching, "Content-Security-Policy": _DRAWING_POLICY},
    )
