"""A sibling domain tosses in a cookie that looks like ours (PortSwigger "Cookie Chaos", Hono CVE-2026-39410).

The browser keeps ``__Host-`` names to the host; a parser that is more generous about names gives that away again. The
rows are those of ``security.md`` section 5, as raw bytes.
"""

import itertools

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import OURS, Answer, call, cookie

pytestmark = pytest.mark.usefixtures("quick")

NAME = b"__Host-doorward"


async def _log_in(house: House, email: str) -> bytes:
    await house.register(email)
    answer = await house.client.post("/v1/login", json={"login": email, "password": PASSWORD, "transport": "cookie"})
    house.client.cookies.clear()
    return bytes(answer.headers["set-cookie"].partition(";")[0].partition("=")[2], "ascii")


async def _me(house: House, *cookies: bytes) -> Answer:
    return await call(house.auth, "GET", "/v1/me", headers=[cookie(value) for value in cookies])


LOOKALIKES = [
    b"\xa0" + NAME,
    b"\x85" + NAME,
    b"\x0b" + NAME,
    b"\x0c" + NAME,
    b"\x00" + NAME,
    b"\x1c" + NAME,
    b"\xe2\x80\x80" + NAME,
    NAME + b"\x09",
    NAME + b"\xa0",
    NAME + b" ",
    NAME + b"\0",
    NAME.upper(),
    NAME.lower(),
    b"__HOST-doorward",
    b"__Host-Doorward",
    b"__Secure-doorward",
    b"doorward",
    b'"' + NAME + b'"',
    b"$" + NAME,
    b"%5f%5fHost-doorward",
    b"=" + NAME,
    b"x=" + NAME,
    NAME + b".x",
    NAME + b"[]",
    NAME[:-1],
]


async def test_a_name_that_only_looks_like_ours_is_not_ours(house: House) -> None:
    """The value is genuine, but under a name that the browser does not protect: nobody is logged in."""
    value = await _log_in(house, "eve@example.test")

    for name in LOOKALIKES:
        answer = await _me(house, name + b"=" + value)

        assert (answer.status, answer.code) == (401, "invalid_token"), name


async def test_a_tossed_lookalike_does_not_replace_the_genuine_one(house: House) -> None:
    """Before or after the genuine cookie, the other is somebody else's and is not read."""
    own, eves = await _log_in(house, "ada@example.test"), await _log_in(house, "eve@example.test")

    for name in LOOKALIKES:
        genuine, tossed = NAME + b"=" + own, name + b"=" + eves
        for header in (tossed + b"; " + genuine, genuine + b"; " + tossed):
            answer = await _me(house, header)

            assert answer.json["account"]["email"] == "ada@example.test", name


async def test_two_cookies_of_the_name_log_nobody_in_and_are_cleared(house: House) -> None:
    """Nobody can tell which one is genuine, even if both are the same."""
    own, eves = await _log_in(house, "ada@example.test"), await _log_in(house, "eve@example.test")
    pairs = ((own, eves), (eves, own), (own, own), (own, b""), (b"", own))

    for between, (first, second) in itertools.product((b"; ", b";", b";\t", b"; ; ", b"; other=1; "), pairs):
        answer = await _me(house, NAME + b"=" + first + between + NAME + b"=" + second)

        assert (answer.status, answer.code) == (401, "session_ended")
        assert answer.values(b"set-cookie")[0].startswith(NAME + b"=;")


async def test_two_cookie_headers_are_one_list(house: House) -> None:
    """HTTP/2 may split the header (RFC 9113 §8.2.3): doubled over two of them is doubled."""
    own, eves = await _log_in(house, "ada@example.test"), await _log_in(house, "eve@example.test")

    split = await _me(house, b"other=1", NAME + b"=" + own)
    doubled = await _me(house, NAME + b"=" + own, NAME + b"=" + eves)

    assert split.status == 200
    assert doubled.status == 401


NO_VALUES = [
    b'x="a; ' + NAME + b'=VALUE"',
    b"$Version=1; " + NAME + b'="VALUE"; $Path="/"',
    NAME + b'="VALUE"',
    NAME + b"=VALUE, " + NAME + b"=VALUE",
    NAME + b"=VALUE=",
    NAME + b"= VALUE",
    NAME + b"=VALUE%20",
    NAME + b"=%44%57",
    NAME,
    NAME + b"=",
    NAME + b"==VALUE",
]


async def test_values_are_taken_as_they_are(house: House) -> None:
    """No quotes are taken off, nothing is decoded: what is not exactly the value is no value."""
    value = await _log_in(house, "ada@example.test")

    for header in NO_VALUES:
        answer = await _me(house, header.replace(b"VALUE", value))

        assert answer.status == 401, header


async def test_the_old_syntax_with_version_does_not_hide_our_cookie(house: House) -> None:
    """``$Version`` switched parsers of other frameworks into another grammar; here it is a cookie like any other."""
    value = await _log_in(house, "ada@example.test")

    answer = await _me(house, b"$Version=1; " + NAME + b"=" + value + b"; $Path=/")

    assert answer.status == 200


async def test_a_thousand_cookies_do_not_push_ours_out(house: House) -> None:
    """Jar overflow: however many there are, the one under our name counts."""
    value = await _log_in(house, "ada@example.test")
    crowd = b"; ".join(b"c%d=x" % number for number in range(1000))

    answer = await _me(house, crowd + b"; " + NAME + b"=" + value)

    assert answer.status == 200


async def test_a_tossed_pair_cannot_keep_somebody_from_logging_in_or_out(house: House) -> None:
    """A doubled cookie is nobody's session, and the way to a clean one stays open."""
    await _log_in(house, "ada@example.test")
    eves = await _log_in(house, "eve@example.test")
    tossed = cookie(NAME + b"=" + eves + b"; " + NAME + b"=x")
    body = b'{"login": "ada@example.test", "password": "%s", "transport": "cookie"}' % PASSWORD.encode()

    left = await call(
        house.auth, "POST", "/v1/logout", headers=[tossed, OURS, (b"content-type", b"application/json")], body=b"{}"
    )
    entered = await call(
        house.auth, "POST", "/v1/login", headers=[tossed, OURS, (b"content-type", b"application/json")], body=body
    )

    assert left.status == 204
    assert entered.status == 200
    assert (await _me(house, NAME + b"=" + eves)).status == 200  # it was not the one who asked
