"""What a thousand followers cost: how soon each hears of one log-out, and the server's CPU for telling all of them.

The followers are connections of one program that wait at the same place of the feed, from four networks; the server
serves plain HTTP as behind a proxy.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, at_most, middle
from benchmarks.server import PROXY_HEADERS, Server

NAME: Final = "followers"
FOLLOWERS: Final = 1000
SETTLE: Final = 4.0
"""Seconds for all of them to have come."""


def measure() -> Iterator[Figure]:
    """Let one person log out while everybody waits."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder, Server(Path(folder)) as server:
        server.register()
        times, cpu = asyncio.run(_told(server))
    yield Figure(NAME, f"204 until one of {FOLLOWERS:,} followers was told, p50", middle(times) * 1000, "ms")
    yield Figure(NAME, "the same, the last one", max(times) * 1000, "ms", at_most(1000))
    yield Figure(NAME, "CPU of the server for the log-out and all answers", cpu * 1000, "ms")


async def _told(server: Server) -> tuple[list[float], float]:
    token = server.log_in()["access_token"]
    waiting = [asyncio.create_task(_follow(server.port, number)) for number in range(FOLLOWERS)]
    await asyncio.sleep(SETTLE)
    before = _cpu(server.pid)
    ended = await _request(server.port, "POST", "/v1/logout", 1, f"Authorization: Bearer {token}\r\n", "{}")
    return [told - ended for told in await asyncio.gather(*waiting)], _cpu(server.pid) - before


async def _follow(port: int, number: int) -> float:
    return await _request(port, "GET", "/v1/revocations?after=0&wait=25", number % 4, "", "")


async def _request(port: int, method: str, target: str, network: int, header: str, body: str) -> float:
    """Send a request over a connection of its own, and tell when the answer began."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = {**PROXY_HEADERS, "X-Forwarded-For": f"203.0.113.{network}"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{lines}{header}{length}\r\n{body}".encode())
    status = (await reader.readuntil(b"\r\n")).split()[1]
    answered = time.perf_counter()
    writer.close()
    if status not in (b"200", b"204"):
        raise RuntimeError(f"{target} answered {status.decode()}")
    return answered


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used; the clock ticks a hundred times a second."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
