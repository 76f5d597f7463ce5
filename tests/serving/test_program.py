"""The whole program: sockets, certificate, plain listener, first screen, renewal and end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from doorward.core.clock import system_clock
from doorward.errors import Misconfigured
from doorward.serving import listening
from doorward.serving.certificates import development_certificate
from doorward.serving.lifespan import StartFailed
from doorward.serving.run import Program
from doorward.settings import Settings
from tests.serving.client import STAND_IN, context, free_port, get, settings_for
from tests.serving.test_worker import peer_certificate

NOW = system_clock()


class Running:
    """A program in this process, and what it has said."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        """Make it; nothing runs yet."""
        self.screens: list[str] = []
        self.ready = asyncio.Event()
        self.settings = settings
        self.program = Program(
            settings, app=STAND_IN, announce=self._hear, clock=clock, look_every=0.05, drain=0.05, grace=5
        )

    def _hear(self, screen: str) -> None:
        self.screens.append(screen)
        self.ready.set()


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], int] = lambda: NOW) -> AsyncIterator[Running]:
    """Run a program until the block is over."""
    ran = Running(settings, clock)
    task = asyncio.create_task(ran.program.run())
    ready = asyncio.create_task(ran.ready.wait())
    async with asyncio.timeout(20):
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            await task
        yield ran
        ran.program.stop()
        await task


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition, which may be a coroutine function."""
    async with asyncio.timeout(10):
        while True:
            result = condition()
            if await result if asyncio.iscoroutine(result) else result:
                return
            await asyncio.sleep(0.02)


async def test_it_serves_tls_points_pages_there_and_says_so_once(tmp_path: Path) -> None:
    """With the certificate made on the way."""
    settings = settings_for(tmp_path, http_port=free_port())
    authority = settings.data_dir / "certificates" / "authority.pem"

    async with running(settings) as ran:
        status, _, told = await get(settings.serving.port, tls=context(authority))
        redirected, headers, _ = await get(settings.serving.http_port or 0, "/login")

    assert (status, told["scheme"]) == (200, "https")
    assert (redirected, headers["location"]) == (308, "https://localhost:8443/login")
    assert len(ran.screens) == 1
    assert str(authority) in ran.screens[0]


async def test_behind_a_proxy_it_serves_the_proxy_and_nobody_else(tmp_path: Path) -> None:
    """No certificate, no plain listener; another address gets 403."""
    trusting = settings_for(tmp_path, behind_proxy=True, trusted_proxies=("127.0.0.1",), http_port=free_port())
    refusing = settings_for(tmp_path, behind_proxy=True, trusted_proxies=("192.0.2.1",))

    async with running(trusting) as trusted, running(refusing):
        told = await get(trusting.serving.port, head="X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n")
        refused = await get(refusing.serving.port)
        trusted.program.renew()
        with pytest.raises(OSError, match=r"refused|failed"):
            await get(trusting.serving.http_port or 0)

    assert told[2]["client"] == ["198.51.100.7", 0]
    assert (refused[0], refused[2]["code"]) == (403, "proxy_required")
    assert not (tmp_path / "data").exists()


async def test_plain_http_on_this_machine_needs_no_certificate(tmp_path: Path) -> None:
    """And has no second listener, and nothing to renew."""
    settings = settings_for(tmp_path, insecure_loopback=True, http_port=free_port())

    async with running(settings) as ran:
        status, _, told = await get(settings.serving.port)
        ran.program.renew()
        with pytest.raises(OSError, match=r"refused|failed"):
            await get(settings.serving.http_port or 0)

    assert (status, told["scheme"]) == (200, "http")
    assert "WARNING" in ran.screens[0]
    assert not (tmp_path / "data").exists()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A certificate that was handed in, its key, and the authority to trust."""
    made = development_certificate(tmp_path / "issued", "localhost", now=NOW)
    return made.certificate, made.private_key, made.authority


async def test_a_certificate_that_was_handed_in_is_served(tmp_path: Path, pair: tuple[Path, Path, Path]) -> None:
    """Then there is none for development, and no word of one."""
    settings = settings_for(tmp_path, certificate=pair[0], private_key=pair[1])

    async with running(settings) as ran:
        status, _, _ = await get(settings.serving.port, tls=context(pair[2]))

    assert status == 200
    assert "Certificate" not in ran.screens[0]
    assert not settings.data_dir.exists()


async def test_a_renewed_certificate_is_noticed_without_a_command(
    tmp_path: Path, pair: tuple[Path, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """By its files; a half-written one in between is told and changes nothing."""
    settings = settings_for(tmp_path, certificate=pair[0], private_key=pair[1])
    async with running(settings):
        before = await peer_certificate(settings.serving.port, pair[2])

        pair[0].unlink()
        await until(lambda: "the one before stays in use" in caplog.text)
        during = await peer_certificate(settings.serving.port, pair[2])
        development_certificate(pair[0].parent, "localhost", now=NOW)

        async def is_new() -> bool:
            return await peer_certificate(settings.serving.port, pair[2]) != before

        await until(is_new)

    assert during == before


async def test_sighup_renews_the_development_certificate_when_it_is_due(tmp_path: Path) -> None:
    """The clock has gone on while the program ran."""
    settings = settings_for(tmp_path)
    authority = settings.data_dir / "certificates" / "authority.pem"
    now = NOW - 380 * 86400
    async with running(settings, lambda: now):
        before = await peer_certificate(settings.serving.port, authority)
        now = NOW

        signal.raise_signal(signal.SIGHUP)

        async def is_new() -> bool:
            return await peer_certificate(settings.serving.port, authority) != before

        await until(is_new)


async def test_two_programs_run_in_one_process(tmp_path: Path) -> None:
    """Nothing is global."""
    first, second = settings_for(tmp_path / "a"), settings_for(tmp_path / "b")

    async with running(first), running(second):
        statuses = [
            (await get(each.serving.port, tls=context(each.data_dir / "certificates" / "authority.pem")))[0]
            for each in (first, second)
        ]

    assert statuses == [200, 200]


async def test_a_certificate_for_another_host_stops_the_start(tmp_path: Path) -> None:
    """Before anything is opened."""
    made = development_certificate(tmp_path / "issued", "localhost", now=NOW - 400 * 86400)
    settings = settings_for(tmp_path, certificate=made.certificate, private_key=made.private_key)

    with pytest.raises(Misconfigured, match="ended on"):
        async with running(settings):
            pass


@pytest.mark.parametrize("name", ["failing", "misconfigured"])
async def test_an_app_that_refuses_ends_the_program(name: str, tmp_path: Path) -> None:
    """Its reason comes out; nothing is announced."""
    with pytest.raises((StartFailed, Misconfigured)):
        async with running(settings_for(tmp_path, service_name=name)):
            pass


async def test_a_port_in_use_ends_the_program(tmp_path: Path) -> None:
    """Either of the two."""
    address = listening.Address("127.0.0.1", 0)
    listener = address.listener()

    for port in ("port", "http_port"):
        with pytest.raises(OSError, match="in use"):
            async with running(settings_for(tmp_path, **{port: address.port})):
                pass

    listener.close()


async def test_a_server_that_ends_by_itself_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error, so that whoever watches it starts it again."""
    from doorward.serving.worker import Worker

    async def gone(_: Worker) -> None:
        """Be over at once."""

    monkeypatch.setattr(Worker, "wait", gone)

    with pytest.raises(StartFailed, match="cannot go on"):
        await asyncio.wait_for(Running(settings_for(tmp_path), lambda: NOW).program.run(), 10)


def test_sigterm_ends_it(tmp_path: Path) -> None:
    """``serve()`` is what the command line calls."""
    from doorward.serving import run

    heard: list[str] = []

    def announce(screen: str) -> None:
        heard.append(screen)
        signal.raise_signal(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.logs, "configure", lambda: None)
        run.serve(settings_for(tmp_path), app=STAND_IN, announce=announce)

    assert len(heard) == 1
