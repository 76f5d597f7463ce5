"""A worker process's side of the conversation with its parent, in this process."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from doorward.serving import member
from doorward.serving.listening import Address
from doorward.serving.member import LENGTH, RENEW, STOP, Report, receive_plan, run, send_plan
from doorward.serving.plan import Plan
from tests.serving.client import STAND_IN, get, settings_for


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The parent's end and the worker's end."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def plan(folder: Path, name: str = "fine") -> Plan:
    """What the worker is to do."""
    settings = settings_for(folder, service_name=name)
    return Plan(settings=settings, certificate=None, private_key=None, app=STAND_IN, drain=0.01, grace=5)


async def reports(ours: socket.socket, count: int) -> list[Report]:
    """Read what the worker says."""
    loop = asyncio.get_running_loop()
    ours.setblocking(False)
    data = b""
    async with asyncio.timeout(10):
        while data.count(b"\n") < count:
            data += await loop.sock_recv(ours, 4096)
    return [msgspec.json.decode(line, type=Report) for line in data.splitlines()]


@pytest.mark.parametrize("ending", ["stop", "end of file", "SIGTERM"])
async def test_it_serves_renews_and_ends(
    ending: str, ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    """On a word, at the end of the parent, or by a signal."""
    ours, theirs = ends
    address = Address("127.0.0.1", 0)
    with address.listener() as listener:
        send_plan(ours, plan(tmp_path), listener)
    task = asyncio.create_task(run(theirs))
    await reports(ours, 1)
    with address.listener() as listener:
        socket.send_fds(ours, [RENEW], [listener.fileno()])
    said = await reports(ours, 1)
    status = (await get(address.port))[0]

    match ending:
        case "stop":
            ours.send(STOP)
        case "end of file":
            ours.close()
        case _:
            signal.raise_signal(signal.SIGTERM)

    assert await asyncio.wait_for(task, 10) == 0
    assert (said, status) == ([Report("renewed")], 200)


async def test_a_terminals_interrupt_is_left_to_the_parent(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    """Ctrl-C reaches the whole group; the parent then says when to stop."""
    ours, theirs = ends
    with Address("127.0.0.1", 0).listener() as listener:
        send_plan(ours, plan(tmp_path), listener)
    task = asyncio.create_task(run(theirs))
    await reports(ours, 1)

    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGHUP)
    await asyncio.sleep(0)

    assert not task.done()
    ours.send(STOP)
    assert await asyncio.wait_for(task, 10) == 0


@pytest.mark.parametrize(
    ("name", "event"), [("misconfigured", "misconfigured"), ("no storage", "storage"), ("failing", "failed")]
)
async def test_a_failed_start_is_reported(
    name: str, event: str, ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    """In words that the parent can turn back into what was raised."""
    ours, theirs = ends
    with Address("127.0.0.1", 0).listener() as listener:
        send_plan(ours, plan(tmp_path, name), listener)

    code = await run(theirs)

    said = await reports(ours, 1)
    assert (code, said[0].event) == (1, event)


async def test_a_server_that_ends_by_itself_ends_the_process(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent then starts another."""
    from doorward.serving.worker import Worker

    async def gone(_: Worker) -> None:
        """Be over at once."""

    monkeypatch.setattr(Worker, "wait", gone)
    ours, theirs = ends
    with Address("127.0.0.1", 0).listener() as listener:
        send_plan(ours, plan(tmp_path), listener)

    assert await run(theirs) == 1


@pytest.mark.parametrize("sent", [b"", b"\0", LENGTH.pack(10) + b"half"])
def test_a_parent_that_is_gone_is_noticed(sent: bytes, ends: tuple[socket.socket, socket.socket]) -> None:
    """Before, in or after the length of the plan."""
    ours, theirs = ends
    ours.sendall(sent)
    ours.close()

    with pytest.raises(EOFError):
        receive_plan(theirs)


def test_the_module_is_run_with_the_number_of_a_descriptor(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``python -m doorward.serving.member FD``."""
    ours, theirs = ends
    monkeypatch.setattr(member.logs, "configure", lambda **_: None)
    ours.shutdown(socket.SHUT_WR)

    with pytest.raises(EOFError):
        member.main([str(theirs.detach())])
