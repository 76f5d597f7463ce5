"""Three services behind a doorward, as programs of their own: FastAPI under uvicorn, Flask and Django under gunicorn.

Each answers ``GET /`` with 200 and the caller's subject, 401 for a token that is not believed and 503 where none can
be judged. Both gunicorns load the application before they fork (``--preload``), which is the harder case.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.serving.client import ROOT, free_port

GUNICORN = ("gunicorn", "--preload", "--workers", "1", "--threads", "4", "--log-level", "error", "--bind")
COMMANDS = {
    "FastAPI": ("uvicorn", "--log-level", "error", "tests.support.behind.fastapi_service:app", "--port"),
    "Flask": (*GUNICORN, "127.0.0.1:{port}", "tests.support.behind.flask_service:app"),
    "Django": (*GUNICORN, "127.0.0.1:{port}", "tests.support.behind.django_service:app"),
}
PATIENCE = 30.0


@dataclass
class Service:
    """A running service and the connections to it that are kept."""

    name: str
    port: int
    idle: deque[HTTPConnection] = field(default_factory=deque)

    def status(self, token: str) -> int:
        """Call it with a token; may be called by several threads."""
        kept = self.idle.pop() if self.idle else None
        if kept is not None:
            try:
                return self._ask(kept, token)
            except (ConnectionError, HTTPException):  # a server closes what is idle for long
                pass
        return self._ask(HTTPConnection("127.0.0.1", self.port, timeout=10), token)

    def _ask(self, line: HTTPConnection, token: str) -> int:
        try:
            line.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
            with line.getresponse() as answer:
                answer.read()
                status = answer.status
        except BaseException:
            line.close()
            raise
        self.idle.append(line)
        return status

    def close(self) -> None:
        """Hang up."""
        while self.idle:
            self.idle.pop().close()

    def seconds_to_refusal(self, token: str) -> float:
        """Ask without pause until the token is refused, and return how long that took."""
        began = time.perf_counter()
        while (status := self.status(token)) == 200:
            if time.perf_counter() - began > PATIENCE:
                raise AssertionError(f"{self.name} still believes the token after {PATIENCE} seconds")
        assert status == 401, f"{self.name} said {status}"
        return time.perf_counter() - began


@contextmanager
def services(issuer: str, authority: Path) -> Iterator[list[Service]]:
    """Run all three until the block is over."""
    environment = {**os.environ, "ISSUER": issuer, "AUTHORITY": str(authority), "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        running = []
        for name, words in COMMANDS.items():
            port = free_port()
            command = [word.format(port=port) for word in words] + ([str(port)] if words[-1] == "--port" else [])
            process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
            service = Service(name, port)
            stack.callback(service.close)
            running.append((process, service))
        for process, service in running:
            _wait_for(process, service)
        yield [service for _, service in running]


def _wait_for(process: "subprocess.Popen[bytes]", service: Service) -> None:
    """Without a good token every answer is a refusal, which is an answer."""
    began, waiting = time.monotonic(), threading.Event()
    while process.poll() is None and time.monotonic() - began < PATIENCE:
        try:
            assert service.status("none") in (401, 503)
        except OSError:
            waiting.wait(0.05)
        else:
            return
    raise AssertionError(f"{service.name} did not start")
