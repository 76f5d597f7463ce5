"""Bytes on the wire of a real ``doorward serve``: what no HTTP library would send."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.program import Program

HOST = b"Host: localhost\r\n"
LOGIN = b'{"login":"nobody@example.test","password":"whatever it is"}'
LENGTH = b"Content-Length: %d\r\n" % len(LOGIN)
TYPE = b"Content-Type: application/json\r\n"
START = b"POST /v1/login HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"
SMUGGLED = b"GET /v1/me HTTP/1.1\r\n" + HOST + b"\r\n"

PATIENCE = 3.0
"""Seconds for an answer; some requests wait for the rest of what they announced, and get none."""

REQUESTS: dict[str, bytes] = {
    "rubbish": b"\x00\x01\x02\xff" * 100 + b"\r\n\r\n",
    "another protocol": b"EHLO localhost\r\n\r\n",
    "HTTP/0.9": b"GET /health/live\r\n\r\n",
    "HTTP/3.0": b"GET /health/live HTTP/3.0\r\n" + HOST + b"\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\nConnection: close\r\n\r\n",
    "an absolute address": b"GET https://evil.example/v1/me HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a space in the path": b"GET /v1/ me HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "raw bytes in the path": b"GET /v1/\xff\xfe HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "broken percent signs": b"GET /v1/%zz%f%%00 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a very long path": b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "an unknown method": b"BREW /v1/login HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a very long method": b"A" * 20000 + b" /v1/login HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a space before the colon": START + TYPE + b"Content-Length : 5\r\n\r\n" + LOGIN,
    "a folded header": START + TYPE + b"X-A: b\r\n  c\r\n" + LENGTH + b"\r\n" + LOGIN,
    "a header without a name": START + b": x\r\n" + TYPE + LENGTH + b"\r\n" + LOGIN,
    "a NUL in a header": START + b"X-A: a\0b\r\n" + TYPE + LENGTH + b"\r\n" + LOGIN,
    "a bare line feed": (START + TYPE + LENGTH + b"\r\n" + LOGIN).replace(b"\r\n", b"\n", 3),
    "a header of 200 KB": START + b"X-A: " + b"a" * 200_000 + b"\r\n" + TYPE + LENGTH + b"\r\n" + LOGIN,
    "a thousand headers": START + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + TYPE + LENGTH + b"\r\n" + LOGIN,
    "two lengths": START + TYPE + LENGTH + b"Content-Length: 5\r\n\r\n" + LOGIN,
    "a list of lengths": START + TYPE + b"Content-Length: 5, 6\r\n\r\n" + LOGIN,
    "a negative length": START + TYPE + b"Content-Length: -1\r\n\r\n" + LOGIN,
    "a length with a sign": START + TYPE + b"Content-Length: +5\r\n\r\n" + LOGIN,
    "a length beyond numbers": START + TYPE + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + LOGIN,
    "a length in words": START + TYPE + b"Content-Length: five\r\n\r\n" + LOGIN,
    "length and chunks": START + TYPE + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks said oddly": START + TYPE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks said twice": START + TYPE + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a broken chunk": START + TYPE + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    "an endless chunk": START + TYPE + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}",
    "a body over the limit": START + TYPE + b"Content-Length: 70000\r\n\r\n" + b"{" + b" " * 69_999,
    "an upgrade": b"GET /v1/me HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    "a body that ends early": START + TYPE + b"Content-Length: 5000\r\n\r\n" + LOGIN,
}  # fmt: skip


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """Serve on SQLite: nothing here gets as far as an engine."""
    program = Program(tmp_path, f"sqlite:///{tmp_path / 'doorward.db'}")
    with program.run():
        async with program.client():
            yield program


async def _send(program: Program, request: bytes) -> bytes:
    trust = ssl.create_default_context(cafile=str(program.authority))
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port, ssl=trust, server_hostname="localhost")
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(_read(reader), PATIENCE)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except (ConnectionError, TimeoutError, ssl.SSLError):
        return b""
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read one head and what comes with it; an answer that waits for more of the request is none."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.read(65536)


async def test_no_bytes_on_the_wire_are_answered_with_a_500(program: Program) -> None:
    """A 4xx, or a closed connection; nothing behind a refused request is taken for another one."""
    statuses = {}
    answers = await asyncio.gather(*(_send(program, request) for request in REQUESTS.values()))
    for what, answer in zip(REQUESTS, answers, strict=True):
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1") else 0
        statuses[what] = status
        assert status == 0 or 200 <= status < 500, (what, answer[:300])
        assert b"Traceback" not in answer
        assert answer.count(b"HTTP/1.1 ") <= 1, what
        assert b"access_token" not in answer

    alive = await _send(program, b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert json.loads(alive.partition(b"\r\n\r\n")[2])["status"] == "ok"
    assert statuses["a body over the limit"] in (413, 0)
    assert statuses["an unknown method"] == 405
    assert statuses["two lengths"] in (400, 0)
    assert statuses["length and chunks"] in (400, 401, 0)


async def test_many_connections_that_say_nothing_hinder_nobody(program: Program) -> None:
    """Slow senders hold their own connections and no more."""
    trust = ssl.create_default_context(cafile=str(program.authority))
    slow = [
        await asyncio.open_connection("127.0.0.1", program.port, ssl=trust, server_hostname="localhost")
        for _ in range(40)
    ]
    for _, writer in slow:
        writer.write(START + TYPE + b"Content-Length: 100\r\n\r\n{")

    answer = await _send(program, b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")
    for _, writer in slow:
        writer.transport.abort()
