"""``doorward serve`` as a program of its own, over real TLS, for tests whose other side is a program too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.serving.client import context, free_port

SCRIPT = Path(sys.executable).parent / "doorward"

QUIET = {
    "DOORWARD_SERVING__HTTP_PORT": "",
    "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "off",
    "DOORWARD_LIMITS__PER_ACCOUNT": "10000",
    "DOORWARD_LIMITS__PER_NETWORK": "100000",
}
"""Settings under which tests do not stand in their own way."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    origin: str
    folder: Path
    environment: dict[str, str]
    process: "subprocess.Popen[str]"

    @property
    def authority(self) -> Path:
        """The certificate of its development authority."""
        return self.folder / "data" / "certificates" / "authority.pem"

    def client(self) -> httpx2.Client:
        """A client that trusts that authority and nothing else."""
        return httpx2.Client(base_url=self.origin, verify=context(self.authority))

    def run(self, *words: str, typed: str = "") -> str:
        """Run another command of doorward on the same instance, and return what it printed."""
        done = subprocess.run(
            [SCRIPT, *words],
            input=typed, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


@contextmanager
def serving(folder: Path, *words: str, scheme: str = "https", **variables: str) -> Iterator[Served]:
    """Make an instance in ``folder`` and serve it until the block is over.

    ``words`` follow ``doorward serve``; ``variables`` are its environment.
    """
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
    origin = f"{scheme}://localhost:{port}"
    environment = {**inherited, **QUIET, "DOORWARD_ORIGIN": origin, "DOORWARD_SERVING__PORT": str(port), **variables}
    subprocess.run([SCRIPT, "init"], cwd=folder, env=environment, check=True, capture_output=True)
    process = subprocess.Popen(
        [SCRIPT, "serve", *words],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for_screen(process)
        yield Served(origin, folder, environment, process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def wait_for_screen(process: "subprocess.Popen[str]") -> None:
    """Return when a server that was just started answers; raises when it ends instead."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "password" in line:  # the last line of the first screen, printed when everything answers
            return
    raise AssertionError(f"the program ended: {''.join(lines)}")
