"""One POST to one endpoint, with nothing that can be talked into more.

HTTPS only, certificates checked, no redirects, no proxies from the environment, no answer kept but its status, and all
of it within ten seconds. The name is resolved here, every address it has is judged, and the connection goes to the
address that was judged, so a name that answers differently the second time leads nowhere (DNS rebinding). ``h11``
writes and reads the HTTP; the streams are asyncio's, so a hanging endpoint holds no thread.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import h11

from doorward.webhooks.model import Answer, Network, may_connect

TIME_LIMIT: Final = 10.0
MAX_ANSWER_HEAD: Final = 16 * 1024
USER_AGENT: Final = "doorward-webhooks/1"


class Sender:
    """Sends messages. ``allowed`` are networks that may be spoken to although they are not public."""

    def __init__(
        self, *, allowed: Sequence[str] = (), ca_file: Path | None = None, time_limit: float = TIME_LIMIT
    ) -> None:
        """Take the rules; the trusted authorities are read when the first message is sent."""
        self._allowed: list[Network] = [ipaddress.ip_network(each) for each in allowed]
        self._ca_file = ca_file
        self._time_limit = time_limit
        self._context: ssl.SSLContext | None = None

    async def post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Send, and say what came of it. Never raises."""
        try:
            async with asyncio.timeout(self._time_limit):
                return await self._post(url, headers, body)
        except TimeoutError:
            return Answer(0, "it took too long")
        except (OSError, h11.ProtocolError, ValueError) as error:
            return Answer(0, type(error).__name__)

    async def _post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        address = await self._address(host, port)
        if address is None:
            return Answer(0, "the address is not a public one")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reader, writer = await asyncio.open_connection(
            address, port, ssl=self._tls(), server_hostname=host, limit=MAX_ANSWER_HEAD
        )
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_HEAD)
            fields = [
                ("Host", parts.netloc),
                ("User-Agent", USER_AGENT),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *headers,
            ]
            for event in (h11.Request(method="POST", target=target, headers=fields), h11.Data(data=body)):
                writer.write(connection.send(event) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            return Answer(await _status(connection, reader), "")
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _address(self, host: str, port: int) -> str | None:
        """Resolve a name; ``None`` if any of its addresses must not be spoken to."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        return addresses[0] if all(may_connect(each, self._allowed) for each in addresses) else None

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._context


async def _status(connection: h11.Connection, reader: asyncio.StreamReader) -> int:
    """Read up to the final status; what follows is not read."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(4096))
        elif isinstance(event, h11.Response):
            return int(event.status_code)
        elif not isinstance(event, h11.InformationalResponse):  # pragma: no cover - h11 raises for everything else
            raise ValueError("no answer")
