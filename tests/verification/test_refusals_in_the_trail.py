"""Every secret from a mail that is refused leaves one line in the trail, without the secret (ASVS 16.3.1)."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from doorward.hooks import ChallengeRefused
from doorward.settings import Limits, Settings
from doorward.verification.flows import Answer
from doorward.verification.model import ChallengeInvalid
from tests.support.house import House, open_house
from tests.support.life import ADA, OTHER_PASSWORD, sign_up
from tests.support.mailbox import Mailbox, letter, mailing

BRINGING = {
    "verify": ("/v1/email/verify", {}),
    "reset": ("/v1/password/reset", {"new_password": OTHER_PASSWORD}),
    "sign_in": ("/v1/login/link/redeem", {}),
    "undo": ("/v1/email/undo", {}),
    "invite": ("/v1/invitations/accept", {"password": OTHER_PASSWORD}),
}
UNKNOWN = {"challenge": "chl_aaaaaaaaaaaaaaaaaaaaaaaaaa", "code": "12345678"}


async def refusals(house: House) -> list[tuple[str | None, Any]]:
    """Read who the refusals in the trail are about, and what else they say."""
    lines = await house.auth._database.fetch_all(
        "SELECT account_id, detail FROM audit_event WHERE event = 'challenge.refused' ORDER BY id"
    )
    return [(line["account_id"], json.loads(line["detail"])) for line in lines]


@pytest.mark.parametrize("purpose", BRINGING)
@pytest.mark.parametrize("answer", [UNKNOWN, {"token": "dwp_nonsense"}], ids=["code", "token"])
async def test_what_nobody_was_sent_leaves_one_line(mailing_house: House, purpose: str, answer: dict[str, str]) -> None:
    """It is about nobody, says what the secret was brought back for, and is told to subscribers."""
    house = mailing_house
    told: list[ChallengeRefused] = []
    house.auth.events.subscribe(ChallengeRefused, told.append)
    path, members = BRINGING[purpose]

    response = await house.client.post(path, json={**answer, **members})

    assert response.json()["code"] == "challenge_invalid"
    assert await refusals(house) == [(None, {"purpose": purpose})]
    assert told == [ChallengeRefused(purpose=purpose)]


async def test_a_wrong_code_and_a_used_link_name_the_account(mailing_house: House) -> None:
    """Its owner sees in the own trail that somebody tried."""
    house = mailing_house
    account = await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    mail = await letter(house)
    path, members = BRINGING["reset"]
    wrong = {"challenge": mail.code["challenge"], "code": f"{(int(mail.code['code'].replace(' ', '')) + 1) % 10**8:08}"}

    await house.client.post(path, json={**wrong, **members})
    await house.client.post(path, json={**mail.token, **members})
    await house.client.post(path, json={**mail.token, **members})

    assert await refusals(house) == [(account["id"], {"purpose": "reset"})] * 2


async def test_an_expired_link_leaves_a_line(mailing_house: House) -> None:
    """Though nothing was tried: somebody has an old mail."""
    house = mailing_house
    account = await sign_up(house)
    await house.client.post("/v1/login/link", json={"login": ADA})
    mail = await letter(house)
    house.clock.advance(house.auth.settings.verification.sign_in_lifetime)

    await house.client.post("/v1/login/link/redeem", json=mail.token)

    assert await refusals(house) == [(account["id"], {"purpose": "sign_in"})]


async def test_a_link_that_is_overtaken_by_a_new_password_leaves_a_line(mailing_house: House) -> None:
    """The mail was asked for before the password was changed."""
    house = mailing_house
    account = await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    mail = await letter(house)
    await house.auth._database.write(house.auth.passwords.setting(account["id"], hashed="x", now=house.clock()))
    path, members = BRINGING["reset"]

    await house.client.post(path, json={**mail.token, **members})

    assert await refusals(house) == [(account["id"], {"purpose": "reset"})]


async def test_a_network_that_goes_on_fills_no_disk(settings: Settings) -> None:
    """Its tries are counted first: what is refused by the limit writes no line."""
    bounded = replace(mailing(settings), limits=Limits(per_network=3))
    async with open_house(bounded, mailer=Mailbox()) as house:
        answers = [(await house.client.post("/v1/email/verify", json=UNKNOWN)).status_code for _ in range(5)]

        assert answers == [400] * 3 + [429] * 2
        assert len(await refusals(house)) == 3


async def test_a_host_in_process_has_no_network_and_is_not_counted(mailing_house: House) -> None:
    """It counts its own callers; what is refused is in the trail all the same."""
    house = mailing_house

    with pytest.raises(ChallengeInvalid):
        await house.auth.life.addresses.verify(Answer(token="dwv_nonsense"))
    sent = await house.auth.life.recovery.forgot(ADA)

    assert sent.challenge.startswith("chl_")
    assert await refusals(house) == [(None, {"purpose": "verify"})]
