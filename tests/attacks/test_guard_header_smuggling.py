"""A token anywhere but in one Authorization header (``security.md`` row 42), and malformed credentials.

A token in the query string leaks into logs; two credentials let the one in front see another than the one behind;
Auth.js CVE-2026-73418 crashed on malformed percent-encoding.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.verify import Guard
from tests.verify.parties import Issuer, exchange, run, scope_of

PARTY = Issuer()
TOKEN = PARTY.token()
GOOD = f"Bearer {TOKEN}".encode()
came_in: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Note that somebody has come in."""
    came_in.append(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})


GUARD = Guard(application, PARTY.verifier(), optional=["/shop"])


async def status_of(headers: list[tuple[bytes, bytes]], target: str = "/me") -> int:
    """Ask and return the status."""
    came_in.clear()
    sent = await exchange(GUARD, scope_of(target.encode(), headers=headers))
    assert bool(came_in) == (sent[0]["status"] == 200)
    return int(sent[0]["status"])


async def test_the_token_itself_is_good() -> None:
    """So that the rest of this file is about where it stands."""
    assert await status_of([(b"authorization", GOOD)]) == 200


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "bearer"])
async def test_a_token_in_the_query_string_is_not_seen(name: str) -> None:
    """RFC 9700 section 4.3.2, ASVS 14.2.1."""
    assert await status_of([], f"/me?{name}={TOKEN}") == 401
    assert await status_of([], f"/me?{name}=Bearer%20{TOKEN}") == 401


@pytest.mark.parametrize(
    "name",
    [
        b"x-authorization",
        b"proxy-authorization",
        b"x-access-token",
        b"x-forwarded-authorization",
        b"cookie",
        b"www-authenticate",
    ],
)
async def test_a_token_in_another_header_is_not_seen(name: bytes) -> None:
    """There is one place."""
    assert await status_of([(name, GOOD)]) == 401
    assert await status_of([(name, b"access_token=" + TOKEN.encode())]) == 401


@pytest.mark.parametrize("target", ["/me", "/shop"])
@pytest.mark.parametrize("other", [GOOD, b"Bearer x", b"Basic eDp5", b"", b"garbage"])
async def test_two_credentials_are_ambiguous(other: bytes, target: str) -> None:
    """Whichever comes first, and on optional paths too."""
    assert await status_of([(b"authorization", GOOD), (b"authorization", other)], target) == 400
    assert await status_of([(b"authorization", other), (b"authorization", GOOD)], target) == 400


@pytest.mark.parametrize(
    "value",
    [
        GOOD + b" " + TOKEN.encode(),
        GOOD + b", " + GOOD,
        GOOD + b"," + GOOD,
        GOOD + b";",
        GOOD + b"\t",
        GOOD + b"\n",
        GOOD + b"\x00",
        b" " + GOOD,
        b"Bearer  " + TOKEN.encode(),
        b"Bearer\t" + TOKEN.encode(),
        b"Bearer \xef\xbb\xbf" + TOKEN.encode(),
        b"Bearer " + TOKEN.replace(".", "%2E").encode(),
        b'Bearer "' + TOKEN.encode() + b'"',
        b"Bearer Bearer " + TOKEN.encode(),
    ],
)
async def test_slack_around_a_good_token_is_malformed(value: bytes) -> None:
    """Row 31: one scheme, one space, one token."""
    assert await status_of([(b"authorization", value)]) == 400


@pytest.mark.parametrize(
    "value",
    [
        GOOD + b"=",
        GOOD + b"==",
        b"Bearer +" + TOKEN.encode(),
        b"Bearer " + TOKEN.encode() + b".",
        b"Bearer ." + TOKEN.encode(),
        b"Bearer " + b"a" * 8193,
        b"Bearer " + b"." * 8000,
        b"Token " + TOKEN.encode(),
        b"JWT " + TOKEN.encode(),
        b"Basic " + TOKEN.encode(),
        TOKEN.encode(),
    ],
)
async def test_what_is_well_formed_and_wrong_is_refused(value: bytes) -> None:
    """Nothing is trimmed, repaired or guessed."""
    assert await status_of([(b"authorization", value)]) == 401


@given(value=st.binary(max_size=200) | st.binary(max_size=100).map(lambda noise: b"Bearer " + noise))
@settings(max_examples=300, deadline=None)
def test_no_credential_makes_an_error(value: bytes) -> None:
    """Property: any bytes are answered with 400 or 401."""
    assert run(status_of([(b"authorization", value)])) in (400, 401)


@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_is_forgiven(place: int, byte: int) -> None:
    """Property: a good credential with one byte changed is refused, but for the letter case of the scheme."""
    changed = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]

    answered = run(status_of([(b"authorization", changed)]))

    assert (answered == 200) == (changed[:6].lower() == b"bearer" and changed[6:] == GOOD[6:])
