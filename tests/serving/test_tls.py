"""TLS as it is on the wire: which versions, which HTTP, and what a client has to trust."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.core.clock import system_clock
from doorward.serving.certificates import DevelopmentCertificate, development_certificate
from doorward.serving.listening import Address
from doorward.serving.plan import Plan
from doorward.serving.worker import Worker
from doorward.settings import Settings
from tests.serving.client import STAND_IN, context, get, settings_for
from tests.serving.standin import make


@pytest.fixture
def certificate(tmp_path: Path) -> DevelopmentCertificate:
    """A certificate for localhost; valid now, for the client looks at its clock."""
    return development_certificate(tmp_path, "localhost", now=system_clock())


@pytest.fixture
async def port(certificate: DevelopmentCertificate) -> AsyncIterator[int]:
    """The port of a server."""
    address = Address("127.0.0.1", 0)
    worker = Worker(make(Settings()), (certificate.certificate, certificate.private_key), drain=0, grace=5)
    await worker.start(address.listener())
    yield address.port
    await worker.stop()


async def chosen(protocols: list[str], port: int, certificate: DevelopmentCertificate) -> str | None:
    """What the server chooses of what is offered to it (ALPN)."""
    offering = context(certificate.authority)
    offering.set_alpn_protocols(protocols)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=offering, server_hostname="localhost")
    protocol: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    return protocol


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_old_versions_of_tls_are_refused(
    version: ssl.TLSVersion, port: int, certificate: DevelopmentCertificate
) -> None:
    """ASVS 12.1.1. The client would be willing: its security level is lowered for that."""
    old = context(certificate.authority)
    old.minimum_version = old.maximum_version = version
    old.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(ssl.SSLError, match=r"(?i)alert|unsupported|version"):
        await get(port, tls=old)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_answered(
    version: ssl.TLSVersion, port: int, certificate: DevelopmentCertificate
) -> None:
    """And nothing else."""
    current = context(certificate.authority)
    current.minimum_version = current.maximum_version = version

    status, _, told = await get(port, tls=current)

    assert status == 200
    assert told["scheme"] == "https"


async def test_http_1_1_is_what_is_offered(port: int, certificate: DevelopmentCertificate) -> None:
    """Also to a client that would like HTTP/2 more: see tests/attacks/test_silent_connections.py."""
    assert await chosen(["h2", "http/1.1"], port, certificate) == "http/1.1"


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
async def test_both_versions_of_http_are_offered_where_it_is_set(
    protocol: str, certificate: DevelopmentCertificate, tmp_path: Path
) -> None:
    """The client chooses by ALPN."""
    settings = settings_for(tmp_path, http2=True)
    plan = Plan(
        settings=settings, certificate=certificate.certificate, private_key=certificate.private_key, app=STAND_IN
    )
    address = Address("127.0.0.1", 0)
    worker = plan.worker()
    await worker.start(address.listener())

    assert await chosen([protocol], address.port, certificate) == protocol
    await worker.stop()


async def test_weak_ciphers_are_refused(port: int, certificate: DevelopmentCertificate) -> None:
    """Only suites with forward secrecy and authenticated encryption (ASVS 12.1.2)."""
    weak = context(certificate.authority)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-SHA:AES256-SHA256:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")

    with pytest.raises(ssl.SSLError):
        await get(port, tls=weak)


async def test_who_does_not_trust_the_authority_is_not_served(port: int) -> None:
    """The development certificate is nobody's default."""
    with pytest.raises(ssl.SSLCertVerificationError):
        await get(port, tls=ssl.create_default_context())


async def test_plain_http_on_the_tls_port_gets_nothing(port: int) -> None:
    """No answer, so nothing that a credential could be sent to again."""
    with pytest.raises((ConnectionError, IndexError, ValueError)):
        await get(port)
