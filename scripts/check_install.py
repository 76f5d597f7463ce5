"""Use an installed doorward as a new operator would: version, ``init``, ``serve``, one request over verified TLS.

Run with the Python of the environment that the wheel was installed into (``make check-install``), in a folder that is
not the repository, so that nothing but the wheel can be imported. Standard library only.
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

DEADLINE = 20.0
"""Seconds until the first answer; the aim is one, but a build machine may be busy."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def fetch(port: int, folder: Path) -> bytes:
    """``GET /health/live`` with the certificate checked against the authority that the server made."""
    context = ssl.create_default_context(cafile=str(folder / "data" / "certificates" / "authority.pem"))
    with urllib.request.urlopen(f"https://localhost:{port}/health/live", context=context, timeout=2) as answer:
        body: bytes = answer.read()
        return body


def first_answer(server: "subprocess.Popen[bytes]", port: int, folder: Path) -> bytes:
    """Ask until the server answers; raises if it ends or the deadline passes."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return fetch(port, folder)
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not answer: {error}") from error
            time.sleep(0.05)


def main() -> None:
    """Run the three commands and the request."""
    doorward = str(Path(sys.executable).with_name("doorward"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("DOORWARD_", "PYTHON"))}
        environment |= {
            "DOORWARD_ORIGIN": f"https://localhost:{port}",
            "DOORWARD_SERVING__PORT": str(port),
            "DOORWARD_SERVING__HTTP_PORT": "",
        }
        subprocess.run([doorward, "--version"], cwd=folder, env=environment, check=True)
        subprocess.run([doorward, "init"], cwd=folder, env=environment, check=True)
        server = subprocess.Popen([doorward, "serve"], cwd=folder, env=environment)
        try:
            begun = time.monotonic()
            body = first_answer(server, port, folder)
            print(f"GET /health/live answered {body!r} after {time.monotonic() - begun:.2f} s")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=DEADLINE)
    if server.returncode not in {0, -signal.SIGTERM}:
        raise SystemExit(f"the server ended with {server.returncode}")
    print("The wheel installs into an empty environment and serves.")


if __name__ == "__main__":
    main()
