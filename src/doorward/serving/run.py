"""``doorward serve`` as a program: start everything, renew certificates, stop in peace.

With one worker this process serves; with more it only watches over those that do. Either way it owns the sockets, the
plain HTTP listener and the signals: SIGTERM and SIGINT end it when what is in flight is done, SIGHUP reads the
certificate again. Certificate files are also looked at every few seconds, so that a renewal needs no command at all.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import uvloop

from doorward.core.clock import Clock, system_clock
from doorward.errors import Misconfigured
from doorward.serving import logs
from doorward.serving.certificates import development_certificate
from doorward.serving.crew import Crew
from doorward.serving.lifespan import StartFailed
from doorward.serving.listening import Address
from doorward.serving.material import check_pair
from doorward.serving.plan import APP, DRAIN, GRACE, Plan
from doorward.serving.redirect import RedirectListener
from doorward.serving.screen import first_screen
from doorward.settings import Settings

LOOK_EVERY: Final = 3.0
"""Seconds between two looks at the certificate files."""

_log = logging.getLogger("doorward.serving")


class Serves(Protocol):
    """What answers requests: one worker in this process, or a crew of processes."""

    async def start(self, listener: socket.socket) -> None:
        """Begin to answer."""

    async def renew(self, listener: socket.socket) -> None:
        """Take the certificate from disk again."""

    async def wait(self) -> None:
        """Return when it has failed."""

    async def stop(self) -> None:
        """End in peace."""


def show(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def serve(
    settings: Settings,
    *,
    app: str = APP,
    application: str | None = None,
    announce: Callable[[str], None] = show,
    drain: float = DRAIN,
) -> None:
    """Serve until a signal. Raises ``Misconfigured``, ``OSError``, ``StartFailed`` or what the app raises at start.

    ``application`` names an ASGI application of a host to serve in place of what the factory ``app`` makes.
    ``announce`` gets the first screen when everything answers.
    """
    logs.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Program(settings, app=app, application=application, announce=announce, drain=drain).run())


class Program:
    """One run. The durations are in seconds and only tests change them."""

    def __init__(
        self,
        settings: Settings,
        *,
        app: str = APP,
        application: str | None = None,
        announce: Callable[[str], None] = show,
        clock: Clock = system_clock,
        look_every: float = LOOK_EVERY,
        drain: float = DRAIN,
        grace: float = GRACE,
    ) -> None:
        """Take what to serve; nothing is opened yet."""
        self._settings = settings
        self._app = app
        self._application = application
        self._announce = announce
        self._clock = clock
        self._look_every = look_every
        self._drain = drain
        self._grace = grace
        self._authority: Path | None = None
        self._stop = asyncio.Event()
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop."""
        serving = self._settings.serving
        certificate, private_key = self._certificate()
        plan = Plan(
            settings=self._settings,
            certificate=certificate,
            private_key=private_key,
            app=self._app,
            application=self._application,
            drain=self._drain,
            grace=self._grace,
        )
        address = Address(serving.host, serving.port)
        redirect = self._redirect()
        server = _server(plan)
        self._take_signals()
        await server.start(address.listener())
        try:
            if redirect is not None:
                await redirect[0].start(redirect[1].listener())
            self._announce(first_screen(self._settings, authority=self._authority, application=self._application))
            await self._until_stopped(server, address)
        finally:
            if redirect is not None:
                await redirect[0].stop()
                redirect[1].close()
            await server.stop()
            address.close()

    def stop(self) -> None:
        """End as SIGTERM does."""
        self._stop.set()

    def renew(self) -> None:
        """Read the certificate again as SIGHUP does."""
        self._look.set()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.renew)

    def _redirect(self) -> tuple[RedirectListener, Address] | None:
        serving = self._settings.serving
        if serving.in_clear or serving.http_port is None:
            return None
        listener = RedirectListener(origin=self._settings.origin, mount_path=self._settings.mount_path)
        return listener, Address(serving.host, serving.http_port)

    def _certificate(self) -> tuple[Path, Path] | tuple[None, None]:
        """Return the files to serve with, made if they are for development. Raises ``Misconfigured``."""
        serving = self._settings.serving
        if serving.in_clear:
            return None, None
        host = urlsplit(self._settings.origin).hostname or ""
        if serving.certificate is None or serving.private_key is None:
            folder = self._settings.data_dir / "certificates"
            made = development_certificate(folder, host, now=self._clock())
            self._authority = made.authority
            return made.certificate, made.private_key
        findings = check_pair(serving.certificate, serving.private_key, host, now=self._clock())
        if findings:
            raise Misconfigured(*findings)
        return serving.certificate, serving.private_key

    async def _until_stopped(self, server: Serves, address: Address) -> None:
        background = [asyncio.create_task(server.wait())]
        if not self._settings.serving.in_clear:
            background.append(asyncio.create_task(self._keep_renewed(server, address)))
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([*background, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (*background, stopped):
            task.cancel()
        if not self._stop.is_set():
            raise StartFailed("the server cannot go on; the log says why")

    async def _keep_renewed(self, server: Serves, address: Address) -> None:
        seen = self._fingerprint()
        while True:
            asked = await self._asked()
            now = self._fingerprint()
            if asked or now != seen:
                seen = now
                await self._renew(server, address)

    async def _asked(self) -> bool:
        """Wait until it is time to look again; tell whether somebody asked for it."""
        try:
            await asyncio.wait_for(self._look.wait(), self._look_every)
        except TimeoutError:
            return False
        self._look.clear()
        return True

    async def _renew(self, server: Serves, address: Address) -> None:
        try:
            self._certificate()
            await server.renew(address.listener())
        except (Misconfigured, OSError) as problem:
            _log.error("the new certificate cannot be used, the one before stays in use: %s", problem)
        else:
            _log.info("the certificate has been read again")

    def _fingerprint(self) -> tuple[object, ...]:
        files = (self._settings.serving.certificate, self._settings.serving.private_key)
        return tuple(_state(path) for path in files if path is not None)


def _state(path: Path) -> tuple[int, ...]:
    try:
        now = path.stat()
    except OSError:
        return ()  # in the middle of being replaced
    return now.st_mtime_ns, now.st_size, now.st_ino


def _server(plan: Plan) -> Serves:
    if plan.settings.serving.workers > 1:
        return Crew(plan)
    return plan.worker()
