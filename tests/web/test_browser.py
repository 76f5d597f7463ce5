"""Cookies as they are sent, and where requests come from."""

import pytest

from doorward.errors import CrossSiteRequest
from doorward.web.browser import HOST_COOKIE, LOOPBACK_COOKIE, check_same_origin

ORIGIN = "https://auth.example.test"


def test_the_cookie_is_found_among_others() -> None:
    """In one header or in several, as HTTP/2 sends them."""
    headers = [(b"cookie", b"a=1; __Host-doorward=x ;b=2"), (b"accept", b"*/*"), (b"cookie", b"c=3")]

    assert HOST_COOKIE.values(headers) == ["x"]
    assert LOOPBACK_COOKIE.values(headers) == []


def test_the_cookie_is_set_for_this_host_alone() -> None:
    """Secure, HttpOnly, no domain, lax (RFC 6265bis)."""
    assert HOST_COOKIE.set("v", max_age=None) == "__Host-doorward=v; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert HOST_COOKIE.clear() == "__Host-doorward=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"


@pytest.mark.parametrize(
    ("method", "headers", "lenient", "passes"),
    [
        ("GET", {}, False, True),
        ("HEAD", {"sec-fetch-site": "cross-site"}, False, True),
        ("POST", {"sec-fetch-site": "same-origin"}, False, True),
        ("POST", {"sec-fetch-site": "none"}, False, True),
        ("POST", {"sec-fetch-site": "same-site"}, False, False),
        ("POST", {"sec-fetch-site": "cross-site", "origin": ORIGIN}, False, False),
        ("POST", {"sec-fetch-site": ""}, False, False),
        ("POST", {"origin": ORIGIN}, False, True),
        ("POST", {"origin": "https://evil.test"}, False, False),
        ("POST", {"origin": "null"}, False, False),
        ("POST", {"origin": ORIGIN + ".evil.test"}, False, False),
        ("POST", {}, False, False),
        ("DELETE", {}, False, False),
        ("POST", {}, True, True),
        ("POST", {"origin": "https://evil.test"}, True, False),
        ("POST", {"sec-fetch-site": "cross-site"}, True, False),
    ],
)
def test_unsafe_methods_come_from_this_origin(
    method: str, headers: dict[str, str], lenient: bool, passes: bool
) -> None:
    """Fetch Metadata first, then Origin; nothing at all is refused, unless there is no cookie yet."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    if passes:
        check_same_origin(method, raw, origin=ORIGIN, lenient=lenient)
    else:
        with pytest.raises(CrossSiteRequest):
            check_same_origin(method, raw, origin=ORIGIN, lenient=lenient)
