"""(c) Log-ins a second, as a share of what the bare hash allows at the same parameters with as many threads.

The bare hash is argon2-cffi in a process of its own: threads of the same number and the same (lowest) priority as the
server's, verifying one hash again and again. The two take turns of a few seconds. Where other programs use the machine,
one figure says more than the rates: which share of the server's CPU time its hashing threads had.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks import load
from benchmarks.figures import Figure, at_least, middle
from benchmarks.machine import cpu_seconds, niced_cpu_seconds
from benchmarks.server import PASSWORD, Server, email

NAME: Final = "logins"
CLIENTS: Final = 16
ROUNDS: Final = 4
SECONDS: Final = 4.0


def logging_in(server: Server, clients: int) -> list[dict[str, Any]]:
    """Make an order for clients that log in without pause."""
    return [
        {"request": server.request("POST", "/v1/login", {"login": email(number), "password": PASSWORD})}
        for number in range(clients)
    ]


def measure() -> Iterator[Figure]:
    """Measure with as many threads as cores, which is the default, and with one fewer, which leaves a core free."""
    cores = len(os.sched_getaffinity(0))
    for threads in sorted({cores, max(1, cores - 1)}, reverse=True):
        yield from _measure(threads)


def _measure(threads: int) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {"login": [], "hash": []}
    costs: dict[str, list[float]] = {"login": [], "hash": []}
    within: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder,
        Server(Path(folder), PASSWORDS__HASH_THREADS=threads, PASSWORDS__HASH_QUEUE=1000) as server,
    ):
        server.register(CLIENTS)
        for _ in range(ROUNDS):
            bare = _bare(threads)
            rates["hash"].append(bare["rate"])
            costs["hash"].append(bare["cpu"])
            running = load.Load(server, logging_in(server, CLIENTS), seconds=SECONDS, core=None)
            running.wait_until_connected()
            time.sleep(0.5)
            before, niced = cpu_seconds(server.pid), niced_cpu_seconds(server.pid)
            time.sleep(SECONDS)
            used, hashing = cpu_seconds(server.pid) - before, niced_cpu_seconds(server.pid) - niced
            result = running.result()
            rates["login"].append(result["rate"])
            costs["login"].append(used / result["count"])
            within.append(hashing / used)
    shares = [one / other for one, other in zip(rates["login"], rates["hash"], strict=True)]
    of = f"{threads} thread{'s' if threads > 1 else ''}"
    yield Figure(NAME, f"{of}: log-ins a second", middle(rates["login"]), "1/s")
    yield Figure(NAME, f"{of}: bare Argon2id hashes a second", middle(rates["hash"]), "1/s")
    yield Figure(NAME, f"{of}: share of the bare hash, median of the turns", middle(shares), "", at_least(0.95))
    yield Figure(NAME, f"{of}: CPU of a log-in", middle(costs["login"]) * 1e3, "ms")
    yield Figure(NAME, f"{of}: CPU of a bare hash", middle(costs["hash"]) * 1e3, "ms")
    yield Figure(NAME, f"{of}: share of the server's CPU time that is hashing", middle(within), "")


def _bare(threads: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.logins", str(threads)], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _hash_bare(threads: int) -> dict[str, float]:
    """Hash in threads for a while; this is the other process."""
    from doorward.passwords.hashing import Hasher
    from doorward.passwords.pool import lower_priority
    from doorward.settings import Passwords

    hasher = Hasher(Passwords())
    stored = hasher.hash(PASSWORD)
    counts = [0] * threads
    ends = time.perf_counter() + 0.5 + SECONDS
    begins = ends - SECONDS

    def work(place: int) -> None:
        lower_priority()
        while time.perf_counter() < ends:
            hasher.verify(stored, PASSWORD)
            counts[place] += begins <= time.perf_counter() <= ends

    workers = [threading.Thread(target=work, args=(place,)) for place in range(threads)]
    for worker in workers:
        worker.start()
    time.sleep(0.5)
    cpu = time.process_time()
    for worker in workers:
        worker.join()
    return {"rate": sum(counts) / SECONDS, "cpu": (time.process_time() - cpu) / sum(counts)}


if __name__ == "__main__":
    print(json.dumps(_hash_bare(int(sys.argv[1]))))
