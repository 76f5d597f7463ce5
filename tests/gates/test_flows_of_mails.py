"""Every way in that begins with a mail asks the host's gates, and a refusal uses nothing up."""

import pytest

from doorward.errors import Overloaded
from doorward.gates import BeforeLogin, BeforePasswordChange, BeforeRegistration, Refusal, RefusedByPolicy
from doorward.passwords.pool import HashingPool
from tests.support.house import PASSWORD, House
from tests.support.life import ADA, OTHER_PASSWORD, sign_up
from tests.support.mailbox import letter, letters

NO = Refusal("Not today.", "not_today")


def refuse(_question: object) -> Refusal:
    """Let nobody pass."""
    return NO


async def _refusals(house: House) -> list[str]:
    rows = await house.auth._database.fetch_all("SELECT detail FROM audit_event WHERE event = 'gate.refused'")
    return [row["detail"] for row in rows]


async def test_a_registration_is_refused_alike_whether_the_address_is_known_or_not(mailing_house: House) -> None:
    """Before anything is looked up or mailed."""
    house = mailing_house
    await sign_up(house)
    sent = len(await letters(house))
    house.auth.gates.add(BeforeRegistration, refuse)

    answers = [
        await house.client.post("/v1/accounts", json={"email": email, "password": PASSWORD})
        for email in (ADA, "new@example.test")
    ]

    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [(403, "not_today")] * 2
    assert answers[0].json() == answers[1].json()
    assert len(await letters(house)) == sent
    assert len(await _refusals(house)) == 2


async def test_an_invitation_is_refused(mailing_house: House) -> None:
    """An operator is asked like anybody."""
    mailing_house.auth.gates.add(BeforeRegistration, refuse)

    with pytest.raises(RefusedByPolicy):
        await mailing_house.auth.life.recovery.invite(ADA)

    assert await letters(mailing_house) == []


async def test_a_reset_that_is_refused_changes_nothing_and_uses_nothing_up(mailing_house: House) -> None:
    """However often: the code is good for as many tries as before, and the old password is."""
    house = mailing_house
    await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    body = {**(await letter(house)).code, "new_password": OTHER_PASSWORD}
    answers = iter([*[NO] * (house.auth.settings.verification.tries + 1), None])
    house.auth.gates.add(BeforePasswordChange, lambda _: next(answers))

    refused = [
        (await house.client.post("/v1/password/reset", json=body)).status_code
        for _ in range(house.auth.settings.verification.tries + 1)
    ]
    before = (await house.client.post("/v1/login", json={"login": ADA, "password": PASSWORD})).status_code
    reset = await house.client.post("/v1/password/reset", json=body)

    assert (set(refused), before, reset.status_code) == ({403}, 200, 204)


async def test_a_reset_that_finds_the_server_busy_uses_nothing_up(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attack on the hashing does not use up the codes of owners."""
    house = mailing_house
    await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    body = {**(await letter(house)).code, "new_password": OTHER_PASSWORD}

    async def busy(_pool: HashingPool, _password: str) -> str:
        raise Overloaded("the queue is full", retry_after=1)

    with monkeypatch.context() as busily:
        busily.setattr(HashingPool, "hash", busy)
        refused = [
            (await house.client.post("/v1/password/reset", json=body)).status_code
            for _ in range(house.auth.settings.verification.tries + 1)
        ]
    reset = await house.client.post("/v1/password/reset", json=body)

    assert (set(refused), reset.status_code) == ({503}, 204)


async def test_a_log_in_by_mail_that_is_refused_uses_nothing_up(mailing_house: House) -> None:
    """The code is right, and the host says no for another reason, which may pass."""
    house = mailing_house
    await sign_up(house)
    await house.client.post("/v1/login/link", json={"login": ADA})
    code = (await letter(house)).code
    answers = iter([*[NO] * (house.auth.settings.verification.tries + 1), None])
    house.auth.gates.add(BeforeLogin, lambda _: next(answers))

    refused = [
        (await house.client.post("/v1/login/link/redeem", json=code)).status_code
        for _ in range(house.auth.settings.verification.tries + 1)
    ]
    entered = await house.client.post("/v1/login/link/redeem", json=code)

    assert (set(refused), entered.status_code) == ({403}, 200)
