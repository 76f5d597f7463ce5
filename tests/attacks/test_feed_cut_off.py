"""Cutting a service off, so that it never hears that a stolen token was revoked.

It goes on refusing what it knew. What it has not heard of is refused after ``max_staleness`` seconds by a service that
refuses when stale, and at the token's own expiry by one that chose to go on.
"""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from doorward.errors import InvalidToken, KeysUnavailable
from doorward.verify import RevocationsUnavailable, Verifier, following
from doorward.verify import feed as feed_module
from doorward.verify.address import Address, FetchFailed, may_be_spoken_to, networks
from doorward.verify.fetching import Line, fetch
from tests.support.waiting import until
from tests.verify.feed_server import Feeding, feeding, state
from tests.verify.key_server import Behaviour, Handler, dripping, publishing, saying, serving
from tests.verify.parties import Clock, Issuer

NEAR = {"allow_http_on_loopback": True}


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feeding]:
    """An issuer, whose followers are as impatient as a test."""
    monkeypatch.setattr(following, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(feed_module, "LONG_WAIT", 1)
    with feeding() as feed:
        yield feed


def closing(handler: Handler) -> None:
    """Hang up."""
    handler.close_connection = True


SILENCES: dict[str, Behaviour] = {
    "a closed line": closing,
    "an error": saying(500),
    "a redirect": saying(302, b"", Location="/v1/revocations?after=0&wait=0"),
    "an answer without end": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
    "a head without end": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "half an answer": lambda handler: (
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
        closing(handler),
    )[1],
}


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("when_stale", ["refuse", "until_expiry"])
async def test_a_service_that_is_cut_off_keeps_what_it_knows_and_then_does_as_it_was_told(
    feed: Feeding, silence: str, when_stale: following.WhenStale
) -> None:
    """Whatever the silence is made of, it is noticed, and nothing hangs."""
    verifier = feed.verifier(when_stale=when_stale, max_staleness=5)
    feed.revoke("session", "ses_one")
    with pytest.raises(InvalidToken):
        verifier.check(feed.token())

    feed.behave(lambda _feed, handler, _after, _wait: SILENCES[silence](handler))

    await until(lambda: state(verifier).failures > 0)
    with pytest.raises(InvalidToken):
        verifier.check(feed.token())
    feed.clock.now += 6
    if when_stale == "refuse":
        with pytest.raises(RevocationsUnavailable):
            verifier.check(feed.token(sid="ses_two"))
    else:
        assert verifier.check(feed.token(sid="ses_two")).subject == "acc_one"
        with pytest.raises(InvalidToken):
            verifier.check(feed.token())
    verifier.close()


async def test_a_redirect_of_the_feed_is_not_followed(feed: Feeding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to a server that would answer well."""
    monkeypatch.setattr(following, "FIRST_WAIT", 0.3)
    with serving(publishing(feed.party.keys)) as target:
        location = f"{target.url}/v1/revocations"
        feed.behave(lambda _feed, handler, _after, _wait: saying(307, b"", Location=location)(handler))
        verifier = feed.verifier()

        with pytest.raises(RevocationsUnavailable):
            verifier.check(feed.token())

        assert target.asked == []
        verifier.close()


# -- names that lead elsewhere ----------------------------------------------------------------------------------------


@pytest.fixture
def leading(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every name lead to these addresses."""

    def lead(*addresses: str) -> None:
        true = socket.getaddrinfo

        def answer(host: str, port: int, *family: int, **more: int) -> list[tuple[object, ...]]:
            if host in addresses:
                return list(true(host, port, *family, **more))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return lead


PRIVATE = ["127.0.0.1", "10.0.0.5", "192.168.1.1", "172.16.0.9", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1",
           "fe80::1%eth0", "fd00::7", "::ffff:10.0.0.5", "::ffff:127.0.0.1", "224.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("private", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_not_spoken_to(leading: Callable[..., None], private: str) -> None:
    """A name server, or DNS rebinding, turns no verifier against the machines behind the firewall."""
    leading(private)

    with pytest.raises(FetchFailed, match="private_networks"):
        fetch(Address("auth.example", 443, "/", secure=True), time_limit=0.2)


def test_a_name_that_says_localhost_leads_to_this_machine_only(leading: Callable[..., None]) -> None:
    """What is written as this machine is this machine."""
    leading("198.51.100.7")

    with pytest.raises(FetchFailed, match="private_networks"):
        fetch(Address("localhost", 443, "/", secure=True), time_limit=0.2)


@pytest.mark.parametrize(
    ("host", "ip", "listed"),
    [
        ("auth.example", "93.184.215.14", []),
        ("auth.example", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", []),
        ("auth.example", "::ffff:93.184.215.14", []),
        ("auth.internal", "10.0.0.5", ["10.0.0.0/8"]),
        ("auth.internal", "fd00::7", ["10.0.0.0/8", "fd00::/8"]),
        ("10.0.0.5", "10.0.0.5", []),
        ("fd00:0::7", "fd00::7", []),
        ("localhost", "127.0.0.1", []),
    ],
)
def test_public_listed_and_written_addresses_are_spoken_to(host: str, ip: str, listed: list[str]) -> None:
    """An address in the configuration itself is a listed one."""
    assert may_be_spoken_to(ip, host, networks(listed))


def test_the_next_address_is_tried_where_one_does_not_answer(leading: Callable[..., None]) -> None:
    """And a few of them only."""
    party = Issuer()
    with serving(publishing(party.keys)) as server:
        leading("127.0.0.9", "127.0.0.1")
        address = Address.of(f"{server.url}/keys", allow_http_on_loopback=True)

        assert json.loads(fetch(address)) == party.keys.to_jwks()


def test_an_issuer_on_a_private_address_needs_a_word(leading: Callable[..., None]) -> None:
    """Through the whole verifier: keys and feed."""
    leading("10.255.255.1")

    with pytest.raises(KeysUnavailable):
        Verifier(issuer="https://auth.internal", clock=Clock(), follow_revocations=False).check(Issuer().token())


def test_a_line_that_was_cut_asks_no_more() -> None:
    """Closing is for good, also for somebody who was just about to ask."""
    with serving(publishing(Issuer().keys)) as server:
        line = Line(Address.of(f"{server.url}/keys", **NEAR))
        assert line.get()

        line.cut()

        with pytest.raises(FetchFailed, match="cut off"):
            line.get()
