"""Fresh databases of both engines for the tests, made from templates that are migrated once.

One private PostgreSQL cluster serves a whole pytest session, all xdist workers included. It is started by the first
test that needs it and stopped by the process that started pytest. ``DOORWARD_TEST_POSTGRESQL_URL`` names a server to
use instead; its user must be allowed to create databases.
"""

import asyncio
import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from doorward.db import open_database
from doorward.db.migrate import Migration, discover, up

FOLDER = "DOORWARD_TEST_CLUSTER"
"""The variable by which the controller tells the workers where the private cluster is."""

CONTROLLER = "DOORWARD_TEST_CONTROLLER"
"""The variable that holds the process id of the controller."""

SERVER = "DOORWARD_TEST_POSTGRESQL_URL"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


_WATCHDOG = """
    (
        while kill -0 "$1" && [ -d "$2" ]; do sleep 1; done
        [ -f "$2/data/postmaster.pid" ] && kill -QUIT "$(head -n 1 "$2/data/postmaster.pid")"
        rm -rf "$2"
    ) </dev/null >/dev/null 2>&1 &
"""
"""Stops the cluster when pytest was killed and could not do so itself."""


def _memory() -> str | None:
    """Return a folder that lives in memory, where a copy of a database takes a tenth of the time."""
    try:
        room = shutil.disk_usage("/dev/shm").free
    except OSError:
        return None
    return "/dev/shm" if room > 2 * 1024**3 and os.access("/dev/shm", os.W_OK) else None


def prepare_cluster() -> None:
    """Choose the folder of the private cluster; nothing is started yet."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="doorward-pg-", dir=_memory())
    os.environ[CONTROLLER] = str(os.getpid())


def stop_cluster() -> None:
    """Stop the private cluster if anybody has started it, and remove its folder."""
    folder = Path(os.environ.pop(FOLDER))
    if (folder / "data" / "postmaster.pid").exists():
        _run(_binary("pg_ctl"), "stop", "-D", folder / "data", "-m", "immediate", "-w")
    shutil.rmtree(folder, ignore_errors=True)


def server_url() -> str:
    """Return the URL of a PostgreSQL server, starting the private one if need be; skips where there is none."""
    if given := os.environ.get(SERVER):
        return given
    if _binary("initdb") is None:
        reason = "PostgreSQL is not installed; 'apt-get install postgresql' lets these tests run"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        address = folder / "url"
        if not address.exists():
            address.write_text(_start_cluster(folder))
        return address.read_text()


def _start_cluster(folder: Path) -> str:
    if os.geteuid() == 0:
        owner = _unprivileged()
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    _run(_binary("initdb"), "-D", data, "--no-sync", "-U", "doorward", "-A", "trust", "-E", "UTF8", "--locale=C")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = _SETTINGS | {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    command = ["sh", "-c", _WATCHDOG, "watchdog", os.environ[CONTROLLER], str(folder)]
    subprocess.run(command, check=True, start_new_session=True)  # Out of reach of a signal to pytest's group.
    _run(_binary("pg_ctl"), "start", "-D", data, "-w", "-l", folder / "log", "-o", options)
    return f"postgresql://doorward@127.0.0.1:{port}/postgres"


def _unprivileged() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _run(*command: object) -> None:
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = _unprivileged()
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        **identity,
    )
    assert done.returncode == 0, f"{command} failed: {done.stdout!r}"


def _binary(name: str) -> str | None:
    """Find a program of PostgreSQL; Debian keeps the server's out of the PATH."""
    if found := shutil.which(name):
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else None


def program_migrations() -> tuple[Migration, ...]:
    """Return the migrations of every built-in feature."""
    from doorward.features import MIGRATION_PACKAGES

    return discover(MIGRATION_PACKAGES)


async def _migrate(url: str, migrations: Sequence[Migration]) -> None:
    database = open_database(url, pool_size=1, timeout=30)
    await database.open()
    try:
        await up(database, migrations)
    finally:
        await database.close()


class SqliteFactory:
    """Copies a migrated file."""

    def __init__(self, folder: Path, migrations: Sequence[Migration]) -> None:
        """Make the template in ``folder``."""
        self._template = folder / "template.db"
        asyncio.run(_migrate(f"sqlite:///{self._template}", migrations))

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        """Lend the URL of a fresh copy in ``folder``."""
        copy = folder / "doorward.db"
        shutil.copy(self._template, copy)  # with its mode: a database is private
        yield f"sqlite:///{copy}"

    def close(self) -> None:
        """Nothing to give back."""


class PostgresFactory:
    """Creates databases from a migrated one, over one connection that lives as long as the session."""

    def __init__(self, server: str, name: str, migrations: Sequence[Migration]) -> None:
        """Make the template ``name`` on the server."""
        self._server = server
        self._template = name
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._admin = self._loop.run_until_complete(asyncpg.connect(server))
        newer = self._admin.get_server_version().major >= 15
        self._strategy = "STRATEGY FILE_COPY" if newer else ""
        self._execute(f'CREATE DATABASE "{name}"')
        self._loop.run_until_complete(_migrate(self._url(name), migrations))

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        """Lend the URL of a fresh copy, which is dropped afterwards."""
        self._count += 1
        name = f"{self._template}_{self._count}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" {self._strategy}')
        try:
            yield self._url(name)
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Drop the template and disconnect."""
        self._execute(f'DROP DATABASE "{self._template}" WITH (FORCE)')
        self._loop.run_until_complete(self._admin.close())
        self._loop.close()

    def _execute(self, sql: str) -> None:
        self._loop.run_until_complete(self._admin.execute(sql))

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))


class Factories:
    """Makes the factory of an engine when it is first asked for."""

    def __init__(self, folder: Path, label: str, migrations: Callable[[], Sequence[Migration]]) -> None:
        """``label`` sets the templates of this process apart from those of others."""
        self._folder = folder
        self._name = f"doorward_{label}_{os.getpid()}"
        self._migrations = migrations
        self._made: dict[str, SqliteFactory | PostgresFactory] = {}

    def fresh(self, engine: str, folder: Path) -> AbstractContextManager[str]:
        """Lend the URL of a fresh, migrated database of the engine; ``folder`` is the test's own."""
        if engine not in self._made:
            self._made[engine] = (
                SqliteFactory(self._folder, self._migrations())
                if engine == "sqlite"
                else PostgresFactory(server_url(), self._name, self._migrations())
            )
        return self._made[engine].fresh(folder)

    def close(self) -> None:
        """Drop what was made."""
        for factory in self._made.values():
            factory.close()
