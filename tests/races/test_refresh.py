"""One refresh token, spent by many at once."""

from doorward.db import Database
from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD


async def test_fifty_parallel_refreshes_of_several_processes_give_one_successor_and_one_chain(
    crew: Crew, place: Place, database: Database
) -> None:
    """Keycloak CVE-2026-1035, better-auth CVE-2026-53517: a rotation is one statement, so nobody forks the family."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        first = (await client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})).json()

    answers = await crew.run_all("refresh", place, token=first["refresh_token"], times=13)

    rows = await database.fetch_all("SELECT generation, revoked_at FROM token_family")
    assert len(answers) == 52
    assert {status for status, _ in answers} == {200}
    assert len({pair["refresh_token"] for _, pair in answers}) == 1
    assert {pair["session_id"] for _, pair in answers} == {first["session_id"]}
    assert [(row["generation"], row["revoked_at"]) for row in rows] == [(2, None)]


async def test_the_successor_that_every_racer_got_works(crew: Crew, place: Place, database: Database) -> None:
    """Each racer goes on with the same token: the next race moves the family by one again."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        token = (await client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})).json()[
            "refresh_token"
        ]

    for _ in range(3):
        answers = await crew.run_all("refresh", place, token=token, times=4)
        tokens = {pair.get("refresh_token") for _, pair in answers}
        assert len(tokens) == 1
        token = tokens.pop()

    row = await database.fetch_one("SELECT generation FROM token_family")
    assert row is not None
    assert row["generation"] == 4
