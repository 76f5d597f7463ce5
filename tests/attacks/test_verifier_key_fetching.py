"""Turning the fetch of keys against the service: other schemes, other hosts, redirects, endless answers.

PyJWT CVE-2026-48522 (file: and data:), CVE-2026-102267 (redirects), ``security.md`` rows 6 and 38.
"""

import json
import socket
import time

import pytest

from doorward.errors import KeysUnavailable, Misconfigured
from doorward.verify import Verifier
from doorward.verify.fetching import MAX_SIZE, Address, FetchFailed, fetch
from tests.verify.key_server import KeyServer, dripping, publishing, saying, serving
from tests.verify.parties import Clock, Issuer

PARTY = Issuer()
JWKS = json.dumps(PARTY.keys.to_jwks()).encode()


def address_of(server: KeyServer) -> Address:
    """Allow plain HTTP to this machine, for the tests."""
    return Address.of(f"{server.url}/keys", allow_http_on_loopback=True)


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "data:application/json,{}",
        "ftp://auth.example/keys",
        "gopher://auth.example/",
        "unix:/run/x",
        "javascript:1",
        "http://auth.example/keys",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/keys",
        "http://127.0.0.1.evil.example/keys",
        "http://localhost.evil.example/keys",
        "http://127.0.0.1@evil.example/keys",
        "//auth.example/keys",
        "auth.example/keys",
        "",
        "https://",
        "https:///keys",
        "https://user:password@auth.example/keys",
        "https://auth.example/keys#fragment",
        "https://auth.example/keys?x=1",
        "https://auth.example:0/keys",
        "https://auth.example:99999/keys",
        "https://auth.example:x/keys",
        "https://[::1/keys",
        "https://auth.example\\@evil.example/",
        "https://auth.example/keys\r\nHost: evil",
        "https://auth.example/ke ys",
        "https://auth.exämple/keys",
    ],
)
def test_only_a_plain_https_address_is_accepted(url: str, allowed: bool) -> None:
    """At construction, so that a slip stops the start; what is allowed for this machine helps nobody else."""
    with pytest.raises(Misconfigured):
        Verifier(issuer="https://auth.example", jwks_url=url, allow_http_on_loopback=allowed)


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.0.0.1/", "http://[::1]/", "http://127.1.2.3/"])
def test_plain_http_to_this_machine_must_be_allowed(url: str) -> None:
    """In so many words."""
    assert not Address.of(url, allow_http_on_loopback=True).secure
    with pytest.raises(Misconfigured, match="not https"):
        Address.of(url, allow_http_on_loopback=False)


def test_an_http_issuer_is_refused_unless_its_keys_are_given() -> None:
    """Who fetches over plain HTTP believes whoever is in between."""
    with pytest.raises(Misconfigured):
        Verifier(issuer="http://auth.example")


def test_defaults_of_an_address() -> None:
    """Port 443 and the root, unless said."""
    assert Address.of("https://auth.example", allow_http_on_loopback=False) == Address("auth.example", 443, "/", True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """Not even to the same server."""
    with serving(publishing(PARTY.keys)) as target:
        location = f"{target.url}/keys"
        with serving(saying(status, b"", Location=location)) as server, pytest.raises(FetchFailed, match="status"):
            fetch(address_of(server))

        assert target.asked == []


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 404, 500, 503])
def test_only_200_is_an_answer(status: int) -> None:
    """Whatever the body says."""
    with serving(saying(status, b"" if status in (204, 304) else JWKS)) as server, pytest.raises(FetchFailed):
        fetch(address_of(server))


def test_a_large_answer_is_cut_off() -> None:
    """64 KiB are more than a key set needs."""
    with serving(saying(200, b" " * MAX_SIZE)) as server:
        assert len(fetch(address_of(server))) == MAX_SIZE
    with serving(saying(200, b" " * (MAX_SIZE + 1))) as server, pytest.raises(FetchFailed, match="too large"):
        fetch(address_of(server))


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
    ],
)
def test_a_dripping_server_is_cut_off(first: bytes) -> None:
    """A byte now and again does not make the time start anew, in no part of the answer."""
    with serving(dripping(first)) as server:
        started = time.monotonic()

        with pytest.raises(FetchFailed):
            fetch(address_of(server), time_limit=0.2)

        assert time.monotonic() - started < 5


def test_a_handshake_that_never_ends_is_cut_off() -> None:
    """TLS has time-outs of its own kind: bytes that mean nothing."""
    with serving(dripping(b"")) as server:
        address = Address("localhost", server.port, "/", secure=True)

        with pytest.raises(FetchFailed):
            fetch(address, time_limit=0.2)


def test_a_silent_server_is_left() -> None:
    """One that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(FetchFailed):
        fetch(Address("127.0.0.1", silent.getsockname()[1], "/", secure=False), time_limit=0.1)


def test_a_closed_door_is_a_failure() -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]

    with pytest.raises(FetchFailed):
        fetch(Address("127.0.0.1", port, "/", secure=False))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"\xef\xbb\xbf" + JWKS,
        b'{"keys": 7}',
        b'{"keys": [7]}',
        b'{"keys": [], "keys": []}',
        b'{"keys": [{}]}',
        b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "a", "alg": "HS256"}]}',
        b"[" * 60_000,
        json.dumps({"keys": [PARTY.key.public.to_jwk()] * 2}).encode(),
        json.dumps({"keys": [{**PARTY.key.public.to_jwk(), "kid": str(n)} for n in range(100)]}).encode(),
        b"<html>",
    ],
)
def test_an_answer_that_is_no_key_set_is_none(body: bytes) -> None:
    """It neither crashes nor replaces anything."""
    with serving(saying(200, body)) as server:
        verifier = Verifier(issuer=server.url, clock=Clock(), allow_http_on_loopback=True, follow_revocations=False)

        with pytest.raises(KeysUnavailable):
            verifier.check(Issuer(server.url, PARTY.key).token())


def test_a_bad_answer_keeps_the_good_keys() -> None:
    """A broken proxy in between does not lock everybody out."""
    clock = Clock()
    with serving(publishing(PARTY.keys)) as server:
        party = Issuer(server.url, PARTY.key)
        verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True, follow_revocations=False)
        verifier.check(party.token())
        server.behaviour = saying(200, b"<html>captive portal</html>")
        clock.now += 400

        verifier.check(party.token())
        assert verifier._fetched is not None
        if (flight := verifier._fetched._flight) is not None:
            flight.result(10)

        assert verifier.check(party.token()).subject == "acc_one"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the settings reads the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(publishing(PARTY.keys)) as server:
        assert fetch(address_of(server)) == JWKS
