"""Several processes on one database, and processes that die."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from doorward.db import Database, open_database
from tests.db.test_changes import within
from tests.db.test_write import generation
from tests.support import engines

ROOT = Path(__file__).parents[2]


def start(command: str, url: str, at: float = 0) -> "subprocess.Popen[str]":
    """Start one process; ``PYTHONPATH`` makes it find both the program and the tests."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.db.processes", command, url, str(at)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        cwd=ROOT,
    )


def together(command: str, url: str, processes: int = 3) -> list[int]:
    """Run processes at the same time and return the number that each printed."""
    at = time.time() + 1
    running = [start(command, url, at) for _ in range(processes)]
    outputs = [each.communicate(timeout=60)[0] for each in running]
    assert [each.returncode for each in running] == [0] * processes
    return [int(output) for output in outputs]


async def test_of_racers_in_several_processes_exactly_one_wins(database: Database, database_url: str) -> None:
    """Sixty rotations of one generation in three processes make one successor."""
    won = await asyncio.to_thread(together, "race", database_url)

    assert sum(won) == 1
    assert await generation(database) == 1


async def test_no_update_of_several_processes_is_lost(database: Database, database_url: str) -> None:
    """They wait for each other's lock and all of them get it."""
    done = await asyncio.to_thread(together, "count", database_url)

    assert await generation(database) == sum(done)


def test_processes_that_start_together_migrate_once(engine: str, tmp_path: Path) -> None:
    """On a file that none of them has made yet, and on an empty database."""
    factories = engines.Factories(tmp_path, "nothing", tuple)
    try:
        with factories.fresh(engine, tmp_path) as url:
            if engine == "sqlite":
                url = f"sqlite:///{tmp_path}/new/file.db"
            done = together("migrate", url)
    finally:
        factories.close()

    assert sorted(done) == [0, 0, 1]


async def test_a_commit_of_another_process_is_noticed(database: Database, database_url: str) -> None:
    """A worker learns that another one has ended a session."""
    news = database.changes()
    await anext(news)
    process = start("announce", database_url)

    noticed = await within(20, news)

    assert (await asyncio.to_thread(process.wait), noticed) == (0, True)
    process.communicate()


def test_what_was_reported_survives_kill_9(database_url: str) -> None:
    """Killed three times in the middle of its work: every write whose end was reported is there."""
    for _ in range(3):
        process = start("forever", database_url)
        assert process.stdout is not None
        reported = 0
        for line in process.stdout:
            reported = int(line)
            if reported >= 50:
                break
        process.send_signal(signal.SIGKILL)
        reported = max([reported, *[int(line) for line in process.stdout.read().split("\n")[:-1]]])
        process.communicate()

        found = asyncio.run(_inserted(database_url))

        assert found >= reported >= 50


async def _inserted(url: str) -> int:
    """Count what the killed process has inserted, and clear it away."""
    from doorward.db import statement

    database = open_database(url, pool_size=1, timeout=10)
    await database.open()
    rows = await database.fetch_all("SELECT id FROM family WHERE id >= 1000")
    await database.write(statement("DELETE FROM family WHERE id >= 1000"))
    await database.close()
    assert sorted(row["id"] for row in rows)[:50] == list(range(1000, 1050))
    return len(rows)


def test_a_forked_child_cannot_write_through_its_parents_connections(tmp_path: Path) -> None:
    """The writer's thread does not exist in the child; it is refused instead of waiting for ever."""
    script = f"""
import asyncio, os
from doorward.db import open_database, statement
from doorward.errors import StorageUnavailable

async def child():
    try:
        await database.write(statement("CREATE TABLE t (x BIGINT)"))
    except StorageUnavailable:
        os._exit(7)
    os._exit(0)

database = open_database("sqlite:///{tmp_path}/file.db", pool_size=1, timeout=1)
loop = asyncio.new_event_loop()
loop.run_until_complete(database.open())
pid = os.fork()
if pid == 0:
    asyncio.run(child())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
loop.run_until_complete(database.close())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.strip() == "7"
