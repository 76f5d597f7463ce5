"""The management listener: ``GET /metrics`` for Prometheus, on loopback unless somebody says otherwise (ASVS 13.4.5).

Workers tell their figures through a Unix socket in a private folder, in one process as in several; whoever asks the
listener gets those of all of them that answer in time, each series with its worker's place.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any, Final

import h11
import msgspec

from doorward.observability.metrics import Family, Metrics, render
from doorward.serving.lifespan import App
from doorward.serving.redirect import RedirectListener
from doorward.verify.answers import Answer

METRICS: Final = "doorward.metrics"
"""Where an app leaves its :class:`Metrics` in the lifespan's state."""

PATH: Final = b"/metrics"
PATIENCE: Final = 5.0
MAX_REPORT: Final = 16 * 1024 * 1024
_TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"

_log = logging.getLogger("doorward.serving")


class Reporting:
    """An app whose figures can be asked for at a Unix socket, from its start to its end."""

    def __init__(self, app: App, folder: Path, *, place: int) -> None:
        """Wrap an app; ``place`` is the number of its worker."""
        self._app = app
        self._path = folder / f"{place}.sock"
        self._place = place
        self._server: asyncio.Server | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything on; listen between the start and the end of the lifespan."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def listening(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._open(scope.get("state", {}).get(METRICS))
            elif message["type"].startswith("lifespan.shutdown"):
                self._close()
            await send(message)

        await self._app(scope, receive, listening)

    async def _open(self, metrics: Metrics | None) -> None:
        if metrics is None:  # a host's application: it shows ``auth.metrics`` itself
            _log.warning("the application does not tell its figures; serve 'auth.metrics.text()' in it")
            return

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(msgspec.json.encode(await metrics.collect(shared=self._place == 0)))
                await writer.drain()
            writer.close()

        self._path.unlink(missing_ok=True)  # of a worker that has died at this place
        self._server = await asyncio.start_unix_server(tell, str(self._path))

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)


class ManagementListener(RedirectListener):
    """Answers ``GET /metrics``, and nothing else. One request a connection, bounded like the plain listener."""

    def __init__(self, folder: Path, **bounds: Any) -> None:
        """Take the folder of the workers' sockets."""
        super().__init__(origin="", **bounds)
        self._folder = folder

    async def _answer(self, request: h11.Request) -> Answer:
        if request.target.partition(b"?")[0] != PATH:
            return _plain(404, b"There is /metrics here.\n")
        if request.method not in (b"GET", b"HEAD"):
            return _plain(405, b"", (b"allow", b"GET, HEAD"))
        body = render(await self._collect()).encode()
        return _plain(200, b"" if request.method == b"HEAD" else body)

    async def _collect(self) -> dict[str, list[Family]]:
        paths = sorted(self._folder.glob("*.sock"), key=lambda path: int(path.stem))
        told = await asyncio.gather(*(_ask(path) for path in paths))
        return {path.stem: families for path, families in zip(paths, told, strict=True)}


async def _ask(path: Path) -> list[Family]:
    """Ask one worker; one that does not answer in time tells nothing."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                report = await reader.read(MAX_REPORT)
                while piece := await reader.read(MAX_REPORT - len(report)):
                    report += piece
            finally:
                writer.close()
        return msgspec.json.decode(report, type=list[Family])
    except (OSError, TimeoutError, msgspec.DecodeError):
        _log.warning("worker %s does not tell its figures", path.stem)
        return []


def _plain(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, ((b"content-type", _TEXT), (b"content-length", str(len(body)).encode()), *headers), body)
