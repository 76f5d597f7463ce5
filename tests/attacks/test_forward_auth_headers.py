"""A header that cannot be parsed becomes a way round: authentik CVE-2024-47070, for the headers that a proxy sends.

Whatever the forwarded headers say, in whatever state, nobody passes without a credential, nothing is a defect, and no
header of ours is ever split.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.serving.proxy import ForwardedHeaders
from tests.support.house import House
from tests.support.raw import bearer, call

pytestmark = pytest.mark.usefixtures("quick")

PROXY = "192.0.2.1"
NAMES = st.sampled_from(
    (b"x-forwarded-method", b"x-forwarded-uri", b"x-forwarded-host", b"x-original-method", b"x-original-uri",
     b"x-original-url", b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", b"accept", b"sec-fetch-mode")
)  # fmt: skip
VALUES = st.binary(max_size=40) | st.sampled_from(
    (b"GET", b"POST", b"/", b"//evil.example", b"/a\r\nx: y", b"/%0d%0aX-Auth-Roles:admin", b"evil.example", b"https",
     b"127.0.0.1", b"text/html", b"navigate", b"/admin", b"/..", b"\xff", b"")
)  # fmt: skip
fuzzing = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@fuzzing
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.booleans())
async def test_no_forwarded_header_lets_anybody_pass(
    house: House, headers: list[tuple[bytes, bytes]], is_listed: bool
) -> None:
    """From a listed proxy or from anybody."""
    app = ForwardedHeaders(house.auth, trusted=[PROXY], required=False, origin=house.auth.settings.origin)

    answer = await call(
        app,
        "GET",
        "/v1/forward-auth",
        headers=[(b"host", b"auth.example.test"), *headers],
        client=(PROXY if is_listed else "198.51.100.7", 1),
    )

    assert answer.status in (301, 302, 307, 308, 400, 401, 403)
    for location in answer.values(b"location"):
        assert location.startswith(b"https://auth.example.test/")
        assert b"\r" not in location
        assert b"\n" not in location
    assert not any(name.startswith(b"x-auth") for name, _ in answer.headers)


@fuzzing
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
async def test_a_token_says_who_it_is_whatever_the_headers_say(
    house: House, headers: list[tuple[bytes, bytes]]
) -> None:
    """The owner of the token, once, or a refusal."""
    if "access" not in house.people:
        house.people["access"] = (await house.enter())["access_token"]
    app = ForwardedHeaders(house.auth, trusted=[PROXY], required=False, origin=house.auth.settings.origin)

    answer = await call(
        app,
        "GET",
        "/v1/forward-auth",
        headers=[(b"host", b"auth.example.test"), bearer(house.people["access"]), *headers],
        client=(PROXY, 1),
    )

    assert answer.status in (200, 301, 308, 400)
    if answer.status == 200:
        assert answer.values(b"x-auth-email") == [b"ada@example.test"]
        assert answer.values(b"x-auth-roles") == [b""]
