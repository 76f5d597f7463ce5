"""``doorward.js``, served below the API that it speaks to: one file of the package, the same for everybody.

It may be kept for an hour and is then asked for with its validator, so that an upgrade reaches every page the same day.
"""

import hashlib
from functools import cached_property
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.web.routing import Operation

SCRIPT_PATH: Final = "/v1/doorward.js"
MAX_AGE: Final = 3600
"""Seconds for which a browser does not ask again."""


class Script:
    """The module for pages."""

    @cached_property
    def content(self) -> bytes:
        """Its text."""
        return files("doorward.web").joinpath("static/doorward.js").read_bytes()

    @cached_property
    def etag(self) -> str:
        """Its validator, which another release changes."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    async def show(self, request: Request) -> Response:
        """``GET /v1/doorward.js``."""
        headers = {"Cache-Control": f"public, max-age={MAX_AGE}", "ETag": self.etag}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type="text/javascript")

    def operations(self) -> list[Operation]:
        """List its one operation."""
        return [Operation("GET", SCRIPT_PATH, self.show, "The module for scripts of pages", documented=False)]
