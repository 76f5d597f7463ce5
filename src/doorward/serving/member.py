"""A worker process: ``python -P -m doorward.serving.member FD``. It gets everything through that inherited socket.

What is said on it: the starting process sends the plan with the first listening socket, then ``renew`` with another,
then ``stop``; an end of file is a stop too, so that no worker outlives its parent. The worker says how it went, in
JSON lines. Signals meant for the whole terminal group are left to the parent.
"""

import asyncio
import logging
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

import msgspec
import uvloop

from doorward.errors import Misconfigured, StorageUnavailable
from doorward.serving import logs
from doorward.serving.plan import Plan

if TYPE_CHECKING:
    from doorward.serving.worker import Worker

LENGTH: Final = struct.Struct(">I")
RENEW: Final = b"R"
STOP: Final = b"S"

_log = logging.getLogger("doorward.serving")


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker says: ``ready``, ``renewed``, or why not. ``findings`` are pairs of what and fix."""

    event: str
    text: str = ""
    findings: tuple[tuple[str, str], ...] = ()


def send_plan(control: socket.socket, plan: Plan, listener: socket.socket) -> None:
    """Hand a plan and the first listening socket to a worker."""
    data = plan.encode()
    socket.send_fds(control, [LENGTH.pack(len(data))], [listener.fileno()])
    control.sendall(data)


def receive_plan(control: socket.socket) -> tuple[Plan, socket.socket]:
    """Take the plan and the first listening socket. Raises ``EOFError`` when the parent is gone."""
    head, descriptors, _, _ = socket.recv_fds(control, LENGTH.size, 1)
    if len(head) < LENGTH.size:
        raise EOFError("the parent is gone")
    wanted = LENGTH.unpack(head)[0]
    data = b""
    while len(data) < wanted:
        data += control.recv(wanted - len(data)) or _gone()
    return Plan.decode(data), socket.socket(fileno=descriptors[0])


def _gone() -> bytes:
    raise EOFError("the parent is gone")


async def run(control: socket.socket) -> int:
    """Serve until told to stop; return the exit code."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)
    plan, listener = receive_plan(control)
    logs.configure(form=plan.settings.logs.format)
    control.setblocking(False)
    commands: asyncio.Queue[tuple[bytes, list[int]]] = asyncio.Queue()
    loop.add_signal_handler(signal.SIGTERM, commands.put_nowait, (STOP, []))
    try:
        worker = plan.worker()
        await worker.start(listener)
    except Exception as problem:
        listener.close()
        _say(control, report_of(problem))
        return 1
    loop.add_reader(control, lambda: commands.put_nowait(_receive(control)))
    _say(control, Report("ready"))
    return await _obey(worker, commands, control)


async def _obey(worker: "Worker", commands: asyncio.Queue[tuple[bytes, list[int]]], control: socket.socket) -> int:
    ended = asyncio.create_task(worker.wait())
    while True:
        command = asyncio.create_task(commands.get())
        await asyncio.wait({command, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not command.done():
            command.cancel()
            _log.error("the server has ended by itself")
            return 1
        word, descriptors = command.result()
        if word != RENEW:
            asyncio.get_running_loop().remove_reader(control)
            await worker.stop()
            return 0
        try:
            await worker.renew(socket.socket(fileno=descriptors[0]))
        except (OSError, Misconfigured) as problem:
            _log.error("the new certificate cannot be used, the one before stays in use: %s", problem)
        _say(control, Report("renewed"))


def report_of(problem: Exception) -> Report:
    """Put an exception into words that the parent can turn back into it."""
    match problem:
        case Misconfigured():
            pairs = tuple((finding.what, finding.fix) for finding in problem.findings)
            return Report("misconfigured", findings=pairs)
        case StorageUnavailable():
            return Report("storage", text=problem.why)
        case _:
            return Report("failed", text=str(problem) or type(problem).__name__)


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    word, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return word, descriptors


def _say(control: socket.socket, report: Report) -> None:
    control.sendall(msgspec.json.encode(report) + b"\n")


def main(arguments: list[str]) -> int:
    """Serve on the descriptor that is named."""
    logs.configure()
    with (
        socket.socket(fileno=int(arguments[0])) as control,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(run(control))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
