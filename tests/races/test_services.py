"""Several processes make services, take serials and revoke tokens at the same moment."""

import pytest

from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD


async def test_no_serial_is_taken_twice(crew: Crew, place: Place) -> None:
    """One statement takes them, and the first of all chooses the key for everybody."""
    taken = [lease for leases in await crew.run("take_serials", place, times=20) for lease in leases]

    assert sorted(behind for behind, _ in taken) == [10 * (number + 1) for number in range(len(taken))]
    assert len({spread for _, spread in taken}) == 1


async def test_one_name_is_one_service(crew: Crew, place: Place) -> None:
    """The others are told that it is taken."""
    answers = await crew.run("make_service", place, name="billing")

    assert sum(answer.startswith("dwk_") for answer in answers) == 1
    assert {answer for answer in answers if not answer.startswith("dwk_")} == {"service_taken"}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_whoever_revokes_finds_it_dead_in_every_process(crew: Crew, place: Place, kind: str) -> None:
    """200 means dead, also where another process has done it: the next question there says so."""
    async with place.open() as (auth, client):
        _, key = await auth.services.create("billing")
        person = {"email": "ada@example.test", "password": PASSWORD}
        await client.post("/v1/accounts", json=person)
        pair = (await client.post("/v1/login", json={"login": person["email"], "password": PASSWORD})).json()

    answers = await crew.run("revoke_token", place, token=pair[kind], key=key, times=5)

    assert answers == [[200] * 5 + [False]] * len(answers)
