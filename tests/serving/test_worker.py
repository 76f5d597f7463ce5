"""One worker: starts its app, renews its certificate, and ends when what is in flight is done."""

import asyncio
from pathlib import Path

import pytest

from doorward.app import Doorward
from doorward.core.clock import system_clock
from doorward.errors import Misconfigured
from doorward.serving.certificates import development_certificate
from doorward.serving.listening import Address
from doorward.serving.plan import Plan
from doorward.serving.worker import Worker
from doorward.settings import Settings
from tests.serving.client import STAND_IN, context, get, settings_for
from tests.serving.standin import make
from tests.support.waiting import until

NOW = system_clock()


async def test_requests_in_flight_are_finished_before_the_end() -> None:
    """SIGTERM is no reason to lose an answer."""
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), None, drain=0, grace=5)
    await worker.start(address.listener())
    slow = asyncio.create_task(get(address.port, "/slow"))
    await get(address.port)

    await worker.stop()

    assert (await slow)[0] == 200
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await get(address.port)


async def test_the_end_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """A request that hangs is dropped after the grace, and that is logged."""
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), None, drain=0, grace=0.05)
    await worker.start(address.listener())
    slow = asyncio.create_task(get(address.port, "/slow"))
    await get(address.port)

    await worker.stop()

    assert "dropped" in caplog.text
    await slow


async def test_an_app_is_told_to_let_waiting_requests_go(tmp_path: Path) -> None:
    """A real instance with a follower that waits for half a minute ends at once, and the follower has its answer."""
    settings = settings_for(tmp_path)
    app = Doorward(settings)
    address = Address("127.0.0.1", 0)
    worker = Worker(app, None, drain=0, grace=20)
    await worker.start(address.listener())
    following = asyncio.create_task(get(address.port, "/v1/revocations?wait=30"))
    await until(lambda: app._feed._waiting.taken == 1)

    await worker.stop()

    assert (await following)[0] == 200


async def test_an_app_that_refuses_to_start_is_not_served() -> None:
    """Its reason comes out, and the socket is closed again."""
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings(service_name="misconfigured")), None, drain=0, grace=5)
    listener = address.listener()

    with pytest.raises(Misconfigured):
        await worker.start(listener)

    assert listener.fileno() == -1
    await worker.wait()


async def test_a_renewed_certificate_is_the_one_that_is_seen(tmp_path: Path) -> None:
    """By new connections; the app is not started again."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), (made.certificate, made.private_key), drain=0.05, grace=5)
    await worker.start(address.listener())
    before = await peer_certificate(address.port, made.authority)
    made.certificate.unlink()
    development_certificate(tmp_path, "localhost", now=NOW)

    await worker.renew(address.listener())

    assert await peer_certificate(address.port, made.authority) != before
    await worker.stop()


async def test_a_certificate_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    """The old one stays in use."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), (made.certificate, made.private_key), drain=0.05, grace=5)
    await worker.start(address.listener())
    made.certificate.write_text("damaged")
    listener = address.listener()

    with pytest.raises(Misconfigured):
        await worker.renew(listener)

    assert (await get(address.port, tls=context(made.authority)))[0] == 200
    assert listener.fileno() == -1
    await worker.stop()


async def test_waiting_ends_when_the_server_has_ended() -> None:
    """Then the program ends too, and is seen to."""
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), None, drain=0, grace=5)
    await worker.start(address.listener())
    waiting = asyncio.create_task(worker.wait())

    await worker.stop()

    async with asyncio.timeout(5):
        await waiting


async def peer_certificate(port: int, authority: Path) -> bytes:
    """The certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context(authority), server_hostname="localhost")
    try:
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("hosts", "status"), [(b"Host: a\r\n", b"200"), (b"", b"400"), (b"Host: a\r\nHost: b\r\n", b"400")]
)
async def test_a_request_on_the_wire_has_one_host(hosts: bytes, status: bytes, tmp_path: Path) -> None:
    """Finding 12 of the review: Granian itself takes two, and makes an empty one up (RFC 9112 section 3.2)."""
    plan = Plan(settings=settings_for(tmp_path), certificate=None, private_key=None, app=STAND_IN, drain=0, grace=5)
    address = Address("127.0.0.1", 0)
    worker = plan.worker()
    await worker.start(address.listener())
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)

    writer.write(b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    answer = await reader.read()

    assert answer.split()[1] == status
    writer.close()
    await worker.stop()
