"""``POST /v1/revoke``: RFC 7009."""

import json

import pytest

from tests.support.asking import Asking, asking
from tests.support.house import House


async def test_a_revoked_access_token_is_dead_and_its_session_is_not(house: House, billing: Asking) -> None:
    """That one token, here at once and in the feed; the client refreshes and goes on."""
    pair = await house.enter()

    answer = await billing.revoke(pair["access_token"])

    assert answer.status_code == 200
    assert answer.content == b""
    assert (await house.me(pair["access_token"])).status_code == 401
    following = await house.refresh(pair["refresh_token"])
    assert (await house.me(following.json()["access_token"])).status_code == 200


@pytest.mark.parametrize(("late", "lines"), [(59, 1), (60, 0)])
async def test_a_token_that_has_just_expired_is_revoked_all_the_same(
    house: House, billing: Asking, late: int, lines: int
) -> None:
    """A verifier behind may believe it for another minute (``security.md`` row 35); 200 says that it does not."""
    pair = await house.enter()
    house.clock.advance(600 + late)

    answer = await billing.revoke(pair["access_token"])

    assert answer.status_code == 200
    assert len(await house.auth._database.fetch_all("SELECT id FROM revocation WHERE kind = 'token'")) == lines


async def test_a_revoked_refresh_token_takes_its_access_tokens_along(house: House, billing: Asking) -> None:
    """Its session ends; RFC 7009 section 2.1."""
    pair = await house.enter()
    following = (await house.refresh(pair["refresh_token"])).json()

    answer = await billing.revoke(following["refresh_token"], token_type_hint="refresh_token")

    assert answer.status_code == 200
    for token in (pair["access_token"], following["access_token"]):
        assert (await house.me(token)).status_code == 401
    assert (await house.refresh(following["refresh_token"])).status_code == 401


async def test_other_sessions_go_on(house: House, billing: Asking) -> None:
    """What was not revoked lives."""
    pair = await house.enter()
    other = await house.log_in()

    await billing.revoke(pair["refresh_token"])

    assert (await house.me(other["access_token"])).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "dwr_x", "x" * 9_000])
async def test_an_unknown_token_is_200(house: House, billing: Asking, token: str) -> None:
    """RFC 7009 section 2.2: its purpose is fulfilled already."""
    answer = await billing.revoke(token)

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_dead_token_is_200_and_leaves_no_second_line(house: House, billing: Asking) -> None:
    """Twice the same answer; the trail tells of it once."""
    pair = await house.enter()

    answers = [await billing.revoke(token) for token in [pair["access_token"]] * 2 + [pair["refresh_token"]] * 2]

    assert [answer.status_code for answer in answers] == [200] * 4
    rows = await house.auth._database.fetch_all("SELECT event, detail FROM audit_event WHERE event LIKE 'token.%'")
    assert [json.loads(row["detail"]) for row in rows] == [{"service": "billing"}]


async def test_somebody_who_is_quicker_makes_no_difference(
    house: House, billing: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ended between the look and the write: 200, because it has ended."""
    pair = await house.enter()
    holder = await house.auth.tokens.holder(pair["refresh_token"])

    async def still_there(_token: str) -> object:
        return holder

    await billing.revoke(pair["refresh_token"])
    monkeypatch.setattr(house.auth.tokens, "holder", still_there)

    assert (await billing.revoke(pair["refresh_token"])).status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "nonsense"])
async def test_a_hint_is_only_a_hint(house: House, billing: Asking, hint: str) -> None:
    """RFC 7009 section 2.2: an invalid hint does not influence the answer."""
    pair = await house.enter()

    assert (await billing.revoke(pair["access_token"], token_type_hint=hint)).status_code == 200
    assert (await house.me(pair["access_token"])).status_code == 401


async def test_a_token_of_another_audience_gets_the_same_answer_and_lives(house: House) -> None:
    """Nothing tells whether it was a token at all."""
    stranger = await asking(house, "stranger", audience="https://other.example")
    pair = await house.enter()

    answers = [await stranger.revoke(pair[name]) for name in ("access_token", "refresh_token")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert (await house.me(pair["access_token"])).status_code == 200
    assert (await house.refresh(pair["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["dws_x", "dwk_x"])
async def test_what_is_no_token_of_oauth_is_an_unsupported_type(house: House, billing: Asking, token: str) -> None:
    """RFC 7009 section 2.2.1: cookies are ended by logging out, service keys on the command line."""
    answer = await billing.revoke(token)

    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_token_type"


async def test_revocation_needs_a_key_that_may(house: House) -> None:
    """A service that only asks may not end."""
    reader = await asking(house, "reader", may=("introspect",))
    pair = await house.enter()

    answer = await reader.revoke(pair["access_token"])

    assert answer.json()["error"] == "unauthorized_client"
    assert (await house.me(pair["access_token"])).status_code == 200


async def test_the_metadata_names_what_there_is(house: House) -> None:
    """RFC 8414, as a whole: better-auth GHSA-9h47-pqcx-hjr4 advertised what it should not."""
    origin = house.auth.settings.issuer

    metadata = (await house.client.get("/.well-known/oauth-authorization-server")).json()

    assert metadata == {
        "issuer": origin,
        "jwks_uri": f"{origin}/.well-known/jwks.json",
        "revocations_uri": f"{origin}/v1/revocations",
        "response_types_supported": [],
        "grant_types_supported": [],
        "token_endpoint_auth_methods_supported": [],
        "introspection_endpoint": f"{origin}/v1/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "Bearer"],
        "revocation_endpoint": f"{origin}/v1/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
        "service_documentation": f"{origin}/docs",
    }
