"""What one process ends, the others refuse a moment later. The moment is printed; the aim is 0.25 s."""

import sys

import pytest

from tests.races.crew import Crew, Place
from tests.support.house import PASSWORD


@pytest.mark.parametrize("how", ["log-out", "keys"])
async def test_a_revocation_in_one_process_is_obeyed_in_the_others(
    crew: Crew, place: Place, engine: str, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """An access token that has not expired is refused everywhere once its session or its key is withdrawn."""
    async with place.open() as (_, client):
        await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD})
        login = {"login": "ada@example.test", "password": PASSWORD}
        pair = (await client.post("/v1/login", json=login)).json()

    _, *seconds = await crew.run("watch", place, token=pair["access_token"], path="/v1/logout", how=how)

    with capsys.disabled():
        sys.stdout.write(f"\n{how} on {engine}: obeyed elsewhere after {max(seconds) * 1000:.0f} ms\n")
    assert len(seconds) == crew.size - 1
