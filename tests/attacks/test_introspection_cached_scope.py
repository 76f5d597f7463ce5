"""An introspection result remembered under the token alone: Oathkeeper CVE-2021-32701.

There the answer for one scope was given for another. Here every question is answered for the one who asks, at the
moment of asking, and nobody on the way may keep the answer.
"""

import pytest

from tests.support.asking import asking
from tests.support.house import House

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("first", ["ours", "other"])
async def test_the_same_token_is_answered_for_who_asks(house: House, first: str) -> None:
    """Active for its audience and inactive for another, whoever asked first."""
    services = {
        "ours": await asking(house, "ours"),
        "other": await asking(house, "other", audience="https://other.example"),
    }
    pair = await house.enter()

    order = [first, *(name for name in services if name != first)] * 2
    answers = [(name, (await services[name].introspect(pair["access_token"])).json()) for name in order]

    assert [answer["active"] for _, answer in answers] == [name == "ours" for name, _ in answers]
    assert all(answer == {"active": False} for name, answer in answers if name == "other")


async def test_nobody_may_keep_an_answer(house: House) -> None:
    """Neither the active nor the inactive one."""
    service = await asking(house)
    pair = await house.enter()

    for token in (pair["access_token"], "x"):
        assert (await service.introspect(token)).headers["cache-control"] == "no-store"


async def test_an_answer_is_as_young_as_the_question(house: House) -> None:
    """Asked before and after the log-out."""
    service = await asking(house)
    pair = await house.enter()
    assert (await service.introspect(pair["access_token"])).json()["active"] is True

    await house.client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})

    assert (await service.introspect(pair["access_token"])).content == b'{"active":false}'
