"""Several processes seal one trail while others write to it."""

from doorward.db import Database
from tests.races.crew import Crew, Place
from tests.support.house import open_house


async def test_sealers_of_several_processes_make_one_chain(crew: Crew, place: Place, database: Database) -> None:
    """Every line gets one position, without gaps, whatever the order of commits; nothing is lost or sealed twice."""
    await crew.run("write_and_seal", place, times=40)

    async with open_house(place.settings()) as house:
        await house.auth.audit.seal_all()
        verdict = await house.auth.audit.verify()

    rows = await database.fetch_all("SELECT position FROM audit_event ORDER BY position")
    assert verdict.faults == ()
    assert [row["position"] for row in rows] == list(range(1, 4 * 40 + 1))
