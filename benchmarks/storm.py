"""(d) The latency of a protected route while 32 clients log in without pause, beside the quiet figures of the same run.

One client asks ``GET /v1/me`` every few milliseconds; an answer that is late delays none of the questions after it, and
counts as late. The hashing threads may use every core: they are lower in priority than the server's event loop, which
is what this shows.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks import load
from benchmarks.figures import Figure, at_most, middle
from benchmarks.logins import logging_in
from benchmarks.server import Server

NAME: Final = "storm"
CLIENTS: Final = 32
ROUNDS: Final = 5
SECONDS: Final = 4.0
PAUSE: Final = 0.004


def measure() -> Iterator[Figure]:
    """Measure quiet and storm by turns."""
    quiet: list[dict[str, Any]] = []
    storm: list[dict[str, Any]] = []
    logins: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder,
        Server(Path(folder), PASSWORDS__HASH_QUEUE=1000) as server,
    ):
        server.register(CLIENTS)
        token = server.log_in()["access_token"]
        asking = [{"request": server.request("GET", "/v1/me", Authorization=f"Bearer {token}"), "pause": PAUSE}]
        for _ in range(ROUNDS):
            quiet.append(load.Load(server, asking, seconds=SECONDS, core=None).result())
            storming = load.Load(server, logging_in(server, CLIENTS), seconds=SECONDS + 1, core=None)
            storming.wait_until_connected()
            storm.append(load.Load(server, asking, seconds=SECONDS, core=None).result())
            logins.append(storming.result()["rate"])
    for name in ("p50", "p99", "max"):
        for label, rounds in (("quiet", quiet), ("storm", storm)):
            yield Figure(NAME, f"GET /v1/me, {label}: {name}", middle([each[name] for each in rounds]) * 1000, "ms")
    yield Figure(NAME, "log-ins a second meanwhile", middle(logins), "1/s")
    ratio = middle([each["p99"] for each in storm]) / middle([each["p99"] for each in quiet])
    yield Figure(NAME, "p99 in the storm, as a multiple of the quiet one", ratio, "x", at_most(3))
