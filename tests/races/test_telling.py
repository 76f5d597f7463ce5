"""Several processes tell one receiver."""

from pathlib import Path

from tests.races.crew import Crew, Place
from tests.support.house import open_house
from tests.webhooks.receiver import receiving, telling

MESSAGES = 60


async def test_no_attempt_is_made_by_two_processes(crew: Crew, place: Place, tmp_path: Path) -> None:
    """Each message is claimed by one of them; with a receiver that takes everything it comes once."""
    async with receiving(tmp_path) as receiver:
        async with open_house(telling(place.settings(), receiver)) as house:
            await house.auth.webhooks.add(receiver.url, ["account.profile_changed"])

        await crew.run("tell", place, authority=str(receiver.authority), events=MESSAGES // 4, total=MESSAGES)

    ids = [message.id for message in receiver.received]
    assert len(ids) == len(set(ids)) == MESSAGES
