"""How soon another process refuses a token whose session has been ended: two servers on one database, both engines.

The token is used at the second server first, so that it is in the cache of verified tokens there. The time runs from
the 204 of the log-out at the first to the first refusal at the second, which is asked without pause.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from benchmarks.cluster import postgresql, program
from benchmarks.figures import Figure, at_most, middle
from benchmarks.server import PROXY_HEADERS, Server

NAME: Final = "revocation"
SESSIONS: Final = 40
PROMISE: Final = 0.25


def measure() -> Iterator[Figure]:
    """Measure both engines."""
    with ExitStack() as stack:
        urls = {"sqlite": ""}
        if program("initdb"):
            urls["postgresql"] = stack.enter_context(postgresql(core=None))()
        for engine, url in urls.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-")))
            first = Server(folder, database_url=url)
            if url:
                first.migrate()
            with first, Server(folder, database_url=url, secret=first.secret) as second:
                first.register()
                times = [_once(first, second) * 1000 for _ in range(SESSIONS)]
            yield Figure(NAME, f"{engine}: refused in the other process, median", middle(times), "ms")
            yield Figure(
                NAME, f"{engine}: refused in the other process, worst", max(times), "ms", at_most(PROMISE * 1000)
            )


def _once(first: Server, second: Server) -> float:
    bearer = {"Authorization": f"Bearer {first.log_in()['access_token']}", **PROXY_HEADERS}
    with closing(HTTPConnection("127.0.0.1", second.port)) as asking:
        assert _status(asking, "GET", "/v1/me", bearer) == 200
        with closing(HTTPConnection("127.0.0.1", first.port)) as ending:
            assert _status(ending, "POST", "/v1/logout", bearer) == 204
        ended = time.perf_counter()
        while _status(asking, "GET", "/v1/me", bearer) == 200:
            if time.perf_counter() - ended > 10:
                raise RuntimeError("the other process still believes the token after ten seconds")
        return time.perf_counter() - ended


def _status(connection: HTTPConnection, method: str, path: str, headers: dict[str, str]) -> int:
    connection.request(method, path, headers=headers)
    with connection.getresponse() as response:
        response.read()
        return response.status
