"""``/openapi.json`` and ``/docs``: the contract for programs and for people, both from the same document.

The page is plain HTML with one stylesheet from the package: no script, no outside address, nothing that a strict
content policy would have to allow. Every error code has its anchor there; problems point to it.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import CODES
from doorward.verify.answers import DOCS_PATH
from doorward.web.openapi import document
from doorward.web.routing import Operation

STYLE_PATH: Final = DOCS_PATH + "/style.css"
_ONE_DAY: Final = "public, max-age=86400"
_POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Reference:
    """Makes both documents when they are first asked for."""

    def __init__(self, operations: Sequence[Operation], *, issuer: str, title: str, version: str, cookie: str) -> None:
        """Take the operations that are described, and the name of the instance's session cookie."""
        self._operations = operations
        self._issuer = issuer
        self._title = title
        self._version = version
        self._cookie = cookie

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return document(
            self._operations, issuer=self._issuer, title=self._title, version=self._version, cookie=self._cookie
        )

    @cached_property
    def page(self) -> str:
        """The page, as HTML."""
        from jinja2 import Environment, PackageLoader, StrictUndefined  # one page in the life of most processes

        environment = Environment(
            loader=PackageLoader("doorward.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("reference.html").render(document=self.document, codes=CODES)

    async def openapi(self, _request: Request) -> Response:
        """``GET /openapi.json``."""
        return Response(msgspec.json.encode(self.document), media_type="application/json")

    async def docs(self, _request: Request) -> Response:
        """``GET /docs``."""
        return Response(self.page, headers={"Content-Security-Policy": _POLICY}, media_type="text/html")

    async def style(self, _request: Request) -> Response:
        """``GET /docs/style.css``."""
        content = files("doorward.web").joinpath("static/reference.css").read_bytes()
        return Response(content, headers={"Cache-Control": _ONE_DAY}, media_type="text/css")

    def operations(self) -> list[Operation]:
        """List the operations of the reference itself."""
        return [
            Operation("GET", "/openapi.json", self.openapi, "This contract, for programs", documented=False),
            Operation("GET", DOCS_PATH, self.docs, "This contract, for people", documented=False),
            Operation("GET", STYLE_PATH, self.style, "The looks of it", documented=False),
        ]
