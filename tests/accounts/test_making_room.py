"""Whoever proves an address gets it: the account of somebody who only claims it is deleted like any other.

But what an operator prepared for the owner of the address does not vanish for that.
"""

import pytest

from doorward.db import statement
from doorward.hooks import AccountDeleted
from tests.support.house import PASSWORD, House, bearer
from tests.support.life import NEW, sign_up
from tests.support.mailbox import Letter, letter, letters


async def _wish(house: House) -> Letter:
    """Ask for the address that somebody else claims."""
    await sign_up(house)
    pair = await house.log_in()
    await house.client.post("/v1/me/email", json={"new_email": NEW}, headers=bearer(pair["access_token"]))
    return await letter(house, NEW)


async def _claim(house: House) -> str:
    """Register with it and prove nothing."""
    await house.client.post("/v1/accounts", json={"email": NEW, "password": PASSWORD})
    (found,) = await house.auth._database.fetch_all("SELECT id FROM account WHERE email = :email", email=NEW)
    return str(found["id"])


async def test_the_deletion_is_in_the_trail_and_told(mailing_house: House) -> None:
    """Under a pseudonym there, and by the id that programs know to whoever listens."""
    house = mailing_house
    claiming = await _claim(house)
    told: list[AccountDeleted] = []
    house.auth.events.subscribe(AccountDeleted, told.append)
    mail = await _wish(house)

    moved = await house.client.post("/v1/email/verify", json=mail.token)

    lines = await house.auth._database.fetch_all(
        "SELECT account_id, event FROM audit_event WHERE account_id = :id OR account_id LIKE 'ano_%' ORDER BY id",
        id=claiming,
    )
    assert moved.json()["account"]["email"] == NEW
    assert told == [AccountDeleted(account_id=claiming)]
    assert [line["event"] for line in lines] == ["account.registered", "audit.pseudonymised", "account.deleted"]
    assert len({line["account_id"] for line in lines} - {claiming}) == 1
    assert claiming not in {line["account_id"] for line in lines}


@pytest.mark.parametrize("state", ["roles = '[\"admin\"]'", "disabled_at = 1"])
async def test_what_an_operator_has_prepared_or_disabled_does_not_give_way(mailing_house: House, state: str) -> None:
    """The address is taken, as it is where its owner has come already."""
    house = mailing_house
    claiming = await _claim(house)
    mail = await _wish(house)
    await house.auth._database.write(
        statement(f"UPDATE account SET {state} WHERE id = :id", id=claiming),
    )

    answer = await house.client.post("/v1/email/verify", json=mail.token)

    assert (answer.status_code, answer.json()["code"]) == (409, "login_taken")
    assert (await house.auth.accounts.find(claiming)).email == NEW
    assert len(await letters(house, NEW)) == 2


async def test_roles_that_are_given_meanwhile_hold_too(mailing_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and writing: the guard of the deletion stops the whole write."""
    house = mailing_house
    claiming = await _claim(house)
    mail = await _wish(house)
    leaving = house.auth.life.leaving
    telling = leaving._telling

    async def slowly(event: AccountDeleted) -> object:
        await house.auth.accounts.set_roles(claiming, ("admin",))
        return await telling(event)

    monkeypatch.setattr(leaving, "_telling", slowly)
    answer = await house.client.post("/v1/email/verify", json=mail.token)

    assert answer.json()["code"] == "challenge_invalid"
    assert (await house.auth.accounts.find(claiming)).roles == ("admin",)
