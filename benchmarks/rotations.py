"""(b) Rotations a second over HTTP: 16 keep-alive clients, the server in one process on one core, both engines.

The load generator has the other core; PostgreSQL's processes share that one with it. Both engines are as durable as in
production. Beside them, in the same run: a route that does nothing, which shows what HTTP alone costs. The rate counts
only while nothing else runs on the server's core; rotations for each second of the server's CPU time are what one core
could do, and hold on a busy machine too.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import load
from benchmarks.cluster import postgresql, program
from benchmarks.figures import Figure, at_least, middle
from benchmarks.machine import SERVER_CORE, cpu_seconds
from benchmarks.server import Server

NAME: Final = "rotations"
CLIENTS: Final = 16
ROUNDS: Final = 5
SECONDS: Final = 3.0
AIMS: Final = {"sqlite, http": at_least(3000), "postgresql, http": at_least(2500)}


def rotating(server: Server) -> list[dict[str, Any]]:
    """Make an order for clients that each spend their own refresh token again and again."""
    tokens = [server.log_in(number)["refresh_token"] for number in range(CLIENTS)]
    return [
        {"request": server.request("POST", "/v1/token/refresh", {"refresh_token": token}), "token": token}
        for token in tokens
    ]


def measure() -> Iterator[Figure]:
    """Run the rounds, the engines by turns."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for tls in (False, True):
            mode = "https" if tls else "http"
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-")))
            servers[f"sqlite, {mode}"] = Server(folder, tls=tls, core=SERVER_CORE)
        if program("initdb"):
            fresh = stack.enter_context(postgresql())
            for tls in (False, True):
                mode = "https" if tls else "http"
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-")))
                server = servers[f"postgresql, {mode}"] = Server(
                    folder, tls=tls, core=SERVER_CORE, database_url=fresh()
                )
                server.migrate()
        for server in servers.values():
            stack.enter_context(server)
            server.register(CLIENTS)
        yield from _figures(servers)


def _figures(servers: dict[str, Server]) -> Iterator[Figure]:
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            found.setdefault(name, []).append(once(server, rotating(server)))
        nothing = [{"request": servers["sqlite, http"].request("GET", "/health/live")}] * CLIENTS
        found.setdefault("no work, http", []).append(once(servers["sqlite, http"], nothing))
    for name, rounds in found.items():
        rate = middle([each["rate"] for each in rounds])
        cpu = middle([each["cpu"] for each in rounds])
        yield Figure(NAME, f"{name}: a second", rate, "1/s", AIMS.get(name))
        yield Figure(NAME, f"{name}: a second of the server's CPU", 1e6 / cpu, "1/s")
        yield Figure(NAME, f"{name}: CPU of the server", cpu, "µs")
        yield Figure(NAME, f"{name}: CPU of the generator", middle([each["generator"] for each in rounds]), "µs")
        yield Figure(NAME, f"{name}: share of its core that the server had", middle([e["share"] for e in rounds]), "")
        yield Figure(NAME, f"{name}: p50", middle([each["p50"] for each in rounds]) * 1000, "ms")
        yield Figure(NAME, f"{name}: p99", middle([each["p99"] for each in rounds]) * 1000, "ms")


def once(server: Server, connections: list[dict[str, Any]], *, seconds: float = SECONDS) -> dict[str, float]:
    """Measure one round: rate, latencies, and the CPU time of both sides for each request in µs."""
    running = load.Load(server, connections, seconds=seconds, warmup=0.3)
    running.wait_until_connected()
    before = cpu_seconds(server.pid)
    result = running.result()
    cpu = cpu_seconds(server.pid) - before
    # The server's time includes the warm-up, so it is held against everything that was answered in it.
    whole = result["count"] * (seconds + 0.3) / seconds
    return {
        "rate": result["rate"],
        "cpu": cpu / whole * 1e6,
        "share": cpu / (seconds + 0.3),
        "generator": result["generator_cpu"] / result["count"] * 1e6,
        "p50": result["p50"],
        "p99": result["p99"],
    }
