"""One worker: an app, its lifespan, and the Granian server that answers for it, in this process.

The server is Granian's embedded one, on this process's own event loop: with one worker everything is one process, which
is what keeps ``doorward serve`` small and quick to start. Renewing the certificate starts a second server on the next
socket, lets the first finish what it has, and closes it (see ``listening.py``). The app is not touched by that.
"""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]  # Granian's own import, typed too narrowly
from granian.server.embed import Server

from doorward.serving.lifespan import App, Lifespan
from doorward.serving.listening import BACKLOG
from doorward.serving.material import InMemory, Material, close

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_CONNECTIONS: Final = 2048
"""Open at a time; Granian accepts none beyond it. A silent one must therefore be closed, see ``Worker``."""

_SECONDS: Final = 1000
_NUDGE: Final = 0.5
"""Seconds between two times of letting requests go."""

HTTP1: Final = HTTP1Settings(header_read_timeout=15 * _SECONDS, max_buffer_size=MAX_HEADER_BYTES)
"""The time-out runs from the end of the TLS handshake, or of the answer before, to the end of a request's head."""

HTTP2: Final = HTTP2Settings(
    keep_alive_interval=30 * _SECONDS,
    keep_alive_timeout=10,
    max_concurrent_streams=128,
    max_headers_size=MAX_HEADER_BYTES,
)

_log = logging.getLogger("doorward.serving")


class _Server(Server):
    """Granian on a socket that is handed in, logging to where everything else does."""

    def __init__(
        self, app: App, listener: socket.socket, tls: tuple[Path, Path] | tuple[None, None], *, http2: bool
    ) -> None:
        self._listener = listener
        super().__init__(
            app,
            address=listener.getsockname()[0],
            port=listener.getsockname()[1],
            interface=Interfaces.ASGINL,
            http=HTTPModes.auto if http2 else HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=MAX_CONNECTIONS,
            http1_settings=HTTP1,
            http2_settings=HTTP2,
            log_level=LogLevels.error,
            log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
            ssl_cert=tls[0],
            ssl_key=tls[1],
            ssl_protocol_min=SSLProtocols.tls12,
        )

    def _init_shared_socket(self) -> None:
        self._ssp = None
        holder: Any = SocketHolder
        self._shd = holder(self._listener.detach(), False, BACKLOG)


class Worker:
    """An app being served. ``pair`` is certificate and key, or ``None`` for plain HTTP behind a proxy.

    ``http2`` offers HTTP/2 beside HTTP/1.1. Granian then reads the first bytes of a connection to tell the two apart,
    also after the handshake has chosen one of them, and no time-out covers that reading: a few thousand silent
    connections would be all that a server takes, for good. So it is off unless somebody asks for it.
    """

    def __init__(
        self, app: App, pair: tuple[Path, Path] | None, *, drain: float, grace: float, http2: bool = False
    ) -> None:
        """Take the app and how long (in seconds) to wait for what is under way."""
        self._app = app
        self._pair = pair
        self._drain = drain
        self._grace = grace
        self._http2 = http2
        self._lifespan = Lifespan(app)
        self._servers: list[tuple[Any, asyncio.Task[Any]]] = []
        self._renewal = asyncio.Lock()

    async def start(self, listener: socket.socket) -> None:
        """Start the app, then answer on ``listener``, which is taken over. Raises what the app raises."""
        try:
            await self._lifespan.start()
        except BaseException:
            listener.close()
            raise
        self._serve(listener)

    async def renew(self, listener: socket.socket) -> None:
        """Answer on ``listener`` with the certificate as it is on disk now, and let the server before end in peace.

        Raises ``Misconfigured`` or ``ssl.SSLError`` when the certificate cannot be used; the old server then goes on.
        """
        async with self._renewal:
            old = list(self._servers)
            self._serve(listener)
            await asyncio.sleep(self._drain)
            await self._end(old)

    async def wait(self) -> None:
        """Return when no server is left; one ends by itself only when something is badly wrong."""
        while self._servers:
            await asyncio.wait([serving for _, serving in self._servers], return_when=asyncio.FIRST_COMPLETED)
            self._servers = [each for each in self._servers if not each[1].done()]

    async def stop(self) -> None:
        """Take nothing new, finish what is in flight (at most ``grace`` seconds), end the app."""
        await self._end(list(self._servers))
        await self._lifespan.stop()

    def _serve(self, listener: socket.socket) -> None:
        files: tuple[InMemory, ...] = ()
        try:
            files = Material(*self._pair).open() if self._pair else ()
            tls = files if len(files) == 2 else (None, None)
            server = _Server(self._app, listener, tls, http2=self._http2)
        except BaseException:
            listener.close()
            close(*files)
            raise
        serving = asyncio.create_task(server.serve())
        serving.add_done_callback(lambda _: close(*files))
        self._servers.append((server, serving))

    async def _end(self, servers: list[tuple[Any, asyncio.Task[Any]]]) -> None:
        """Stop servers. An app that keeps requests waiting, as doorward does with followers, has a ``let_go``.

        It is called again and again, for those who had just come in.
        """
        for server, _ in servers:
            server.stop()
        late = {serving for _, serving in servers}
        let_go = getattr(self._app, "let_go", None)
        deadline = asyncio.get_running_loop().time() + self._grace
        while late and (left := deadline - asyncio.get_running_loop().time()) > 0:
            if callable(let_go):
                let_go()
            late = (await asyncio.wait(late, timeout=min(left, _NUDGE)))[1]
        if late:
            _log.warning("connections were still open after %.0f seconds and have been dropped", self._grace)
