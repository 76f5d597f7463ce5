"""A real ``doorward serve`` for a benchmark: its own process, its own folder, and clients to set it up with."""

import base64
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import pin

PROGRAM = Path(sys.executable).with_name("doorward")
PASSWORD = "correct horse battery staple"
PROXY_HEADERS = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
"""What a proxy in front adds; the plain mode is measured with them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with its JSON, if it has one."""

    status: int
    json: Any
    headers: http.client.HTTPMessage


class Server:
    """``with Server(…)`` starts one and stops it. Without ``tls`` it serves plain HTTP as behind a proxy."""

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        core: int | None = None,
        database_url: str = "",
        secret: str = "",
        **settings: object,
    ) -> None:
        """``settings`` are variables without their prefix, such as ``PASSWORDS__HASH_THREADS=2``."""
        self.folder = folder
        self.tls = tls
        self.port = free_port()
        self.secret = secret or secrets.token_urlsafe(32)
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None
        given: dict[str, object] = {
            "SECRET": self.secret,
            "DATA_DIR": folder / "data",
            "DATABASE__URL": database_url,
            "ACCOUNTS__EMAIL_VERIFICATION": "off",
            "LIMITS__PER_ACCOUNT": 1_000_000_000,
            "LIMITS__PER_NETWORK": 1_000_000_000,
            **settings,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
        self._environment = inherited | {f"DOORWARD_{name}": str(value) for name, value in given.items() if value != ""}

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    @property
    def authority(self) -> Path | None:
        """The file of the authority that has signed the certificate."""
        return self.folder / "data" / "certificates" / "authority.pem" if self.tls else None

    def migrate(self) -> None:
        """Bring the database to this version, which the server does by itself on SQLite only."""
        command = [str(PROGRAM), "migrate", "up"]
        subprocess.run(command, cwd=self.folder, env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> float:
        """Start, wait for the first answer, and return how many seconds that took."""
        mode = [] if self.tls else ["--behind-proxy", "--trusted-proxies", "127.0.0.1"]
        options = [*mode, "--port", str(self.port), "--http-port", "none"]
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [str(PROGRAM), "serve", *options],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(pin, self._core),
        )
        while True:
            try:
                if self.call("GET", "/health/live").status == 200:
                    return time.perf_counter() - begun
            except OSError:
                if self._process.poll() is not None:
                    raise RuntimeError("the server did not start; its words are above") from None
                time.sleep(0.002)

    def stop(self) -> None:
        """Stop in peace, or else."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    # -- what a benchmark needs before it measures ---------------------------------------------------------------------

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request on a connection of its own."""
        connection: http.client.HTTPConnection
        if self.tls:
            context = ssl.create_default_context(cafile=self.authority)
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {**({} if self.tls else PROXY_HEADERS), **(headers or {})}
            if body is not None:
                sent["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, json.loads(text) if text else None, response.headers)
        finally:
            connection.close()

    def register(self, people: int = 1) -> None:
        """Make accounts; a client has its own, as sessions of one account are counted and limited."""
        for number in range(people):
            answer = self.call("POST", "/v1/accounts", {"email": email(number), "password": PASSWORD})
            assert answer.status == 201, answer

    def log_in(self, number: int = 0) -> dict[str, Any]:
        """Log in for tokens."""
        answer = self.call("POST", "/v1/login", {"login": email(number), "password": PASSWORD})
        assert answer.status == 200, answer
        return dict(answer.json)

    def log_in_for_cookie(self) -> str:
        """Log in as a page does, and return the ``Cookie`` header."""
        body = {"login": email(0), "password": PASSWORD, "transport": "cookie"}
        answer = self.call("POST", "/v1/login", body, {"Sec-Fetch-Site": "same-origin"})
        assert answer.status == 200, answer
        return str(answer.headers["Set-Cookie"]).partition(";")[0]

    def service_key(self) -> str:
        """Make a service and return its credentials as HTTP Basic has them."""
        command = [str(PROGRAM), "service", "create", "bench", "--json"]
        made = subprocess.run(command, cwd=self.folder, env=self._environment, check=True, capture_output=True)
        return "Basic " + base64.b64encode(f"bench:{json.loads(made.stdout)['secret']}".encode()).decode()

    def form(self, path: str, content: str, **headers: str) -> str:
        """Write a request with a form as text."""
        declared = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(content))}
        return self.request("POST", path, **declared, **headers) + content

    def request(self, method: str, path: str, body: object = None, **headers: str) -> str:
        """Write a whole request as text, for the load generator; ``Content-Type`` goes with a body."""
        content = "" if body is None else json.dumps(body)
        given = {"Host": f"localhost:{self.port}", **({} if self.tls else PROXY_HEADERS), **headers}
        if content:
            given |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in given.items()) + "\r\n" + content


def email(number: int) -> str:
    """Name an account."""
    return f"person-{number}@example.com"


def free_port() -> int:
    """Find a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
