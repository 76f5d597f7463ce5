"""Slowloris: many connections that each send a byte now and then, until nobody else gets one."""

import asyncio
from contextlib import suppress

from doorward.serving.listening import Address
from doorward.serving.redirect import RedirectListener

ORIGIN = "https://auth.example.com"
REQUEST = b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_dripping_head_does_not_hold_a_connection() -> None:
    """The time limit is for the whole head, so that a byte now and then does not renew it."""
    listener = RedirectListener(origin=ORIGIN, head_timeout=0.3)
    address = Address("127.0.0.1", 0)
    await listener.start(address.listener())
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)

    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"X")
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.02)

    writer.close()
    await listener.stop()


async def test_connections_beyond_the_limit_are_dropped_and_places_come_free() -> None:
    """An attacker who fills the listener only delays redirects, and only for seconds."""
    listener = RedirectListener(origin=ORIGIN, head_timeout=0.5, max_connections=3)
    address = Address("127.0.0.1", 0)
    await listener.start(address.listener())

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        try:
            writer.write(REQUEST)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    idle = [await asyncio.open_connection("127.0.0.1", address.port) for _ in range(3)]
    refused = await ask()
    async with asyncio.timeout(5):
        while not (answered := await ask()):
            await asyncio.gather(*(reader.read() for reader, _ in idle), return_exceptions=True)

    assert refused == b""
    assert answered.startswith(b"HTTP/1.1 308")
    for _, writer in idle:
        writer.close()
    await listener.stop()
