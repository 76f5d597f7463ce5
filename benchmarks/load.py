"""The load generator: a process of its own that keeps connections busy and tells how it went.

``python -m benchmarks.load`` reads one JSON order from standard input and writes one JSON result. It speaks just enough
HTTP/1.1 to keep a connection alive, so that one core of it outruns one core of the server by far; its own CPU time is
in the result, and says so.
"""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from typing import Any, Final

import uvloop

from benchmarks.figures import percentile
from benchmarks.machine import LOAD_CORE, pin
from benchmarks.server import Server

_MARK: Final = b'"refresh_token":"'


class _Connection(asyncio.Protocol):
    """One keep-alive client: sends, waits for the whole answer, sends again."""

    def __init__(self, order: dict[str, Any], begins: float, ends: float) -> None:
        self._request = order["request"].encode()
        self._token = order.get("token", "").encode()
        self._status = str(order.get("status", 200)).encode()
        self._pause = order.get("pause", 0.0)
        self._begins, self._ends = begins, ends
        self._buffer = b""
        self._sent = 0.0
        self._due = 0.0
        self.latencies: list[float] = []
        self.refused = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or ConnectionError("the server has closed a connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        place = head.find(b"content-length: ")
        length = int(head[place + 16 :].partition(b"\r\n")[0]) if place > 0 else 0
        if len(body) < length:
            return
        self._buffer = b""
        self._answered(head[9:12], body)

    def _answered(self, status: bytes, body: bytes) -> None:
        now = time.perf_counter()
        if status != self._status:
            self.refused += 1
        if self._token:
            start = body.find(_MARK) + len(_MARK)
            following = body[start : body.find(b'"', start)]
            self._request = self._request.replace(self._token, following)
            self._token = following
        if self._sent >= self._begins and now <= self._ends:
            self.latencies.append(now - self._sent)
        if now >= self._ends or (self.refused and self._token):
            self._transport.close()
            self.finished.set_result(None)
        elif self._pause == 0:
            self._send()
        else:
            # Sent on time whatever the answer before has cost; a late one counts its lateness as latency.
            self._due = max(self._due, self._sent) + self._pause
            wait = self._due - now
            if wait > 0:
                asyncio.get_running_loop().call_later(wait, self._send)
            else:
                self._send(self._due)

    def _send(self, since: float = 0.0) -> None:
        self._sent = since or time.perf_counter()
        self._transport.write(self._request)


async def _run(order: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cafile=order["authority"]) if order["authority"] else None
    begins = time.perf_counter() + order["warmup"]
    ends = begins + order["seconds"]
    connections = []
    for each in order["connections"]:
        connection = _Connection(each, begins, ends)
        name = "localhost" if context else None
        await loop.create_connection(
            lambda connection=connection: connection, "127.0.0.1", order["port"], ssl=context, server_hostname=name
        )
        connections.append(connection)
    print("measuring", file=sys.stderr, flush=True)
    await asyncio.sleep(max(0.0, begins - time.perf_counter()))
    cpu = time.process_time()
    await asyncio.gather(*(connection.finished for connection in connections))
    latencies = [latency for connection in connections for latency in connection.latencies]
    return {
        "count": len(latencies),
        "seconds": order["seconds"],
        "rate": len(latencies) / order["seconds"],
        "refused": sum(connection.refused for connection in connections),
        "p50": percentile(latencies, 0.50) if latencies else 0.0,
        "p99": percentile(latencies, 0.99) if latencies else 0.0,
        "max": max(latencies, default=0.0),
        "generator_cpu": time.process_time() - cpu,
    }


class Load:
    """A running generator. Where a connection has a ``token``, the next request has the one of the answer instead."""

    def __init__(
        self,
        server: Server,
        connections: list[dict[str, Any]],
        *,
        seconds: float,
        warmup: float = 0.5,
        core: int | None = LOAD_CORE,
    ) -> None:
        """Start it; it measures for ``seconds`` after a warm-up."""
        order = {
            "port": server.port,
            "authority": None if server.authority is None else str(server.authority),
            "seconds": seconds,
            "warmup": warmup,
            "core": core,
            "connections": connections,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def wait_until_connected(self) -> None:
        """Return when every connection is made, which is when the warm-up runs."""
        assert self._process.stderr is not None
        self._process.stderr.readline()

    def result(self) -> dict[str, Any]:
        """Wait for the end; raises ``RuntimeError`` when it failed or an answer was not the expected one."""
        out, errors = self._process.communicate(timeout=120)
        if self._process.returncode:
            raise RuntimeError(f"the load generator failed: {errors[-2000:]}")
        result: dict[str, Any] = json.loads(out)
        if result["refused"]:
            raise RuntimeError(f"{result['refused']} answers were not the expected ones")
        return result


def run(server: Server, connections: list[dict[str, Any]], *, seconds: float, warmup: float = 0.5) -> dict[str, Any]:
    """Load a server and return the result."""
    return Load(server, connections, seconds=seconds, warmup=warmup).result()


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    pin(given["core"])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_run(given))))
