"""Using the way to the log-in page to send somebody elsewhere.

Flask-Security-Too CVE-2023-49438, better-auth GHSA-vp58-j275-797x, Zitadel CVE-2026-29067 (a link made from the Host
header).
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.verify import Guard
from tests.verify.parties import Issuer, ask, exchange, run, scope_of

BROWSER = {"accept": "text/html"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Is never reached here."""
    raise AssertionError("came in")


GUARD = Guard(application, Issuer().verifier(), login_url="/login")


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "//evil.example/%2e%2e",
        "///evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "/./%2fevil.example",
        "/%2fevil.example",
        "/..//evil.example",
    ],
)
async def test_no_path_becomes_another_host(target: str) -> None:
    """A path that somebody could read as a host is not carried along."""
    answered = await ask(GUARD, target, headers=BROWSER)

    assert (answered.status, answered.headers["location"]) == (302, "/login")


@pytest.mark.parametrize(
    "forged",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-forwarded-prefix": "//evil.example"},
        {"forwarded": "host=evil.example"},
        {"referer": "https://evil.example/"},
        {"origin": "https://evil.example"},
    ],
)
async def test_no_header_makes_the_address(forged: dict[str, str]) -> None:
    """The address is the configured one and the path."""
    answered = await ask(GUARD, "/me", headers=BROWSER | forged)

    assert answered.headers["location"] == "/login?return_to=/me"


@pytest.mark.parametrize("root_path", ["//evil.example", "/\\evil.example", "https://evil.example"])
async def test_a_strange_mount_point_makes_no_address(root_path: str) -> None:
    """Should a proxy header ever get into it."""
    sent = await exchange(GUARD, scope_of(b"/me", headers=BROWSER, root_path=root_path))

    assert (b"location", b"/login") in sent[0]["headers"]


@given(path=st.text(max_size=60), query=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_a_browser_always_comes_back_to_this_origin(path: str, query: bytes) -> None:
    """Property: one parameter, an absolute path, the same query, and nothing that ends a header line."""
    scope = scope_of(b"/", headers=BROWSER) | {"path": "/" + path, "query_string": query}

    sent = run(exchange(GUARD, scope))

    location = dict(sent[0]["headers"])[b"location"].decode("ascii")
    assert location.isprintable()
    parts = urlsplit(location)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("", "", "/login", "")
    parameters = parse_qs(parts.query, keep_blank_values=True)
    assert set(parameters) <= {"return_to"}
    for target in parameters.get("return_to", []):
        assert target.startswith("/")
        assert not target.startswith(("//", "/\\"))
        assert target.isascii()
        assert target.isprintable()
