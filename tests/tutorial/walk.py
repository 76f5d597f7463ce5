"""Follows a page word for word: runs its shell blocks, writes its files, compares what comes out.

One shell goes through the whole page, as a person does, so that its variables and its folder live on. What the page
runs in a terminal of its own (``doorward serve``, ``uvicorn``) runs beside it until the walk ends. A ``text`` block is
what the block before it must print; ``…`` in it stands for anything.

Only ports are changed, in the text of the page before it is read: two walks may happen at once. Where the words of a
page would reach for the network, the tools' own variables keep them at home: ``MAKEFLAGS`` rehearses what make would
do, ``PIP_NO_INDEX`` lets pip find only what is installed.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from tests.serving.client import ROOT, free_port
from tests.support.waiting import until

PATIENCE = 30.0
CLONED = ("Makefile", "pyproject.toml", "requirements", "scripts", "src")
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[\w.]+)\")?\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
SERVER = re.compile(r"(doorward serve|uvicorn)\b")
END = "<the end of a block>"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str | None
    body: str


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(found["language"], found["title"], textwrap.dedent(found["body"])) for found in FENCE.finditer(text)]


def matches(expected: str, printed: str) -> bool:
    """Tell whether the output is what the page shows; ``…`` stands for anything, also for several lines."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, printed.replace("\r", "").strip(), re.DOTALL) is not None


class Server:
    """What runs in a terminal of its own. It is asked to end with SIGINT, as Ctrl-C does."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str], log: Path) -> None:
        """Start it."""
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        """Everything so far."""
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, expected: str) -> None:
        """Wait until it has printed what the page shows, or the word that each of them says when it serves."""
        with suppress(TimeoutError):
            asyncio.run(until(lambda: matches(expected, self.printed) or self._process.poll() is not None))
        assert matches(expected, self.printed), f"shown:\n{expected}\nprinted:\n{self.printed}"

    def stop(self) -> None:
        """End it and wait; uvicorn ends by the signal itself when it has put everything away."""
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(PATIENCE) in (0, -signal.SIGINT), self.printed
        assert "Traceback" not in self.printed, self.printed

    def kill(self) -> None:
        """End it when nothing else matters any more; nothing happens if it has ended."""
        self._process.kill()
        self._process.wait(PATIENCE)


class Shell:
    """A bash that lives through a page."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, commands: str) -> str:
        """Run commands and return what they print, standard error included; the last one must succeed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{{\n{commands}\n}} </dev/null\nprintf '\\n%s %s\\n' $? '{END}'\n")
        self._process.stdin.flush()
        too_long = Timer(PATIENCE, self._process.kill)
        too_long.start()
        printed, status = "", ""
        for line in self._process.stdout:
            if line.endswith(f"{END}\n"):
                status = line.split()[0]
                break
            printed += line
        too_long.cancel()
        assert status == "0", f"{commands}\nhas not come to a good end:\n{printed}"
        return printed

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=PATIENCE)


class Walk:
    """One way through one page or more."""

    def __init__(self, folder: Path, environment: dict[str, str], ports: dict[str, str]) -> None:
        """Take the folder to begin in."""
        self._ports = ports
        self._environment = environment
        self._logs = folder
        self.shell = Shell(folder, environment)
        self.servers: list[Server] = []

    def follow(self, text: str) -> None:
        """Do everything that the page says. Raises ``AssertionError`` where it does not come out as shown."""
        printed: str | Server = ""
        for block in blocks_of(self.local(text)):
            if block.language == "sh":
                printed = self._run(block.body)
            elif block.language == "text" and isinstance(printed, Server):
                printed.wait_for(block.body)
            elif block.language == "text":
                assert matches(block.body, printed), f"shown:\n{block.body}\nprinted:\n{printed}"
            elif block.title:
                (self.folder / block.title).write_text(block.body, encoding="utf-8")

    @property
    def folder(self) -> Path:
        """Where the shell is."""
        return Path(self.shell.run("pwd").strip())

    def local(self, text: str) -> str:
        """The text with the ports of this walk."""
        return re.sub("|".join(self._ports), lambda found: self._ports[found[0]], text)

    def _run(self, commands: str) -> "str | Server":
        *before, last = commands.strip().splitlines()
        if SERVER.match(last) is None:
            return self.shell.run(commands)
        if before:
            self.shell.run("\n".join(before))
        log = self._logs / f"server-{len(self.servers)}.log"
        self.servers.append(Server(last, self.folder, self._environment, log))
        self.servers[-1].wait_for("…erving…" if "doorward" in last else "…running on…")
        return self.servers[-1]


@contextmanager
def walking(folder: Path, **variables: str) -> Iterator[Walk]:
    """Lend a walk whose home is ``folder``, with what looks like a clone of the repository in ``~/doorward``.

    ``variables`` are added to the environment of all that runs there.
    """
    clone = folder / "doorward"
    clone.mkdir()
    for name in CLONED:
        (clone / name).symlink_to(ROOT / name)
    (clone / ".venv").symlink_to(sys.prefix)
    ports = {shown: str(free_port()) for shown in ("8443", "8080", "8444")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOORWARD_", "PYTEST_"))}
    environment = kept | {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAKEFLAGS": "--dry-run",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "DOORWARD_ORIGIN": f"https://localhost:{ports['8443']}",
        "DOORWARD_SERVING__PORT": ports["8443"],
        "DOORWARD_SERVING__HTTP_PORT": ports["8080"],
        **variables,
    }
    walk = Walk(folder, environment, ports)
    try:
        yield walk
        for server in reversed(walk.servers):
            server.stop()
    finally:
        walk.shell.close()
        for server in walk.servers:
            server.kill()
