"""Forwarded headers forged by a client: to look like somebody else, to look like HTTPS, or to break a parser.

ASVS 4.1.3; authentik CVE-2024-47070 (an unparsable X-Forwarded-For became a way past the password); Oathkeeper
CVE-2026-33494 (X-Forwarded-Proto believed from everybody).
"""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doorward.serving.proxy import ForwardedHeaders

PROXY = "10.0.0.5"
INNER = "10.0.0.6"
STRANGER = "203.0.113.9"
CLIENT = "198.51.100.7"
ORIGIN = "https://auth.example.com"
Headers = list[tuple[str, str]]


class Seen:
    """What the app was told, or what was answered instead."""

    scope: dict[str, Any] | None = None
    status: int = 0
    body: Any = None

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}


async def ask(
    headers: Headers,
    *,
    peer: str | None = PROXY,
    required: bool = True,
    method: str = "GET",
    path: str = "/v1/me",
    kind: str = "http",
    version: str = "2",
) -> Seen:
    """Send one request through the middleware."""
    seen = Seen()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.scope = scope

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        seen.status = message.get("status", message.get("code", seen.status))
        seen.headers.update(message.get("headers", ()))
        if message.get("body"):
            seen.body = json.loads(message["body"])

    scope = {
        "type": kind,
        **({"method": method} if kind == "http" else {}),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"x=1",
        "scheme": "http",
        "http_version": version,
        "client": (peer, "40000") if peer else None,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    middleware = ForwardedHeaders(app, trusted=[PROXY, INNER, "fd00::/64"], required=required, origin=ORIGIN)
    await middleware(scope, receive, send)
    return seen


def client(seen: Seen) -> str | None:
    """The client that the app saw."""
    return seen.scope["client"][0] if seen.scope else None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("x-forwarded-for", CLIENT)], CLIENT),
        ([("X-Forwarded-For", f"1.2.3.4, {CLIENT}")], CLIENT),
        ([("x-forwarded-for", f"garbage, {CLIENT}")], CLIENT),
        ([("x-forwarded-for", f"{CLIENT}, {INNER}")], CLIENT),
        ([("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", CLIENT)], CLIENT),
        ([("x-forwarded-for", f"{CLIENT}:5678")], CLIENT),
        ([("x-forwarded-for", f"::ffff:{CLIENT}")], CLIENT),
        ([("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1"),
        ([("x-forwarded-for", "[2001:db8::1]")], "2001:db8::1"),
        ([("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        ([("x-forwarded-for", INNER)], INNER),
        ([("forwarded", f"for={CLIENT};proto=https")], CLIENT),
        ([("forwarded", f'for=1.2.3.4, For="{CLIENT}:99"')], CLIENT),
        ([("forwarded", 'for="[2001:db8::1]:443"')], "2001:db8::1"),
        ([("forwarded", f"for={CLIENT}"), ("x-forwarded-for", f"1.1.1.1, {CLIENT}")], CLIENT),
        ([], PROXY),
    ],
)
async def test_the_client_is_the_rightmost_address_that_is_no_proxy(headers: Headers, expected: str) -> None:
    """What is further left is the client's own invention."""
    seen = await ask(headers)

    assert client(seen) == expected
    assert seen.scope is not None
    assert seen.scope["scheme"] == "https"


@pytest.mark.parametrize(
    "headers",
    [
        [("x-forwarded-for", "garbage")],
        [("x-forwarded-for", "")],
        [("x-forwarded-for", f"{CLIENT},")],
        [("x-forwarded-for", "unknown")],
        [("x-forwarded-for", "1.2.3.4.5")],
        [("x-forwarded-for", "fe80::1%eth0")],
        [("x-forwarded-for", f"{CLIENT}:port")],
        [("x-forwarded-for", f"{CLIENT}:999999")],
        [("x-forwarded-for", "[2001:db8::1]x")],
        [("x-forwarded-for", "[2001:db8::1")],
        [("x-forwarded-for", "１.2.3.4")],
        [("forwarded", "for")],
        [("forwarded", f"for={CLIENT};for={CLIENT}")],
        [("forwarded", f'for="{CLIENT}')],
        [("forwarded", "for=_hidden")],
        [("forwarded", "proto=https")],
        [("x-forwarded-for", CLIENT), ("forwarded", "for=1.2.3.4")],
        [("x-forwarded-for", CLIENT), ("forwarded", "by=x")],
        [("x-forwarded-proto", "javascript")],
        [("x-forwarded-proto", "")],
        [("x-forwarded-proto", "https"), ("forwarded", f"for={CLIENT};proto=http"), ("x-forwarded-for", CLIENT)],
    ],
)
async def test_what_cannot_be_believed_is_refused(headers: Headers) -> None:
    """Never an exception, never a guess: 400, and the app is not asked."""
    seen = await ask([(name, value.encode("utf-8").decode("latin-1")) for name, value in headers])

    assert seen.scope is None
    assert (seen.status, seen.body["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("peer", [STRANGER, "::1", "not an address", None])
async def test_behind_a_proxy_strangers_are_refused(peer: str | None) -> None:
    """Whatever they claim."""
    seen = await ask([("x-forwarded-for", PROXY)], peer=peer)

    assert seen.scope is None
    assert (seen.status, seen.body["code"]) == (403, "proxy_required")


@pytest.mark.parametrize("peer", ["fd00::1", f"::ffff:{PROXY}"])
async def test_a_proxy_is_known_by_network_and_in_the_mapped_form(peer: str) -> None:
    """A dual-stack socket shows IPv4 peers as ``::ffff:…``."""
    seen = await ask([("x-forwarded-for", CLIENT)], peer=peer)

    assert client(seen) == CLIENT


async def test_over_https_a_strangers_headers_are_dropped() -> None:
    """The app sees who really asks, and none of the headers, in whatever spelling."""
    forged = [
        ("X-FORWARDED-FOR", CLIENT), ("forwarded", "for=1.2.3.4"), ("x-real-ip", CLIENT), ("x-forwarded-host", "evil"),
        ("x-forwarded-proto", "http"), ("x-forwarded-prefix", "/x"), ("true-client-ip", CLIENT), ("accept", "*/*"),
    ]  # fmt: skip

    seen = await ask(forged, peer=STRANGER, required=False)

    assert seen.scope is not None
    assert client(seen) == STRANGER
    assert seen.scope["headers"] == [(b"accept", b"*/*")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/login", [], 308),
        ("GET", "/v1/me", [], 400),
        ("POST", "/login", [], 400),
        ("GET", "/login", [("cookie", "__Host-doorward=x")], 400),
    ],
)
async def test_what_reached_the_proxy_in_clear_is_treated_like_on_the_plain_listener(
    method: str, path: str, headers: Headers, status: int
) -> None:
    """A proxy that listens on port 80 too must not become the way round HTTPS."""
    seen = await ask([*headers, ("x-forwarded-proto", "https, http")], method=method, path=path)

    assert seen.scope is None
    assert seen.status == status


@pytest.mark.parametrize(
    ("peer", "headers"), [(STRANGER, []), (PROXY, [("x-forwarded-for", "rubbish")]), (PROXY, [("host", "a")] * 2)]
)
async def test_a_refusal_has_the_headers_of_every_answer(peer: str, headers: Headers) -> None:
    """Finding 11 of the review: it never reaches the layer that adds them."""
    seen = await ask([*headers, ("x-request-id", "from-the-proxy")], peer=peer)

    assert seen.headers[b"x-request-id"] == b"from-the-proxy"
    assert seen.headers[b"strict-transport-security"].startswith(b"max-age=31536000")
    assert seen.headers[b"cache-control"] == b"no-store"
    assert seen.headers[b"x-content-type-options"] == b"nosniff"


async def test_what_came_in_clear_is_told_nothing_of_hsts() -> None:
    """RFC 6797 section 7.2; everything else is there."""
    seen = await ask([("x-forwarded-proto", "http")], path="/login")

    assert b"strict-transport-security" not in seen.headers
    assert len(seen.headers[b"x-request-id"]) == 16
    assert seen.headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", ["a"], 0),
        ("1.1", [], 400),
        ("1.1", [""], 400),
        ("1.1", ["a", "a"], 400),
        ("1.1", ["a", ""], 400),
        ("1.0", [], 0),
        ("1.0", [""], 0),
        ("1.0", ["a", "b"], 400),
        ("2", [], 0),
        ("2", ["a", "b"], 400),
    ],
)
@pytest.mark.parametrize("required", [False, True])
async def test_a_request_has_one_host(version: str, hosts: list[str], status: int, required: bool) -> None:
    """Finding 12 of the review, RFC 9112 section 3.2: who stands in front may have looked at the other one."""
    seen = await ask([("Host", host) for host in hosts], version=version, required=required)

    assert (seen.scope is None, seen.status) == (bool(status), status)


async def test_a_query_string_survives_the_redirect_and_may_be_missing() -> None:
    """As on the plain listener."""
    middleware = ForwardedHeaders(lambda *_: None, trusted=[PROXY], required=True, origin=ORIGIN)  # type: ignore[arg-type, return-value]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/login", "client": (PROXY, 1)}
    await middleware({**scope, "headers": [(b"x-forwarded-proto", b"http")]}, None, send)

    assert (b"location", b"https://auth.example.com/login") in sent[0]["headers"]


async def test_lifespan_passes_untouched() -> None:
    """The middleware only knows requests."""
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope)

    await ForwardedHeaders(app, trusted=[], required=True, origin=ORIGIN)({"type": "lifespan"}, None, None)

    assert passed == [{"type": "lifespan"}]


@given(
    name=st.sampled_from(["x-forwarded-for", "forwarded", "x-forwarded-proto"]),
    value=st.text(alphabet=st.characters(max_codepoint=255), max_size=60),
)
@example(name="x-forwarded-for", value="," * 60)
@example(name="forwarded", value=";,=" * 20)
async def test_no_header_raises_and_none_reaches_the_app(name: str, value: str) -> None:
    """Whatever is sent: a client address, or 400."""
    seen = await ask([(name, value)])

    assert seen.status in (0, 400, 308)
    assert seen.scope is None or not seen.scope["headers"]


async def test_a_very_long_chain_is_bounded() -> None:
    """Only the right end was written by somebody we know, so only that is read."""
    seen = await ask([("x-forwarded-for", "1.2.3.4," * 100_000 + CLIENT)])

    assert client(seen) == CLIENT


@pytest.mark.parametrize(
    ("headers", "peer"),
    [([], STRANGER), ([("x-forwarded-proto", "http")], PROXY), ([("x-forwarded-for", "garbage")], PROXY)],
)
async def test_a_handshake_is_held_to_the_same_rules(headers: Headers, peer: str) -> None:
    """A WebSocket past the proxies, or in clear, is closed before the app hears of it."""
    seen = await ask(headers, peer=peer, kind="websocket")

    assert (seen.scope, seen.status) == (None, 1008)


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_a_handshake_through_the_proxy_tells_the_truth(scheme: str) -> None:
    """Who asks, and that it came over TLS."""
    seen = await ask([("x-forwarded-for", CLIENT), ("x-forwarded-proto", scheme)], kind="websocket")

    assert client(seen) == CLIENT
    assert seen.scope is not None
    assert seen.scope["scheme"] == "wss"
