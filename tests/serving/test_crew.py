"""Several worker processes: on one socket, renewed together, kept alive, ended together."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doorward.core.clock import system_clock
from doorward.errors import Misconfigured, StorageUnavailable
from doorward.serving import crew as crew_module
from doorward.serving.certificates import development_certificate
from doorward.serving.crew import Crew, _Member
from doorward.serving.lifespan import StartFailed
from doorward.serving.listening import Address
from doorward.serving.plan import Plan
from tests.serving.client import STAND_IN, get, settings_for
from tests.serving.test_worker import peer_certificate

NOW = system_clock()


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes import the stand-in."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def plan(folder: Path, *, workers: int = 2, pair: Any = (None, None), **changes: Any) -> Plan:
    """What the workers are to do."""
    settings = settings_for(folder, workers=workers, **changes)
    return Plan(settings=settings, certificate=pair[0], private_key=pair[1], app=STAND_IN, drain=0.05, grace=5)


@asynccontextmanager
async def working(crew: Crew, address: Address) -> AsyncIterator[None]:
    """Let a crew work until the block is over."""
    async with asyncio.timeout(30):
        await crew.start(address.listener())
        try:
            yield
        finally:
            await crew.stop()


async def pids(address: Address, count: int) -> set[int]:
    """Ask until so many processes have answered."""
    found: set[int] = set()
    while len(found) < count:
        answers = await asyncio.gather(*(get(address.port) for _ in range(8)), return_exceptions=True)
        found.update(answer[2]["pid"] for answer in answers if isinstance(answer, tuple))
    return found


async def test_modules_of_the_current_folder_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding 10 of the review: a ``secrets.py`` beside ``.env`` broke every worker, or took it over."""
    for name in ("secrets", "tomllib", "logging", "uvloop", "msgspec"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')\n")
    monkeypatch.chdir(tmp_path)
    address = Address("127.0.0.1", 0)

    async with working(Crew(plan(tmp_path)), address):
        found = await pids(address, 2)

    assert len(found) == 2


async def test_an_application_of_the_current_folder_is_served_by_every_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It adds the folder by itself."""
    (tmp_path / "host_of_workers.py").write_text(
        "from doorward.settings import Settings\nfrom tests.serving.standin import make\napp = make(Settings())\n"
    )
    monkeypatch.chdir(tmp_path)
    address = Address("127.0.0.1", 0)
    hosted = msgspec.structs.replace(plan(tmp_path), application="host_of_workers:app")

    async with working(Crew(hosted), address):
        found = await pids(address, 2)

    assert len(found) == 2


async def test_all_workers_answer_and_none_of_them_is_the_parent(tmp_path: Path) -> None:
    """They share one socket."""
    address = Address("127.0.0.1", 0)

    async with working(Crew(plan(tmp_path)), address):
        found = await pids(address, 2)

    assert os.getpid() not in found
    for pid in found:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_renewal_reaches_every_worker(tmp_path: Path) -> None:
    """Without a new process, and again after that."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    address = Address("127.0.0.1", 0)
    crew = Crew(plan(tmp_path, pair=(made.certificate, made.private_key)))

    async with working(crew, address):
        before = await peer_certificate(address.port, made.authority)
        for _ in range(2):
            made.certificate.unlink()
            development_certificate(tmp_path, "localhost", now=NOW)
            await crew.renew(address.listener())
        shown = {await peer_certificate(address.port, made.authority) for _ in range(12)}

    assert before not in shown
    assert len(shown) == 1


async def test_a_worker_that_cannot_use_a_new_certificate_keeps_the_old(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The parent has looked before; this is for what changes in between."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    address = Address("127.0.0.1", 0)
    crew = Crew(plan(tmp_path, workers=1, pair=(made.certificate, made.private_key)))

    async with working(crew, address):
        made.certificate.write_text("damaged")
        listener = address.listener()
        renewal = asyncio.create_task(crew.renew(listener))
        await renewal

    assert "the one before stays in use" in capfd.readouterr().err


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    """And the one in its place takes part in the next renewal."""
    address = Address("127.0.0.1", 0)
    crew = Crew(plan(tmp_path))

    async with working(crew, address):
        before = await pids(address, 2)
        os.kill(next(iter(before)), signal.SIGKILL)
        after = before
        while len(after - before) < 1:
            after = await pids(address, 2)
        await crew.renew(address.listener())
        renewed = await pids(address, 2)

    assert len(after - before) == 1
    assert renewed == after


async def test_workers_that_keep_dying_end_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of deaths must be seen by whoever watches the program."""
    monkeypatch.setattr(crew_module, "RESTARTS", 0)
    address = Address("127.0.0.1", 0)
    crew = Crew(plan(tmp_path, workers=1))

    async with working(crew, address):
        with pytest.raises((OSError, IndexError, ValueError)):
            await get(address.port, "/die")

        await crew.wait()


@pytest.mark.parametrize(
    ("name", "raised"),
    [
        ("misconfigured", Misconfigured),
        ("no storage", StorageUnavailable),
        ("failing", StartFailed),
        ("dying", StartFailed),
    ],
)
async def test_what_keeps_a_worker_from_starting_comes_out(name: str, raised: type[Exception], tmp_path: Path) -> None:
    """As if it had been raised here; nothing is left running."""
    address = Address("127.0.0.1", 0)
    crew = Crew(plan(tmp_path, service_name=name))

    with pytest.raises(raised):
        await crew.start(address.listener())


async def test_a_worker_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the grace, and some more."""
    monkeypatch.setattr(crew_module, "KILL_AFTER", 0.1)
    address = Address("127.0.0.1", 0)
    settings = settings_for(tmp_path, workers=2)
    crew = Crew(Plan(settings=settings, certificate=None, private_key=None, app=STAND_IN, grace=0.1))

    async with working(crew, address):
        stopped = next(iter(await pids(address, 2)))
        os.kill(stopped, signal.SIGSTOP)

    assert f"worker {stopped} did not stop and was killed" in caplog.text


async def test_stopping_before_starting_is_safe(tmp_path: Path) -> None:
    """A start may fail half-way."""
    await Crew(plan(tmp_path)).stop()


async def test_a_renewal_does_not_wait_for_the_dead(tmp_path: Path) -> None:
    """Whoever takes the place of a dead worker has the new socket anyway."""
    address = Address("127.0.0.1", 0)

    crew = Crew(plan(tmp_path, workers=1))
    async with working(crew, address):
        os.kill(next(iter(await pids(address, 1))), signal.SIGKILL)
        await crew.renew(address.listener())

        assert await pids(address, 1)


async def test_a_socket_that_is_cut_off_is_a_death() -> None:
    """Whether the kernel says end of file or connection reset when a process dies is a matter of moments."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()  # reading from it fails, as from a connection that was reset

    with pytest.raises(StartFailed):
        await _Member(process, ours).report()
