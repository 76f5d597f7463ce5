"""``doorward serve`` as a program of its own, over TLS, on a database of the tests."""

import contextlib
import os
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.serving.client import free_port
from tests.support.waiting import until


@dataclass
class Program:
    """``doorward serve`` on one database, as often as it is started."""

    folder: Path
    database_url: str
    workers: int = 1

    def __post_init__(self) -> None:
        self.port = free_port()
        self.origin = f"https://localhost:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")},
            "DOORWARD_ORIGIN": self.origin,
            "DOORWARD_SECRET": secrets.token_urlsafe(32),
            "DOORWARD_DATABASE__URL": self.database_url,
            "DOORWARD_DATA_DIR": str(self.folder / "data"),
            "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "off",
            "DOORWARD_TOKENS__REPLAY_WINDOW": "300",  # however slow the machine, a lost answer is no theft
            "DOORWARD_LIMITS__PER_NETWORK": "100000",
            "DOORWARD_LIMITS__PER_ACCOUNT": "100000",
            "DOORWARD_LIMITS__PER_PAIR": "100000",
            "DOORWARD_LIMITS__PER_WIDE_NETWORK": "100000",
            "DOORWARD_LIMITS__REGISTRATIONS": "100000",
            "DOORWARD_LIMITS__PER_INSTANCE": "1000000",
        }

    @property
    def authority(self) -> Path:
        """The certificate authority to trust, once the program has made it."""
        return self.folder / "data" / "certificates" / "authority.pem"

    @contextlib.contextmanager
    def run(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it in a process group of its own, and kill the whole group at the end."""
        command = ["serve", "--port", str(self.port), "--http-port", "none", "--workers", str(self.workers)]
        running = subprocess.Popen(
            [sys.executable, "-c", "from doorward.cli import main; main()", *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield running
        finally:
            if running.returncode is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Connect to it when it answers."""
        await until(self.authority.exists)
        trust = ssl.create_default_context(cafile=str(self.authority))
        async with httpx2.AsyncClient(base_url=self.origin, verify=trust, timeout=20) as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx2.TransportError:
                    return False

            await until(answers)
            yield client
