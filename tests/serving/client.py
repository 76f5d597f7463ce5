"""A small HTTP/1.1 client and what tests of a server need around it: settings, free ports, real programs."""

import asyncio
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import Any

from doorward.core.secret import Secret
from doorward.serving.plan import DRAIN
from doorward.settings import Accounts, Serving, Settings

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = "tests.serving.standin:make"


def settings_for(folder: Path, *, service_name: str = "stand-in", **serving: Any) -> Settings:
    """Safe settings with ports that are free at this moment."""
    given = {"port": free_port(), "http_port": None, **serving}
    return Settings(
        data_dir=folder / "data",
        service_name=service_name,
        secret=(Secret(hashlib.sha256(b"serving").hexdigest()),),
        serving=Serving(**given),
        accounts=Accounts(email_verification="off"),
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def context(authority: Path) -> ssl.SSLContext:
    """Trust one authority and nothing else."""
    return ssl.create_default_context(cafile=str(authority))


async def get(
    port: int,
    path: str = "/",
    *,
    tls: ssl.SSLContext | None = None,
    head: str = "",
    timeout: float = 10,  # noqa: ASYNC109 - of the whole exchange
) -> tuple[int, dict[str, str], Any]:
    """Make one request on a connection of its own: status, headers, and the body, decoded if it is JSON."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
        )
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n".encode())
            answer = await reader.read()
        finally:
            writer.close()
    start, _, body = answer.partition(b"\r\n\r\n")
    first, *fields = start.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return int(first.split()[1]), headers, json.loads(body) if "json" in headers.get("content-type", "") else body


@contextmanager
def program(folder: Path, arguments: str, *, drain: float = DRAIN) -> Iterator[subprocess.Popen[str]]:
    """Run ``serve(settings_for(folder, <arguments>))`` as a program of its own; ended with SIGTERM, if it has not."""
    code = (
        "from pathlib import Path\n"
        "from tests.serving.client import STAND_IN, settings_for\n"
        "from doorward.serving import run\n"
        f"run.serve(settings_for(Path({str(folder)!r}), {arguments}), app=STAND_IN, drain={drain})\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)


def wait_for_screen(running: subprocess.Popen[str]) -> str:
    """Read the first screen, which is printed when everything answers."""
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if "password" in line:
            return "".join(lines)
    raise AssertionError(f"the program ended: {''.join(lines)}")
