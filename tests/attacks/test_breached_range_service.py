"""The range service for breached passwords learns nothing, is trusted with nothing, and can hold up nobody for long."""

import asyncio
import hashlib
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from doorward.errors import Misconfigured, Overloaded
from doorward.passwords import ranges
from doorward.passwords.ranges import Ranges, holds
from doorward.settings import Passwords, Settings
from tests.support.house import PASSWORD, open_house
from tests.verify.key_server import Behaviour, KeyServer, dripping, saying, serving

DIGITS = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
OTHERS = "0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2\r\n"
KNOWN = f"{OTHERS}{DIGITS[5:]}:31\r\n{'F' * 35}:0".encode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a server's context."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    made.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost").configure_cert(context)
    return file, context


class Service:
    """A range service on this machine, and settings that ask it."""

    def __init__(self, server: KeyServer, authority: Path) -> None:
        """Take a running server."""
        self.server = server
        self.authority = authority

    def asks(self, **changes: object) -> Passwords:
        """Make settings."""
        asking = Passwords(breached_range_url=f"{self.server.url}/range/", breached_range_ca_file=self.authority)
        return replace(asking, **changes)


@pytest.fixture
def service(
    request: pytest.FixtureRequest, authority: tuple[Path, ssl.SSLContext], settings: Settings
) -> Iterator[Service]:
    """Serve with a behaviour."""
    behaviour: Behaviour = getattr(request, "param", saying(200, KNOWN))
    with serving(behaviour, authority[1]) as server:
        yield Service(server, authority[0])


async def test_five_digits_leave_and_nothing_else(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the password nor its whole digest, on the wire or in the log."""
    with caplog.at_level(logging.DEBUG):
        known = await Ranges(service.asks()).knows(PASSWORD)

    assert known
    assert service.server.asked == [f"/range/{DIGITS[:5]}"]
    assert PASSWORD not in caplog.text
    assert DIGITS[5:] not in caplog.text


async def test_a_password_that_the_service_knows_is_not_set(settings: Settings, service: Service) -> None:
    """With the same code as one from the file; asking the policy asks no service."""
    async with open_house(replace(settings, passwords=service.asks(hash_threads=1))) as house:
        checked = await house.client.post("/v1/password/check", json={"password": PASSWORD})
        asked = len(service.server.asked)
        answer = await house.client.post("/v1/accounts", json={"email": "a@example.test", "password": PASSWORD})

    assert checked.json()["acceptable"] is True
    assert asked == 0
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "password_breached"


@pytest.mark.parametrize("service", [saying(200, OTHERS.encode())], indirect=True)
async def test_a_password_that_it_does_not_know_is_set(settings: Settings, service: Service) -> None:
    """The service is asked once."""
    async with open_house(replace(settings, passwords=service.asks(hash_threads=1))) as house:
        await house.register()

    assert len(service.server.asked) == 1


FAILURES = {
    "redirect": saying(302, b"", Location="https://localhost/elsewhere"),
    "error": saying(500, KNOWN),
    "not found": saying(404, b""),
    "endless": dripping(b"HTTP/1.1 200 OK\r\n\r\n" + KNOWN),
    "too large": saying(200, KNOWN + b"\n" * 600_000),
    "nonsense": lambda handler: handler.wfile.write(b"\x00\xff\r\n\r\n"),
}


@pytest.mark.parametrize("service", FAILURES.values(), ids=FAILURES, indirect=True)
@pytest.mark.parametrize("on_failure", ["closed", "open"])
async def test_a_service_that_fails_counts_as_was_chosen(
    service: Service, on_failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Closed unless the operator says otherwise; soon in any case; no redirect is followed."""
    asked = Ranges(service.asks(breached_range_on_failure=on_failure, breached_range_timeout=1))

    if on_failure == "open":
        assert await asked.knows(PASSWORD) is False
    else:
        with pytest.raises(Overloaded):
            await asked.knows(PASSWORD)

    assert len(service.server.asked) == 1
    assert "the range service for breached passwords failed" in caplog.text


async def test_a_certificate_of_somebody_else_is_not_believed(service: Service) -> None:
    """Without the private authority it is a stranger."""
    with pytest.raises(Overloaded):
        await Ranges(replace(service.asks(), breached_range_ca_file=None)).knows(PASSWORD)

    assert service.server.asked == []


async def test_no_flood_of_new_passwords_waits_for_a_slow_service(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """The queue is bounded; what does not fit is told to come back."""
    held = threading.Event()
    monkeypatch.setattr("doorward.passwords.assessor.MOST_WAITING", 2)
    monkeypatch.setattr(ranges, "fetch", lambda *_, **__: held.wait(10) and b"")
    asked = Ranges(Passwords(breached_range_url="https://ranges.example.test/"))

    tasks = [asyncio.ensure_future(asked.knows(PASSWORD)) for _ in range(3)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    held.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [bool, bool, Overloaded]


@pytest.mark.parametrize(
    "url",
    [
        "http://ranges.example.test/",
        "http://localhost/",
        "file:///etc/passwd",
        "https://u:p@x.test/",
        "https://x.test/?a",
    ],
)
def test_only_https_and_nothing_clever_is_an_address(url: str) -> None:
    """The start is refused, and the finding names the setting."""
    with pytest.raises(Misconfigured, match=r"passwords\.breached_range_url"):
        Ranges(Passwords(breached_range_url=url))


async def test_by_default_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No URL, no request."""
    monkeypatch.delattr(ranges, "fetch")

    assert await Ranges(Passwords()).knows(PASSWORD) is False


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"", False),
        (b"ABC:1", True),
        (b"abc:12\r\n", True),
        (b"AAA:1\r\nABC : 7 \r\n", True),
        (b"ABC:0", False),
        (b"ABC:000", False),
        (b"ABC", False),
        (b"ABC:", False),
        (b"XABC:1", False),
        (b"\xff\xfe:1\nABC:1", True),
    ],
)
def test_an_answer_is_read_line_by_line(answer: bytes, found: bool) -> None:
    """A count of zero is padding, not a finding."""
    assert holds(answer, "ABC") is found
