"""What one request of somebody who is logged in costs the server: by token, by cookie, and with no work at all; and
what the question of a proxy or of a service costs.

As in ``rotations``: 16 keep-alive clients, the server on one core, the generator on the other, plain HTTP as behind a
proxy, SQLite.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, middle
from benchmarks.machine import SERVER_CORE
from benchmarks.rotations import CLIENTS, once
from benchmarks.server import Server

NAME: Final = "requests"
ROUNDS: Final = 5
SECONDS: Final = 2.0


def measure() -> Iterator[Figure]:
    """Measure the requests by turns."""
    with (
        tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder,
        Server(Path(folder), core=SERVER_CORE) as server,
    ):
        server.register()
        token, cookie = server.log_in()["access_token"], server.log_in_for_cookie()
        asked = {
            "GET /health/live, no work": server.request("GET", "/health/live"),
            "GET /.well-known/jwks.json": server.request("GET", "/.well-known/jwks.json"),
            "GET /v1/me by token": server.request("GET", "/v1/me", Authorization=f"Bearer {token}"),
            "GET /v1/me by cookie": server.request("GET", "/v1/me", Cookie=cookie),
            "GET /v1/forward-auth by token": server.request("GET", "/v1/forward-auth", Authorization=f"Bearer {token}"),
            "GET /v1/forward-auth by cookie": server.request("GET", "/v1/forward-auth", Cookie=cookie),
            "POST /v1/introspect": server.form("/v1/introspect", f"token={token}", Authorization=server.service_key()),
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name, request in asked.items():
                found[name].append(once(server, [{"request": request}] * CLIENTS, seconds=SECONDS))
    for name, rounds in found.items():
        cpu = middle([each["cpu"] for each in rounds])
        yield Figure(NAME, f"{name}: a second", middle([each["rate"] for each in rounds]), "1/s")
        yield Figure(NAME, f"{name}: a second of the server's CPU", 1e6 / cpu, "1/s")
        yield Figure(NAME, f"{name}: CPU of the server", cpu, "µs")
