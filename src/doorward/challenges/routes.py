"""The scripts that answer a challenge in a browser, served from the package: no outside address, no inline code."""

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.challenges.flows import SCRIPT_PATH, WORKER_PATH
from doorward.web.routing import Operation

_ONE_DAY: Final = "public, max-age=86400"
_WORKER_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def operations() -> list[Operation]:
    """List the operations of this slice."""
    return [
        Operation("GET", SCRIPT_PATH, _solve, "What a page loads to answer a challenge", documented=False),
        Operation("GET", WORKER_PATH, _work, "The computing of it, in a thread of its own", documented=False),
    ]


async def _solve(_request: Request) -> Response:
    return _script("solve.js")


async def _work(_request: Request) -> Response:
    return _script("worker.js")


def _script(name: str) -> Response:
    content = files("doorward.challenges").joinpath("static", name).read_bytes()
    headers = {"Cache-Control": _ONE_DAY, "Content-Security-Policy": _WORKER_POLICY}
    return Response(content, headers=headers, media_type="text/javascript")
