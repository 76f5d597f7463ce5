"""OpenStack Keystone CVE-2012-5563, CVE-2020-12692: a token was exchanged for a younger one without end."""

import pytest

from doorward.jose.jwt import decode
from tests.support.house import House, bearer

pytestmark = pytest.mark.usefixtures("quick")

DAY = 86_400


async def test_no_chain_of_refreshes_lives_longer_than_its_first_deadline(house: House) -> None:
    """A family that is used every day ends thirty days after the log-in, to the second."""
    tokens = house.auth.settings.tokens
    pair = await house.enter()
    born = house.clock.now
    promised = []
    while house.clock.now < born + tokens.refresh_lifetime - DAY:
        house.clock.advance(DAY)
        pair = (await house.refresh(pair["refresh_token"])).json()
        promised.append(house.clock.now + pair["refresh_expires_in"])
    house.clock.now = born + tokens.refresh_lifetime - 1

    last = await house.refresh(pair["refresh_token"])
    house.clock.advance(1)
    late = await house.refresh(last.json()["refresh_token"])

    assert max(promised) <= born + tokens.refresh_lifetime
    assert last.status_code == 200
    assert last.json()["refresh_expires_in"] == 1
    assert late.status_code == 401


async def test_an_access_token_does_not_outlive_the_family(house: House) -> None:
    """Shortly before the deadline the access token is shorter, too."""
    tokens = house.auth.settings.tokens
    pair = await house.enter()
    deadline = house.clock.now + tokens.refresh_lifetime
    for _ in range(2):
        house.clock.advance(tokens.refresh_idle_lifetime - 1)
        pair = (await house.refresh(pair["refresh_token"])).json()
    house.clock.now = deadline - 60

    last = (await house.refresh(pair["refresh_token"])).json()

    claims = decode(last["access_token"], house.auth.keys.published, typ="at+jwt").claims
    assert last["expires_in"] == 60
    assert claims["exp"] == deadline


async def test_a_family_that_is_not_used_ends_earlier(house: House) -> None:
    """Idle for fourteen days: the same public answer as for any other dead token."""
    pair = await house.enter()
    house.clock.advance(house.auth.settings.tokens.refresh_idle_lifetime)

    answer = await house.refresh(pair["refresh_token"])

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_grant")


async def test_a_refresh_does_not_make_the_log_in_fresher(house: House) -> None:
    """``auth_time`` and ``amr`` say when and how the person proved themselves, not the program (RFC 9068 §2.2.1)."""
    pair = await house.enter()
    entered_at = house.clock.now
    house.clock.advance(3600)

    second = (await house.refresh(pair["refresh_token"])).json()

    claims = decode(second["access_token"], house.auth.keys.published, typ="at+jwt").claims
    assert claims["auth_time"] == entered_at
    assert claims["iat"] == house.clock.now


async def test_an_access_token_cannot_be_exchanged_for_another(house: House) -> None:
    """Exchanging is for cookies: a bearer token, however live, yields no other token."""
    pair = await house.enter()

    answer = await house.client.post("/v1/token/exchange", headers=bearer(pair["access_token"]))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_the_token_of_an_exchange_ends_with_its_session(house: House) -> None:
    """A cookie session near its end gives access tokens that end with it."""
    await house.register()
    login = {"login": "ada@example.test", "password": "correct horse battery staple", "transport": "cookie"}
    await house.browser.post("/v1/login", json=login)
    sessions = house.auth.settings.sessions
    ends = house.clock.now + sessions.lifetime
    while house.clock.now < ends - 3600:
        house.clock.advance(3600)
        await house.browser.get("/v1/me")
    house.clock.now = ends - 10

    answer = await house.browser.post("/v1/token/exchange")

    assert answer.json()["expires_in"] == 10
