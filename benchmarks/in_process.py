"""A request without network and server: an ASGI application is called with the scope that a server makes."""

import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def report_route() -> Starlette:
    """Make the application that a guard is put in front of."""
    return Starlette(routes=[Route("/reports", _report)])


async def time_call(app: Any, *credentials: tuple[bytes, bytes]) -> float:
    """Ask for the report, and return how many seconds the call alone took."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/reports",
        "raw_path": b"/reports",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"api.example"),
            (b"user-agent", b"benchmark/1"),
            (b"accept", b"application/json"),
            *credentials,
        ],
        "client": ("203.0.113.7", 50000),
        "server": ("127.0.0.1", 8000),
        "scheme": "https",
        "http_version": "1.1",
    }
    begun = time.perf_counter()
    await app(scope, _receive, _send)
    return time.perf_counter() - begun


async def _report(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("all is well")


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    if message["type"] == "http.response.start" and message["status"] != 200:
        raise AssertionError(message)
