"""Asking to change one's address to somebody else's, to learn whether that is known here (ASVS 6.3.8).

Whoever has an account may ask as often as the limits let them, and reads their own mail, trail and export.
"""

from typing import Any

import pytest

from tests.support.house import House, bearer
from tests.support.life import ADA, NEW, sign_up
from tests.support.mailbox import letter, letters

GRACE = "grace@example.test"
NOBODY = "nobody@example.test"


async def _ask(house: House, token: str, address: str) -> None:
    answer = await house.client.post("/v1/me/email", json={"new_email": address}, headers=bearer(token))
    assert answer.status_code == 202


@pytest.mark.parametrize("address", [GRACE, NOBODY])
async def test_a_later_wish_ends_an_earlier_one_whoever_has_the_address(mailing_house: House, address: str) -> None:
    """Otherwise the earlier link tells, by being good still, that the later address belongs to somebody."""
    house = mailing_house
    await sign_up(house, GRACE)
    await sign_up(house)
    token = (await house.log_in())["access_token"]
    await _ask(house, token, NEW)
    earlier = await letter(house, NEW)

    await _ask(house, token, address)

    assert (await house.client.post("/v1/email/verify", json=earlier.token)).status_code == 400


async def test_a_copy_of_the_data_does_not_tell(mailing_house: House) -> None:
    """It has the wish, and nothing of what came of it at the other end."""
    house = mailing_house
    await sign_up(house, GRACE)
    account = await sign_up(house)
    token = (await house.log_in())["access_token"]

    copies: list[Any] = []
    for address in (GRACE, NOBODY):
        await _ask(house, token, address)
        held = await house.auth.life.leaving.export(str(account["id"]))
        copies.append(
            {
                "wish": [each["purpose"] for each in held["challenges"] if each["address"] == address],
                "mails": [each["letter"] for each in held["mails"]],
            }
        )

    assert copies[0]["wish"] == copies[1]["wish"] == ["change"]
    assert set(copies[0]["mails"]) == set(copies[1]["mails"])


async def test_sending_it_again_does_not_bother_who_has_the_address_with_a_link(mailing_house: House) -> None:
    """The answer is the same, and the owner of the address, who was told once, gets nothing to click on."""
    house = mailing_house
    await sign_up(house, GRACE)
    await sign_up(house)
    token = (await house.log_in())["access_token"]
    wish = await house.client.post("/v1/me/email", json={"new_email": GRACE}, headers=bearer(token))
    told = len(await letters(house, GRACE))

    again = await house.client.post("/v1/email/verify/resend", json={"challenge": wish.json()["challenge"]})

    assert again.status_code == 202
    assert len(await letters(house, GRACE)) == told


async def test_the_secret_of_such_a_wish_proves_nothing(mailing_house: House) -> None:
    """Nobody is ever sent it; somebody who guesses it has guessed in vain."""
    house = mailing_house
    await sign_up(house, GRACE)
    await sign_up(house)
    token = (await house.log_in())["access_token"]
    wish = await house.client.post("/v1/me/email", json={"new_email": GRACE}, headers=bearer(token))
    revealed = await house.auth.life.challenges.reveal(wish.json()["challenge"])
    assert revealed is not None

    answer = await house.client.post("/v1/email/verify", json={"token": revealed.link.partition("#token=")[2]})

    assert (answer.status_code, answer.json()["code"]) == (400, "challenge_invalid")
    assert (await house.me(token)).json()["account"]["email"] == ADA
