"""How soon a log-out counts at services behind: FastAPI under uvicorn, Flask and Django under gunicorn, over TLS.

Each service is a program of its own that verifies by itself and follows the feed. Sessions end at random moments; the
time runs from the 204 of the log-out to the first refusal at each service, which a thread asks without pause. Then ten
thousand sessions end at once, and then the server is killed and started again between two log-outs.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, at_most, middle
from tests.support.behind import Service, services
from tests.support.behind.issuer import ROOMY, Issuer, issuing
from tests.support.served import serving

NAME: Final = "everywhere"
SESSIONS: Final = 100
AT_ONCE: Final = 10_000
SAMPLE: Final = 20
RESTARTS: Final = 3


def measure() -> Iterator[Figure]:
    """Measure a server with its three services."""
    with (
        tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder,
        serving(Path(folder), **ROOMY) as served,
        issuing(served) as issuer,
        services(served.origin, served.authority) as behind,
        ThreadPoolExecutor(len(behind)) as pool,
    ):
        yield from _one_by_one(issuer, behind, pool)
        yield from _at_once(issuer, behind, pool)
        yield from _after_a_restart(issuer, behind, pool)


def _one_by_one(issuer: Issuer, behind: list[Service], pool: ThreadPoolExecutor) -> Iterator[Figure]:
    tokens = [issuer.log_in() for _ in range(SESSIONS)]
    chance = random.Random(4)
    chance.shuffle(tokens)
    for token in tokens:
        for service in behind:
            assert service.status(token) == 200
    times: dict[str, list[float]] = {service.name: [] for service in behind}
    for token in tokens:
        time.sleep(chance.uniform(0, 0.15))
        issuer.log_out(token)
        for service, seconds in zip(behind, _refusals(behind, pool, token), strict=True):
            times[service.name].append(seconds * 1000)
    for name, each in times.items():
        yield Figure(NAME, f"{name}: 204 to first refusal, {SESSIONS} log-outs, p50", middle(each), "ms", at_most(100))
        yield Figure(NAME, f"{name}: the same, worst", max(each), "ms", at_most(1000))


def _at_once(issuer: Issuer, behind: list[Service], pool: ThreadPoolExecutor) -> Iterator[Figure]:
    tokens = issuer.many_sessions(AT_ONCE)
    last = issuer.log_in()
    sample = [*tokens[:: AT_ONCE // SAMPLE], tokens[-1], last]
    begun = time.perf_counter()
    issuer.log_out(last, everywhere=True)
    ended = time.perf_counter()
    for token in sample:
        _refusals(behind, pool, token)
    seconds = time.perf_counter() - ended
    yield Figure(NAME, f"{AT_ONCE:,} sessions end at once: the log-out itself", (ended - begun) * 1000, "ms")
    name = f"the same: 204 until {len(sample)} of them were refused everywhere"
    yield Figure(NAME, name, seconds * 1000, "ms", at_most(1000))


def _after_a_restart(issuer: Issuer, behind: list[Service], pool: ThreadPoolExecutor) -> Iterator[Figure]:
    slowest = 0.0
    for _ in range(RESTARTS):
        token = issuer.log_in()
        _ = [service.status(token) for service in behind]
        with issuer.killed():
            assert all(service.status(token) == 200 for service in behind)
        issuer.log_out(token)
        slowest = max(slowest, *_refusals(behind, pool, token))
    yield Figure(NAME, f"log-out right after a kill and a restart: refused everywhere, worst of {RESTARTS}",
                 slowest * 1000, "ms", at_most(5000))  # fmt: skip


def _refusals(behind: list[Service], pool: ThreadPoolExecutor, token: str) -> list[float]:
    return list(pool.map(Service.seconds_to_refusal, behind, [token] * len(behind)))
