"""A real receiver over TLS, and a house that tells it."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
import trustme
from msgspec.structs import replace

from doorward.settings import Settings, Webhooks


@dataclass(frozen=True)
class Received:
    """One message as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        """What it tells of."""
        return str(json.loads(self.body)["type"])

    @property
    def id(self) -> str:
        """The same at every attempt."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers ``script`` in turn (a status, or raw bytes), and 204 when it is used up; keeps what it was told."""

    authority: Path
    port: int = 0
    script: list[int | bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    hanging: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.port}/hook?from=doorward"

    @property
    def events(self) -> list[str]:
        """The events it was told of, in the order in which they came."""
        return [each.event for each in self.received]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one message."""
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        body, request = b"", None
        with contextlib.suppress(OSError, h11.RemoteProtocolError):
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    break
            if request is not None:
                headers = {name.decode(): value.decode() for name, value in request.headers}
                self.received.append(Received(headers, body))
                await self._answer(writer)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        if self.hanging is not None:
            await self.hanging.wait()
        answer = self.script.pop(0) if self.script else 204
        location = b"location: https://localhost:1/elsewhere\r\n" if answer == 302 else b""
        writer.write(
            answer
            if isinstance(answer, bytes)
            else b"HTTP/1.1 %d x\r\n%scontent-length: 0\r\n\r\n" % (answer, location)
        )
        await writer.drain()


@contextlib.asynccontextmanager
async def receiving(folder: Path, *, name: str = "localhost") -> AsyncIterator[Receiver]:
    """Listen on a free port with a certificate for ``name``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "receivers.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    receiver = Receiver(folder / "receivers.pem")
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        if receiver.hanging is not None:
            receiver.hanging.set()
        server.close()


def telling(settings: Settings, receiver: Receiver, **changes: Any) -> Settings:
    """Let a house speak to the receiver of this machine."""
    networks = {"allowed_networks": ("127.0.0.0/8", "::1/128"), "ca_file": receiver.authority, **changes}
    return replace(settings, webhooks=Webhooks(**networks))


def signatures_of(received: Received, secret: str) -> Iterator[bool]:
    """Check each signature of a message as a receiver does, by the words of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{received.id}.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    for each in received.headers["webhook-signature"].split():
        yield hmac.compare_digest(each, f"v1,{expected}")
