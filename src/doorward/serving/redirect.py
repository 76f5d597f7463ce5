"""The plain HTTP listener: it points pages to HTTPS, refuses the API, and never takes a credential (ASVS 4.1.2).

A browser that typed a host name is helped by a redirect. A program that was given an ``http://`` URL is not: it would
go on sending its credential in clear, unnoticed, so it is told in words. The target is always the configured origin,
never the Host header. One request a connection, bounded in size, time and number. No HSTS: RFC 6797 §7.2.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final

import h11

from doorward.core.clock import system_entropy
from doorward.errors import HttpsRequired, MalformedRequest, Problem
from doorward.verify.answers import DEFAULT_REALM, DOCS_PATH, Answer, refusal
from doorward.web.front import dress, request_id_of

MAX_HEAD_BYTES: Final = 8192
HEAD_TIMEOUT: Final = 5.0
"""Seconds for the whole request head, so that a byte now and then does not hold a connection (slowloris)."""

MAX_CONNECTIONS: Final = 128
LINGER: Final = 1.0
"""Seconds for the peer to read the answer: closing on unread input would reset the connection and lose it."""

_PROGRAM_PATHS: Final = ("/v1/", "/.well-known/", "/openapi.json", "/health/", "/metrics")
_FOR_ANYBODY: Final = "/.well-known/acme-challenge/"
"""RFC 8555 §8.3: fetched over plain HTTP, follows redirects."""

_log = logging.getLogger("doorward.serving")

Headers = Sequence[tuple[bytes, bytes]]


def decide(method: bytes, target: bytes, headers: Headers, *, origin: str, mount_path: str = "") -> Answer:
    """Answer one plain request. Pure. ``headers`` have lower-case names, ``target`` is as it was sent."""
    sent = {name for name, _ in headers}
    if sent & {b"authorization", b"cookie"} or method not in (b"GET", b"HEAD"):
        detail = (
            f"This was sent in clear. Nothing was accepted; regard every password, token and cookie in it as known to "
            f"others, and use {origin} from now on."
        )
        return _refuse(HttpsRequired(detail=detail), method, origin + mount_path)
    if not target.startswith(b"/"):
        return _refuse(MalformedRequest(detail="The target must be a path."), method, origin + mount_path)
    if _is_for_programs(target, headers, mount_path):
        return _refuse(HttpsRequired(detail=f"This is only served over HTTPS: {origin}"), method, origin + mount_path)
    location = origin.encode() + target
    fields = ((b"location", location), (b"content-length", b"0"), (b"cache-control", b"no-store"))
    return Answer(308, fields, b"")


def _is_for_programs(target: bytes, headers: Headers, mount_path: str) -> bool:
    path = target.partition(b"?")[0].decode("latin-1").removeprefix(mount_path)
    if path.startswith(_FOR_ANYBODY):
        return False
    json_asked = any(name in (b"accept", b"content-type") and b"json" in value.lower() for name, value in headers)
    return json_asked or path.startswith(_PROGRAM_PATHS)


def _refuse(problem: Problem, method: bytes, issuer: str) -> Answer:
    answer = refusal(problem, realm=DEFAULT_REALM, documentation=issuer + DOCS_PATH)
    return Answer(answer.status, answer.headers, b"" if method == b"HEAD" else answer.body)


def dressed(answer: Answer, headers: Headers, *, in_clear: bool) -> Answer:
    """Add what every answer has, to one that does not come from the app. ``headers`` are those of the request."""
    request_id = request_id_of(headers, system_entropy)
    return Answer(answer.status, tuple(dress(answer.headers, request_id, in_clear=in_clear)), answer.body)


class RedirectListener:
    """Answers on one socket until it is closed. ``head_timeout`` and ``linger`` are in seconds."""

    def __init__(
        self,
        *,
        origin: str,
        mount_path: str = "",
        head_timeout: float = HEAD_TIMEOUT,
        linger: float = LINGER,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """Take the origin that callers are sent to."""
        self._origin = origin
        self._mount_path = mount_path
        self._head_timeout = head_timeout
        self._linger = linger
        self._max_connections = max_connections
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=MAX_HEAD_BYTES)

    async def stop(self) -> None:
        """Stop taking connections and drop those that are open: nothing of value is on them."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self._max_connections:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._handle(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._head_timeout):
                reply = await self._reply(reader)
            if reply:
                writer.write(reply)
                writer.write_eof()
                async with asyncio.timeout(self._linger):
                    while await reader.read(MAX_HEAD_BYTES):
                        pass
        except (TimeoutError, OSError):
            pass  # too slow, or gone: either way there is nobody to tell
        finally:
            writer.transport.abort()

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request head and return the whole answer, or nothing when the peer left."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(4096))
        except h11.RemoteProtocolError:
            problem = MalformedRequest(detail="This is not an HTTP request.")
            return _written(connection, _refuse(problem, b"GET", self._origin + self._mount_path), ())
        if not isinstance(event, h11.Request):
            return b""
        return _written(connection, await self._answer(event), list(event.headers))

    async def _answer(self, request: h11.Request) -> Answer:
        """Answer one request; the management listener, which speaks plainly too, has its own answers."""
        headers = list(request.headers)
        answer = decide(request.method, request.target, headers, origin=self._origin, mount_path=self._mount_path)
        if answer.status != 308:
            _log.warning("plain HTTP: a request was refused with %d", answer.status)
        return answer


def _written(connection: h11.Connection, answer: Answer, headers: Headers) -> bytes:
    fields = [*dressed(answer, headers, in_clear=True).headers, (b"connection", b"close")]
    head = connection.send(h11.Response(status_code=answer.status, headers=fields))
    body = connection.send(h11.Data(data=answer.body)) if answer.body else b""
    return (head or b"") + (body or b"")
