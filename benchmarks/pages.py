"""What a page costs, in process: the whole application called for the log-in page, beside a small JSON answer of it.

Both go through the same front, router and headers, so their difference is language, template and content policy. The
first page is measured too: it imports Jinja and compiles. CPU time, because the neighbours of a machine do not count.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, at_most, middle
from doorward.app import Doorward
from doorward.core.secret import Secret
from doorward.settings import Accounts, Settings

NAME: Final = "pages"
ROUNDS: Final = 2000


def measure() -> Iterator[Figure]:
    """Call both in turn."""
    with tempfile.TemporaryDirectory() as folder:
        first, other, page, answer = asyncio.run(_turns(Path(folder)))
    yield Figure(NAME, "the first page of a process (Jinja, its templates)", first * 1e3, "ms")
    yield Figure(NAME, "the first page in another language", other * 1e3, "ms")
    yield Figure(NAME, "GET /login, CPU", middle(page) * 1e6, "µs", at_most(1000))
    yield Figure(NAME, "GET /health/live, CPU", middle(answer) * 1e6, "µs")


async def _turns(folder: Path) -> tuple[float, float, list[float], list[float]]:
    settings = Settings(
        data_dir=folder,
        secret=(Secret(secrets.token_urlsafe(32)),),
        accounts=Accounts(email_verification="off"),
    )
    auth = Doorward(settings)
    async with auth.lifespan():
        first = await _call(auth, "/login", b"en")
        other = await _call(auth, "/login", b"ar")
        page: list[float] = []
        answer: list[float] = []
        for _ in range(ROUNDS):
            page.append(await _call(auth, "/login", b"en"))
            answer.append(await _call(auth, "/health/live", b"en"))
    return first, other, page, answer


async def _call(app: Any, path: str, language: bytes) -> float:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost:8443"),
            (b"accept", b"text/html"),
            (b"accept-language", language),
            (b"cookie", b"__Host-doorward-visitor=benchmark"),
        ],
        "client": ("203.0.113.7", 50000),
        "scheme": "https",
    }
    begun = time.process_time()
    await app(scope, _receive, _send)
    return time.process_time() - begun


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    if message["type"] == "http.response.start" and message["status"] != 200:
        raise AssertionError(message)
