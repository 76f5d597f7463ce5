"""A throw-away PostgreSQL server with the durability of production: ``fsync`` and ``synchronous_commit`` are on.

Its processes run on the load generator's core, so that the one core of the measured server is the server's alone, as
it would be with PostgreSQL on a machine of its own.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import LOAD_CORE, pin
from benchmarks.server import free_port

_SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "127.0.0.1",
}


def program(name: str) -> str | None:
    """Find a program of PostgreSQL; Debian keeps the server's out of the PATH."""
    if found := shutil.which(name):
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else None


@contextmanager
def postgresql(*, core: int | None = LOAD_CORE) -> Iterator[Callable[[], str]]:
    """Lend a function that makes a fresh database and returns its URL."""
    folder = Path(tempfile.mkdtemp(prefix="doorward-bench-pg-"))
    try:
        if os.geteuid() == 0:
            owner = _unprivileged()
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data, port = folder / "data", free_port()
        _run(core, "initdb", "-D", data, "-U", "doorward", "-A", "trust", "-E", "UTF8", "--locale=C")
        settings = _SETTINGS | {"port": str(port), "unix_socket_directories": str(folder)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        _run(core, "pg_ctl", "start", "-D", data, "-w", "-l", folder / "log", "-o", options)
        count = iter(range(1000))

        def fresh() -> str:
            name = f"bench_{next(count)}"
            _run(core, "createdb", "-h", "127.0.0.1", "-p", port, "-U", "doorward", name)
            return f"postgresql://doorward@127.0.0.1:{port}/{name}"

        try:
            yield fresh
        finally:
            _run(None, "pg_ctl", "stop", "-D", data, "-m", "fast", "-w")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _run(core: int | None, name: str, *arguments: object) -> None:
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = _unprivileged()
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    found = program(name)
    if found is None:
        raise RuntimeError(f"{name} of PostgreSQL is not installed")
    subprocess.run(
        [found, *map(str, arguments)],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        preexec_fn=partial(pin, core),
        **identity,
    )
