"""The plain HTTP listener: pages are pointed to HTTPS, everything else is refused, nothing is kept open."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.serving.listening import Address
from doorward.serving.redirect import MAX_HEAD_BYTES, RedirectListener, decide

ORIGIN = "https://auth.example.com"
Send = Callable[[bytes], Awaitable[bytes]]


def ask(method: str, target: str, **headers: str) -> Any:
    """Decide about one request."""
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return decide(method.encode(), target.encode(), fields, origin=ORIGIN, mount_path="/auth")


@pytest.mark.parametrize(
    "target", ["/", "/login", "/login?return_to=%2F", "//evil.example/x", "/.well-known/acme-challenge/x"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pages_are_pointed_to_the_same_path_at_the_origin(method: str, target: str) -> None:
    """308, so that no method is ever changed; the origin is the configured one, whatever the path looks like."""
    answer = ask(method, target, host="evil.example", accept="text/html")

    assert answer.status == 308
    assert dict(answer.headers)[b"location"] == (ORIGIN + target).encode()


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/v1/me", {}),
        ("GET", "/auth/v1/me", {}),
        ("GET", "/.well-known/jwks.json", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/health/live", {}),
        ("GET", "/login", {"accept": "application/json"}),
        ("GET", "/login", {"content_type": "application/problem+JSON"}),
    ],
)
def test_programs_are_told_instead_of_redirected(method: str, target: str, headers: dict[str, str]) -> None:
    """A redirect would hide for ever that an ``http://`` address is configured somewhere (ASVS 4.1.2)."""
    answer = ask(method, target, **headers)

    assert answer.status == 400
    assert json.loads(answer.body)["code"] == "https_required"
    assert b"location" not in dict(answer.headers)


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("POST", "/v1/login", {}),
        ("POST", "/login", {"content_type": "application/x-www-form-urlencoded"}),
        ("DELETE", "/", {}),
        ("GET", "/", {"authorization": "Bearer x"}),
        ("GET", "/account", {"cookie": "a=b"}),
    ],
)
def test_whatever_may_carry_a_credential_is_refused_and_called_burnt(
    method: str, target: str, headers: dict[str, str]
) -> None:
    """It has crossed the network in clear, and the caller must know."""
    answer = ask(method, target, **headers)

    assert answer.status == 400
    assert "sent in clear" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "evil.example:443", "@evil.example"])
def test_a_target_that_is_no_path_is_malformed(target: str) -> None:
    """Otherwise ``@evil.example`` would turn the origin into a user name."""
    answer = ask("GET", target)

    assert answer.status == 400
    assert json.loads(answer.body)["code"] == "malformed_request"


def test_an_answer_to_head_has_no_body() -> None:
    """RFC 9110 section 9.3.2."""
    assert ask("HEAD", "/v1/me").body == b""


@given(
    target=st.binary(max_size=60),
    name=st.sampled_from([b"host", b"accept", b"x-forwarded-host"]),
    value=st.binary(max_size=40),
)
def test_no_request_leads_anywhere_else(target: bytes, name: bytes, value: bytes) -> None:
    """Whatever is sent, the target is the configured origin or there is none."""
    answer = decide(b"GET", target, [(name, value)], origin=ORIGIN)

    location = dict(answer.headers).get(b"location")
    assert location is None or location.startswith(ORIGIN.encode() + b"/")


@pytest.fixture
async def send() -> AsyncIterator[Send]:
    """A listener that waits for nobody; the fixture sends bytes and returns everything that is answered."""
    listener = RedirectListener(origin=ORIGIN, head_timeout=0.3, linger=0.2, max_connections=4)
    address = Address("127.0.0.1", 0)
    await listener.start(address.listener())

    async def _send(data: bytes) -> bytes:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
            try:
                writer.write(data)
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    yield _send
    await listener.stop()


async def test_a_page_is_redirected_over_the_wire_and_the_connection_closed(send: Send) -> None:
    """One request a connection."""
    answer = await send(b"GET /login HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 308")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer


async def test_answers_have_the_headers_of_every_answer_but_hsts(send: Send) -> None:
    """Finding 11 of the review; over plain HTTP a server must not say HSTS (RFC 6797 section 7.2)."""
    for head in (b"GET /login HTTP/1.1\r\nHost: x\r\n", b"GET /v1/me HTTP/1.1\r\nHost: x\r\n"):
        answer = await send(head + b"X-Request-Id: from-the-caller\r\n\r\n")

        assert b"x-request-id: from-the-caller\r\n" in answer
        assert b"x-content-type-options: nosniff\r\n" in answer
        assert b"strict-transport-security" not in answer


async def test_a_refusal_arrives_although_a_body_was_not_read(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    """Closing on unread input would reset the connection, and the caller would never know why."""
    head = b"POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"

    answer = await send(head + b"canary-password" + b"x" * 60000)

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"sent in clear" in answer
    assert "canary-password" not in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 60 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 2 * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\r\nSet-Cookie: x HTTP/1.1\r\n\r\n",
    ],
    ids=["a TLS handshake", "a head too long", "two hosts", "no host", "a header in the target"],
)
async def test_what_is_no_request_is_malformed(data: bytes, send: Send) -> None:
    """Bounded and strict, by h11."""
    answer = await send(data)

    assert answer.startswith(b"HTTP/1.1 400")
    assert b"malformed_request" in answer


async def test_a_peer_that_says_nothing_is_dropped(send: Send) -> None:
    """After the time for a head, without an answer."""
    assert await send(b"") == b""


async def test_a_peer_that_leaves_is_no_error(send: Send) -> None:
    """Port scanners do that all day."""
    assert await send(b"GET / HT") == b""


async def test_a_peer_that_ends_its_side_first_is_no_error() -> None:
    """An end of file in the middle of a head."""
    listener = RedirectListener(origin=ORIGIN)
    address = Address("127.0.0.1", 0)
    await listener.start(address.listener())
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)

    writer.write_eof()

    assert await reader.read() == b""
    writer.close()
    await listener.stop()


async def test_stopping_before_starting_is_safe() -> None:
    """A start may fail half-way."""
    await RedirectListener(origin=ORIGIN).stop()
