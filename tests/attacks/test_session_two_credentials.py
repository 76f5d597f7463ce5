"""Two credentials in one request: which one counts differs from reader to reader, so none does (RFC 6750 §3.1)."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import JSON, OURS, bearer, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")

LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}


@pytest.mark.parametrize("dead", ["neither", "token", "cookie"])
async def test_a_cookie_and_a_bearer_token_together_are_refused(house: House, dead: str) -> None:
    """Whether they are the same person's or not, live or not: 400 at every operation that needs a caller."""
    pair = await house.enter()
    entered = await post(house.auth, "/v1/login", LOGIN)
    held = entered.values(b"set-cookie")[0].partition(b";")[0]
    headers = [
        bearer("a.b.c" if dead == "token" else pair["access_token"]),
        cookie(b"__Host-doorward=dead" if dead == "cookie" else held),
        OURS,
        JSON,
    ]

    for operation in house.auth.operations():
        if not operation.needs_caller:
            continue
        answer = await call(
            house.auth, operation.method, operation.path.replace("{id}", pair["session_id"]), headers=headers
        )

        assert (answer.status, answer.code) == (400, "invalid_request"), operation.path
    assert (await house.me(pair["access_token"])).status_code == 200


@pytest.mark.parametrize("second", [b"Bearer x", b"Basic YTpi", b"", b"Bearer "])
async def test_two_authorization_headers_are_refused(house: House, second: bytes) -> None:
    """A proxy may read the first and we the second."""
    pair = await house.enter()
    own = bearer(pair["access_token"])

    for headers in ([own, (b"authorization", second)], [(b"authorization", second), own], [own, own]):
        answer = await call(house.auth, "GET", "/v1/me", headers=headers)

        assert (answer.status, answer.code) == (400, "invalid_request")


async def test_a_basic_credential_beside_a_cookie_is_two(house: House) -> None:
    """Whatever the scheme: a browser that was tricked into sending one is not asked which it meant."""
    await house.register()
    entered = await post(house.auth, "/v1/login", LOGIN)
    held = entered.values(b"set-cookie")[0].partition(b";")[0]

    answer = await call(house.auth, "GET", "/v1/me", headers=[cookie(held), (b"authorization", b"Basic YTpi")])

    assert answer.status == 400


async def test_logging_out_with_two_credentials_ends_neither(house: House) -> None:
    """It is not clear whose session is meant."""
    pair = await house.enter()
    entered = await post(house.auth, "/v1/login", LOGIN)
    held = entered.values(b"set-cookie")[0].partition(b";")[0]

    answer = await post(house.auth, "/v1/logout", {}, cookie(held), bearer(pair["access_token"]), OURS)

    assert answer.status == 400
    assert (await house.me(pair["access_token"])).status_code == 200
    assert (await call(house.auth, "GET", "/v1/me", headers=[cookie(held)])).status == 200
