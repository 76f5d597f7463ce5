"""Many guesses at once."""

from collections import Counter
from dataclasses import replace

from doorward.db import Database
from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD

CROSSWISE = "ada8@example.test"
"""An address whose counter sorts after that of the clients' network."""


async def _register(place: Place) -> None:
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})


async def test_two_hundred_parallel_wrong_passwords_are_all_counted(
    crew: Crew, place: Place, database: Database
) -> None:
    """Keycloak CVE-2024-4629: a counter that is read and then written loses the guesses that come together."""
    await _register(place)

    results = await crew.run("guess", place, login="ada@example.test", times=50)

    row = await database.fetch_one("SELECT failures FROM password")
    tries = await database.fetch_all("SELECT tries FROM allowance ORDER BY tries DESC")
    trail = await database.fetch_all("SELECT id FROM audit_event WHERE event = 'session.refused'")
    assert sum((codes for codes, _ in results), Counter()) == {"invalid_credentials": 200}
    assert row is not None
    assert row["failures"] == 50  # the half of a hundred in a row that strangers may use up
    # The registration counts for the network, the wider one and the instance, and by itself; the guesses for the
    # login and for the login from that network as well.
    assert [row["tries"] for row in tries] == [201, 201, 201, 200, 200, 1]
    assert len(trail) == 200


async def test_of_two_hundred_parallel_guesses_only_as_many_are_hashed_as_the_limit_allows(
    crew: Crew, place: Place, database: Database
) -> None:
    """The try is counted before the hash, by one statement that returns the count: parallelism buys no guess."""
    place = replace(place, per_account=10)
    await _register(place)

    results = await crew.run("guess", place, login="ADA@example.test", times=50)

    row = await database.fetch_one("SELECT failures FROM password")
    assert sum((codes for codes, _ in results), Counter()) == {"invalid_credentials": 10, "too_many_attempts": 190}
    assert sum(performed for _, performed in results) == 10
    assert row is not None
    assert row["failures"] == 10


async def test_right_and_wrong_passwords_at_once_do_not_wait_for_each_other_crosswise(
    crew: Crew, place: Place, database: Database
) -> None:
    """A success and a guess touch the same two counters in the same order, so PostgreSQL has no deadlock to end."""
    login = CROSSWISE
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": login, "password": PASSWORD})

    statuses = await crew.run_all("log_in", place, login=login, times=12)

    assert statuses == [200] * 48
    if database.dialect == "postgresql":
        row = await database.fetch_one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert row is not None
        assert row["deadlocks"] == 0
