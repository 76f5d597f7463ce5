"""Something ends while others begin: afterwards nothing is alive that should be dead."""

import asyncio

from doorward.db import Database
from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD, House

LOGIN = {"login": "ada@example.test", "password": PASSWORD}


async def test_after_a_log_out_that_raced_refreshes_no_token_is_alive(crew: Crew, place: Place) -> None:
    """Whoever was quicker: an access token that a refresh gave out at that moment is refused, and so is its refresh."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        pairs = [(await client.post("/v1/login", json=LOGIN)).json() for _ in range(6)]

    left, *racers = await crew.run("rotate_or_leave", place, pairs=pairs)

    assert left == [[204]] * 6
    assert {tuple(used) for racer in racers for used in racer} <= {(401, 401)}


async def test_after_disabling_that_raced_log_ins_no_session_is_alive(
    crew: Crew, place: Place, database: Database
) -> None:
    """The log-in takes the lock of the account's row: it is refused, or its session ends with the others."""
    async with place.open() as (_, client):
        account = (await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})).json()[
            "account"
        ]

    _, *racers = await crew.run("enter_or_disable", place, account_id=account["id"], login="ada@example.test")

    assert {tuple(used) for racer in racers for used in racer} <= {(401, 401)}
    assert await database.fetch_all("SELECT id FROM session WHERE ended_at IS NULL") == []


async def test_after_a_password_change_that_raced_log_ins_only_its_own_session_is_alive(
    crew: Crew, place: Place, database: Database
) -> None:
    """A log-in with the old password is refused, or its session ends with the others."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        own = (await client.post("/v1/login", json=LOGIN)).json()

    changed, *racers = await crew.run(
        "enter_or_change", place, login="ada@example.test", access_token=own["access_token"]
    )

    alive = await database.fetch_all("SELECT id FROM session WHERE ended_at IS NULL")
    assert changed == [[204]]
    assert {tuple(used) for racer in racers for used in racer} <= {(401, 401)}
    assert [row["id"] for row in alive] == [own["session_id"]]


async def test_changes_of_username_and_profile_at_once_are_both_kept(
    crew: Crew, place: Place, database: Database
) -> None:
    """What a request does not name it does not write back."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        token = (await client.post("/v1/login", json=LOGIN)).json()["access_token"]

    answers = await crew.run_all("change_halves", place, token=token)

    row = await database.fetch_one("SELECT username, profile FROM account")
    assert set(answers) == {200}
    assert row is not None
    assert (row["username"], row["profile"]) == ("countess", '{"by":"the others"}')


async def test_an_account_that_two_operators_disable_at_once_is_disabled_once(house: House) -> None:
    """The slower one finds what was asked for; the trail has one line."""
    account = await house.register()

    both = await asyncio.gather(*(house.auth.accounts.disable(account["id"]) for _ in range(2)))

    trail = await house.auth._database.fetch_all("SELECT id FROM audit_event WHERE event = 'account.disabled'")
    assert all(disabled.disabled_at is not None for disabled in both)
    assert len(trail) == 1
