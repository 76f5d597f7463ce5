"""One answer to a challenge, sent by many at once."""

from collections import Counter
from dataclasses import replace

from doorward.challenges.model import solve
from doorward.db import Database
from tests.races.crew import Crew, Place


async def test_fifty_parallel_guesses_with_one_answer_are_one_guess(
    crew: Crew, place: Place, database: Database
) -> None:
    """An answer is spent by one guarded INSERT, in the write that counts the try."""
    place = replace(place, per_account=1)
    async with place.open() as (_, client):
        body = {"login": "ada@example.test", "password": "wrong"}
        await client.post("/v1/login", json=body)
        challenge = (await client.post("/v1/login", json=body)).json()["challenge"]
    proof = solve(challenge["token"], bits=challenge["bits"])

    codes = await crew.run_all("answer", place, login="ada@example.test", proof=proof, times=13)

    assert Counter(codes) == {"invalid_credentials": 1, "too_many_attempts": 51}
    assert len(await database.fetch_all("SELECT handle FROM spent_challenge")) == 1
