"""``POST /v1/introspect``: RFC 7662, member by member."""

import pytest

from doorward.db import statement
from doorward.settings import Limits
from tests.support.asking import FORM, Asking, asking, basic
from tests.support.house import ORIGIN, House, bearer
from tests.support.raw import OURS, call, cookie, post

INACTIVE = b'{"active":false}'


async def test_an_active_access_token_is_described(house: House, billing: Asking) -> None:
    """Every standard member that applies, and what RFC 9068 adds."""
    pair = await house.enter()
    account = pair["account"]

    answer = await billing.introspect(pair["access_token"])

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    jti = answer.json()["jti"]
    assert answer.json() == {
        "active": True,
        "token_use": "access",
        "token_type": "Bearer",
        "iss": ORIGIN,
        "aud": ORIGIN,
        "sub": account["id"],
        "username": "ada@example.test",
        "client_id": "doorward",
        "jti": jti,
        "iat": house.clock.now,
        "exp": house.clock.now + 600,
        "sid": pair["session_id"],
        "auth_time": house.clock.now,
        "amr": ["pwd"],
        "email_verified": False,
    }


async def test_roles_and_name_are_those_of_now(house: House, billing: Asking) -> None:
    """A token that was issued before says the old ones; the answer does not."""
    pair = await house.enter()
    await house.auth.accounts.set_roles(pair["account"]["id"], ("admin",))
    await house.auth.accounts.update(pair["account"]["id"], username="ada")

    answer = (await billing.introspect(pair["access_token"])).json()

    assert answer["roles"] == ["admin"]
    assert answer["username"] == "ada"


async def test_an_exchanged_token_is_active_as_long_as_its_cookie_session(house: House, billing: Asking) -> None:
    """Tokens of browsers are asked about in the same way."""
    await house.register()
    entered = await post(
        house.auth, "/v1/login",
        {"login": "ada@example.test", "password": "correct horse battery staple", "transport": "cookie"},
    )  # fmt: skip
    held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])
    token = (await call(house.auth, "POST", "/v1/token/exchange", headers=[held, OURS])).json["access_token"]
    assert (await billing.introspect(token)).json()["active"] is True

    await call(house.auth, "POST", "/v1/logout", headers=[held, OURS])

    assert (await billing.introspect(token)).content == INACTIVE


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", "pct%20"])
async def test_a_hint_changes_nothing(house: House, billing: Asking, hint: str) -> None:
    """RFC 7662 section 2.1: the search goes on where the hint was wrong."""
    pair = await house.enter()

    assert (await billing.introspect(pair["access_token"], token_type_hint=hint)).json()["active"] is True


async def test_a_refresh_token_is_active_for_who_may_ask_for_it(house: House) -> None:
    """With its own members; there is no token type, because it opens nothing itself."""
    backend = await asking(house, "backend", may=("introspect-refresh",))
    pair = await house.enter()

    answer = (await backend.introspect(pair["refresh_token"])).json()

    settings = house.auth.settings.tokens
    assert answer["active"] is True
    assert answer["token_use"] == "refresh"
    assert "token_type" not in answer
    assert "jti" not in answer
    assert answer["sub"] == pair["account"]["id"]
    assert answer["exp"] == house.clock.now + settings.refresh_idle_lifetime


async def test_a_refresh_token_is_no_business_of_other_services(house: House, billing: Asking) -> None:
    """Nobody takes one for an access token because somebody said "active"."""
    pair = await house.enter()

    assert (await billing.introspect(pair["refresh_token"])).content == INACTIVE


async def test_a_spent_refresh_token_is_inactive(house: House) -> None:
    """After the replay window; asking is no use, so the family lives on."""
    backend = await asking(house, "backend", may=("introspect-refresh",))
    pair = await house.enter()
    following = (await house.refresh(pair["refresh_token"])).json()
    house.clock.advance(house.auth.settings.tokens.replay_window + 1)

    assert (await backend.introspect(pair["refresh_token"])).content == INACTIVE
    assert (await backend.introspect(following["refresh_token"])).json()["active"] is True


async def test_an_ended_session_is_inactive_at_once_whoever_ended_it(house: House, billing: Asking) -> None:
    """Access and refresh token alike, also when another node wrote it and this one has not heard of it yet."""
    backend = await asking(house, "backend", may=("introspect-refresh",))
    pair = await house.enter()
    await house.auth._database.write(
        statement("UPDATE session SET ended_at = :now WHERE id = :id", now=house.clock.now, id=pair["session_id"])
    )

    assert (await billing.introspect(pair["access_token"])).content == INACTIVE
    assert (await backend.introspect(pair["refresh_token"])).content == INACTIVE


async def test_a_disabled_account_is_inactive_at_once(house: House, billing: Asking) -> None:
    """Also when only the account's row says so."""
    backend = await asking(house, "backend", may=("introspect-refresh",))
    pair = await house.enter()
    await house.auth._database.write(statement("UPDATE account SET disabled_at = :now", now=house.clock.now))

    assert (await billing.introspect(pair["access_token"])).content == INACTIVE
    assert (await backend.introspect(pair["refresh_token"])).content == INACTIVE


async def test_a_deleted_account_is_inactive(house: House, billing: Asking) -> None:
    """Its sessions are gone with it."""
    pair = await house.enter()
    await house.auth._database.write(statement("DELETE FROM account"))

    assert (await billing.introspect(pair["access_token"])).content == INACTIVE


async def test_an_expired_token_is_inactive_to_the_second(house: House, billing: Asking) -> None:
    """No leeway is given by who wrote the time itself."""
    pair = await house.enter()
    house.clock.advance(599)
    assert (await billing.introspect(pair["access_token"])).json()["active"] is True

    house.clock.advance(1)

    assert (await billing.introspect(pair["access_token"])).content == INACTIVE


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "dwr_x", "dws_x", "dwk_x", "é", "x" * 10_000, "eyJ.eyJ.x", "null", " "]
)
async def test_what_is_no_token_is_inactive_and_no_error(house: House, billing: Asking, token: str) -> None:
    """RFC 7662 section 2.2: nothing more is said."""
    answer = await billing.introspect(token)

    assert answer.status_code == 200
    assert answer.content == INACTIVE


async def test_a_request_without_a_token_is_an_error_in_oauth_format(house: House, billing: Asking) -> None:
    """Also with an empty one, which RFC 6749 section 3.2 calls absent."""
    for body in ("", "token=", "token_type_hint=access_token"):
        answer = await house.client.post("/v1/introspect", content=body, headers={**billing.basic, **FORM})

        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"error": "invalid_request", "error_description": "The parameter 'token' is required."}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("token=a&token=b", FORM, 400),
        ("token=%zz", FORM, 400),
        ("token=%ff", FORM, 400),
        ("token=a%00", FORM, 400),
        ("token", FORM, 400),
        ("=x", FORM, 400),
        ("&".join(f"p{number}=x" for number in range(40)), FORM, 400),
        ("token=" + "x" * 20_000, FORM, 413),
        ("token=" + "x" * 80_000, FORM, 413),
        ('{"token": "x"}', {"Content-Type": "application/json"}, 415),
        ("token=x", {}, 415),
    ],
)
async def test_a_body_is_read_strictly(
    house: House, billing: Asking, body: str, headers: dict[str, str], status: int
) -> None:
    """What two readers could understand differently is refused, in OAuth's format."""
    answer = await house.client.post("/v1/introspect", content=body, headers={**billing.basic, **headers})

    assert answer.status_code == status
    assert answer.json()["error"] == "invalid_request"
    assert "www-authenticate" not in answer.headers


async def test_unknown_parameters_are_ignored(house: House, billing: Asking) -> None:
    """RFC 6749 section 3.2; also the media type may say its charset."""
    pair = await house.enter()
    headers = {**billing.basic, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    body = f"client_id=billing&resource=x+y&token={pair['access_token']}"

    answer = await house.client.post("/v1/introspect", content=body, headers=headers)

    assert answer.json()["active"] is True


@pytest.mark.parametrize("header", ["Bearer realm=", "Basic realm="])
async def test_who_is_no_service_gets_a_challenge_of_the_scheme_it_used(house: House, header: str) -> None:
    """RFC 6749 section 5.2 and RFC 6750 section 3."""
    sent = {"Authorization": "Bearer dwk_wrong"} if header.startswith("Bearer") else basic("billing", "dwk_wrong")

    answer = await house.client.post("/v1/introspect", data={"token": "x"}, headers=sent)

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith(header)


async def test_without_a_credential_basic_is_asked_for(house: House) -> None:
    """Nothing of the question is looked at."""
    answer = await house.client.post("/v1/introspect", content="nonsense")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_an_access_token_is_no_service_key(house: House) -> None:
    """Who is logged in may not ask about tokens of others."""
    pair = await house.enter()

    answer = await house.client.post(
        "/v1/introspect", data={"token": pair["access_token"]}, headers=bearer(pair["access_token"])
    )

    assert answer.status_code == 401


async def test_a_key_that_may_not_is_told_so(house: House) -> None:
    """RFC 6749 section 5.2."""
    sweeper = await asking(house, "sweeper", may=("revoke",))

    answer = await sweeper.introspect("x")

    assert answer.status_code == 400
    assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("member", ["client_secret", "client_assertion"])
async def test_two_ways_of_authentication_are_refused(house: House, billing: Asking, member: str) -> None:
    """RFC 6749 section 2.3: not more than one in a request."""
    answer = await billing.introspect("x", **{member: billing.key})

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_a_key_and_a_cookie_are_two_credentials(house: House, billing: Asking) -> None:
    """Refused like everywhere, in the format of this endpoint."""
    answer = await house.client.post(
        "/v1/introspect", data={"token": "x"}, headers={**billing.basic, "Cookie": "__Host-doorward=x"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_only_post_is_known(house: House, billing: Asking) -> None:
    """A token in a URL would be in every log."""
    answer = await house.client.get("/v1/introspect", params={"token": "x"}, headers=billing.basic)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_many_wrong_keys_are_told_to_wait_in_oauth_format(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with Retry-After."""
    monkeypatch.setattr(house.auth.limiter, "_rules", Limits(per_network=1))
    for _ in range(2):
        answer = await house.client.post("/v1/introspect", data={"token": "x"}, headers=basic("billing", "x"))

    assert answer.status_code == 429
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) > 0
