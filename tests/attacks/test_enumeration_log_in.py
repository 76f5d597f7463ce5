"""Enumeration: an answer, its length, its headers or its cost tell whether an account exists (ASVS 6.3.8)."""

import itertools

import pytest
from msgspec.structs import replace

from doorward.core.opaque import Opaque, seal
from doorward.db import open_database, statement
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase
from tests.support.house import PASSWORD, House, open_house
from tests.support.raw import OURS, Answer, bearer, call, post

KINDS = {
    "unknown": "nobody@example.test",
    "unknown username": "nobody",
    "known": "ada@example.test",
    "known by username": "ada",
    "disabled": "disabled@example.test",
    "passwordless": "passwordless@example.test",
    "no address at all": "\U0001f600",
}


async def _settle(house: House) -> None:
    await house.register("ada@example.test", username="ada")
    disabled = await house.register("disabled@example.test")
    await house.auth.accounts.disable(disabled["id"])
    passwordless = await house.register("passwordless@example.test")
    await house.auth._database.write(statement("DELETE FROM password WHERE account_id = :id", id=passwordless["id"]))


def _visible(answer: Answer) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Everything a caller sees but the id of the request."""
    return answer.status, answer.body, [pair for pair in answer.headers if pair[0] != b"x-request-id"]


@pytest.mark.parametrize("transport", ["bearer", "cookie"])
async def test_a_wrong_password_is_answered_alike_for_every_kind_of_account(house: House, transport: str) -> None:
    """Status, body and headers are the same bytes."""
    await _settle(house)

    answers = []
    for login in KINDS.values():
        body = {"login": login, "password": "wrong", "transport": transport}
        answers.append(_visible(await post(house.auth, "/v1/login", body, OURS)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401


async def test_a_wrong_password_costs_the_same_for_every_kind_of_account(settings: Settings, database_url: str) -> None:
    """One hash, and the same calls of the database with the same number of statements."""
    aimed = AimedDatabase(open_database(database_url, pool_size=4, timeout=10))
    async with open_house(settings, database=aimed) as house:
        await _settle(house)
        costs = await _costs(house, aimed)

    assert costs == dict.fromkeys(KINDS, (1, ["fetch_one", "write 2", "write 1"]))


async def _costs(house: House, aimed: AimedDatabase) -> dict[str, tuple[int, list[str]]]:
    costs = {}
    for kind, login in KINDS.items():
        before = house.auth.pool.performed
        with aimed.aim():
            await post(house.auth, "/v1/login", {"login": login, "password": "wrong password"})
        costs[kind] = (house.auth.pool.performed - before, aimed.made)
    return costs


async def test_a_right_password_of_a_disabled_account_costs_one_hash_too(house: House) -> None:
    """Telling its owner the reason takes no longer."""
    await _settle(house)
    before = house.auth.pool.performed

    answer = await post(house.auth, "/v1/login", {"login": "disabled@example.test", "password": PASSWORD})

    assert answer.code == "account_disabled"
    assert house.auth.pool.performed - before == 1


async def test_the_limit_is_the_same_for_every_kind_of_account(house: House) -> None:
    """How often one may guess does not tell either: unknown logins are counted like known ones."""
    await _settle(house)
    house.auth.limiter._rules = replace(house.auth.limiter._rules, per_account=2)

    codes = {
        kind: [(await post(house.auth, "/v1/login", {"login": login, "password": "wrong"})).code for _ in range(4)]
        for kind, login in KINDS.items()
    }

    # An address and a username of one account have a count each: one that they shared would tell that they belong.
    assert codes == dict.fromkeys(KINDS, ["invalid_credentials"] * 2 + ["too_many_attempts"] * 2)


async def test_the_limit_holds_however_the_login_is_spelled(house: House) -> None:
    """Letter case and compatibility forms are one login to the counter, as they are to the comparison."""
    await _settle(house)
    house.auth.limiter._rules = replace(house.auth.limiter._rules, per_account=5)
    spellings = ["ada@example.test", "ADA@example.test", "Ada@Example.Test", "ａda@example.test", "ada@EXAMPLE.test"]

    codes = [
        (await post(house.auth, "/v1/login", {"login": login, "password": "wrong"})).code
        for login in itertools.chain(spellings, spellings)
    ]

    assert codes == ["invalid_credentials"] * 5 + ["too_many_attempts"] * 5


async def test_refreshing_and_logging_out_tell_nothing(house: House) -> None:
    """A forged, an unknown and an ended token are refused alike."""
    ended = await house.enter()
    await post(house.auth, "/v1/logout", {"refresh_token": ended["refresh_token"]})
    unknown = seal(house.auth.tokens._ring, "dwr_", Opaque(b"\0" * 16, 1))
    tokens = [ended["refresh_token"], unknown, "dwr_" + "A" * 75, "x"]

    refreshed = [_visible(await post(house.auth, "/v1/token/refresh", {"refresh_token": token})) for token in tokens]
    left = [_visible(await post(house.auth, "/v1/logout", {"refresh_token": token})) for token in tokens]

    assert all(answer == refreshed[0] for answer in refreshed)
    assert all(answer == left[0] for answer in left)
    assert (refreshed[0][0], left[0][0]) == (401, 204)


async def test_somebody_elses_session_is_as_unknown_as_one_that_never_was(house: House) -> None:
    """404 alike, and the other session lives on."""
    theirs = await house.enter("victim@example.test")
    own = await house.enter("eve@example.test")
    answers = [
        _visible(await call(house.auth, "DELETE", f"/v1/me/sessions/{session}", headers=[bearer(own["access_token"])]))
        for session in (theirs["session_id"], "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", "x")
    ]

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 404
    assert (await house.me(theirs["access_token"])).status_code == 200
