"""Silent connections (finding 1 of the review): they say nothing after the TLS handshake, and must not be kept."""

import asyncio
from pathlib import Path

import pytest

from doorward.core.clock import system_clock
from doorward.serving import worker as serving
from doorward.serving.certificates import development_certificate
from doorward.serving.listening import Address
from doorward.settings import Settings
from tests.serving.client import context, get
from tests.serving.standin import make

PLACES = 24


@pytest.mark.parametrize(
    ("protocols", "said"),
    [(None, b""), (["http/1.1"], b""), (["h2", "http/1.1"], b""), (None, b"G"), (None, b"PRI * HT")],
)
async def test_silent_tls_connections_do_not_keep_everybody_else_out(
    protocols: list[str] | None, said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All places taken by connections that say nothing or too little: the server closes them and goes on answering.

    Granian reads the first bytes of a connection without a time-out when HTTP/2 is on, so it is off by default.
    """
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", PLACES)
    monkeypatch.setattr(serving.HTTP1, "header_read_timeout", 300)
    made = development_certificate(tmp_path, "localhost", now=system_clock())
    address = Address("127.0.0.1", 0)
    worker = serving.Worker(make(Settings()), (made.certificate, made.private_key), drain=0, grace=5)
    await worker.start(address.listener())
    trusting = context(made.authority)
    if protocols:
        trusting.set_alpn_protocols(protocols)

    held = [
        await asyncio.open_connection("127.0.0.1", address.port, ssl=trusting, server_hostname="localhost")
        for _ in range(PLACES)
    ]
    for _, writer in held:
        writer.write(said)
    status, _, _ = await get(address.port, tls=context(made.authority), timeout=10)
    async with asyncio.timeout(10):
        left = await asyncio.gather(*(reader.read() for reader, _ in held), return_exceptions=True)

    assert status == 200
    assert all(each == b"" or isinstance(each, OSError) for each in left)
    for _, writer in held:
        writer.close()
    await worker.stop()
