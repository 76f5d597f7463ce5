"""Refreshing over HTTP: rotation, the replay window, reuse, deadlines."""

import pytest
from msgspec.structs import replace

from doorward.core.source import Source
from doorward.db import statement
from doorward.hooks import RefreshTokenReused
from doorward.settings import DAY, Settings
from tests.support.house import House, bearer, open_house


async def test_a_refresh_gives_the_bearer_answer_without_the_account(house: House) -> None:
    """Exactly the members of the contract."""
    pair = await house.enter()

    answer = await house.refresh(pair["refresh_token"])

    assert set(answer.json()) == {
        "token_type",
        "access_token",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "session_id",
    }
    assert answer.json()["session_id"] == pair["session_id"]


async def test_a_lost_reply_can_be_asked_for_again(house: House) -> None:
    """Within the window everybody gets the same successor."""
    pair = await house.enter()

    answers = [(await house.refresh(pair["refresh_token"])).json() for _ in range(3)]
    house.clock.advance(30)
    late = (await house.refresh(pair["refresh_token"])).json()

    assert len({answer["refresh_token"] for answer in [*answers, late]}) == 1
    assert len({answer["access_token"] for answer in answers}) == 3


async def test_a_spent_token_after_the_window_ends_the_session(house: House) -> None:
    """The thief and the owner are both out, the host hears of it, the trail remembers (RFC 9700 §4.14.2)."""
    pair = await house.enter()
    heard: list[RefreshTokenReused] = []
    house.auth.events.subscribe(RefreshTokenReused, heard.append)
    successor = (await house.refresh(pair["refresh_token"])).json()
    house.clock.advance(31)

    reuse = await house.refresh(pair["refresh_token"])
    again = await house.refresh(pair["refresh_token"])

    assert reuse.json()["code"] == again.json()["code"] == "invalid_grant"
    assert (await house.refresh(successor["refresh_token"])).status_code == 401
    assert (await house.me(successor["access_token"])).status_code == 401
    assert [event.session_id for event in heard] == [pair["session_id"]]
    rows = await house.auth._database.fetch_all("SELECT event FROM audit_event WHERE event = 'token.reused'")
    assert len(rows) == 1


async def test_reuse_that_somebody_else_has_just_punished_is_refused_quietly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thieves at once: the second finds the session ended."""
    pair = await house.enter()
    await house.refresh(pair["refresh_token"])
    house.clock.advance(31)
    family = await house.auth.tokens.family_of(pair["refresh_token"])
    assert family is not None
    await house.auth.tokens._end_family(family, now=house.clock.now, source=Source())
    heard: list[RefreshTokenReused] = []
    house.auth.events.subscribe(RefreshTokenReused, heard.append)

    await house.auth.tokens._end_family(family, now=house.clock.now, source=Source())

    assert heard == []


async def test_a_family_that_is_not_used_ends(house: House) -> None:
    """Fourteen days idle; each use begins them anew."""
    pair = await house.enter()
    house.clock.advance(14 * DAY - 1)
    used = (await house.refresh(pair["refresh_token"])).json()
    house.clock.advance(14 * DAY)

    answer = await house.refresh(used["refresh_token"])

    assert answer.json()["code"] == "invalid_grant"


async def test_no_refresh_extends_the_first_deadline(house: House) -> None:
    """Thirty days after the log-in the last successor and its access tokens have ended (Keystone CVE-2012-5563)."""
    token = (await house.enter())["refresh_token"]
    for _ in range(3):
        house.clock.advance(10 * DAY - 100)
        answer = (await house.refresh(token)).json()
        token = answer["refresh_token"]

    assert answer["refresh_expires_in"] == 300
    assert answer["expires_in"] == 300
    house.clock.advance(300)
    assert (await house.refresh(token)).status_code == 401


async def test_the_claims_of_an_access_token(house: House) -> None:
    """RFC 9068 §2.2, with the session, the roles and the state of the address."""
    account = await house.register()
    await house.auth.accounts.set_roles(account["id"], ("staff",))
    await house.auth._database.write(
        statement("UPDATE account SET email_verified_at = :now WHERE id = :id", now=1, id=account["id"])
    )
    pair = await house.log_in()

    principal = house.auth.verifier.check(pair["access_token"])

    assert principal.subject == account["id"]
    assert principal.session_id == pair["session_id"]
    assert principal.client_id == "doorward"
    assert principal.expires_at - principal.issued_at == pair["expires_in"] == 600
    assert principal.auth_time == house.clock.now
    assert principal.amr == ("pwd",)
    assert principal.roles == {"staff"}
    assert principal.email_verified is True
    assert principal.scope == frozenset()


async def test_a_family_may_have_a_scope(house: House) -> None:
    """Its access tokens carry it."""
    pair = await house.enter()
    await house.auth._database.write(statement("UPDATE token_family SET scope = :scope", scope="read write"))

    refreshed = (await house.refresh(pair["refresh_token"])).json()

    assert house.auth.verifier.check(refreshed["access_token"]).scope == {"read", "write"}


@pytest.mark.parametrize(
    "token", ["", "dwr_", "dws_" + "A" * 75, "dwr_" + "A" * 75, "dwr_" + "A" * 9000, "x.y.z" * 200]
)
async def test_a_forged_token_costs_no_database_work(house: House, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused by its MAC, before anything is asked."""

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    for name in ("fetch_one", "fetch_all", "write"):
        monkeypatch.setattr(house.auth._database, name, never)

    answer = await house.refresh(token)

    assert answer.json()["code"] == "invalid_grant"


async def test_a_restored_backup_is_not_taken_for_theft(house: House) -> None:
    """The database is older than the token: the owner logs in again, and the session is not ended."""
    pair = await house.enter()
    second = (await house.refresh(pair["refresh_token"])).json()
    await house.auth._database.write(statement("UPDATE token_family SET generation = 1"))

    answer = await house.refresh(second["refresh_token"])

    assert answer.status_code == 401
    assert (await house.me(pair["access_token"])).status_code == 200


async def test_the_lifetimes_are_settings(settings: Settings) -> None:
    """Of access tokens, here."""
    tokens = replace(settings.tokens, access_lifetime=60)
    async with open_house(replace(settings, tokens=tokens)) as house:
        pair = await house.enter()
        house.clock.advance(60 + 5)

        assert pair["expires_in"] == 60
        assert (await house.client.get("/v1/me", headers=bearer(pair["access_token"]))).status_code == 401
