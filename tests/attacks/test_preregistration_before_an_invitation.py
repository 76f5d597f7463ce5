"""A stranger registers an address in advance, so that its owner cannot be invited, or comes into a prepared account.

The invitation takes the account over: the stranger's password, name, profile, mails and sessions are worth nothing.
"""

import pytest

from doorward.db import statement
from doorward.errors import LoginTaken
from doorward.hooks import AccountInvited, Event, RolesChanged
from tests.support.house import PASSWORD, House
from tests.support.life import ADA, OTHER_PASSWORD
from tests.support.mailbox import letter

EVIL = "the attacker knows this one, staple"


async def _prepare(house: House) -> str:
    """Register somebody else's address, twice, with a name and a profile."""
    body = {"email": ADA, "password": EVIL, "username": "evil", "profile": {"name": "Mallory"}}
    await house.client.post("/v1/accounts", json=body)
    await house.client.post("/v1/accounts", json=body)
    (found,) = await house.auth._database.fetch_all("SELECT id FROM account")
    return str(found["id"])


async def _log_in(house: House, password: str) -> int:
    return (await house.client.post("/v1/login", json={"login": ADA, "password": password})).status_code


async def test_the_invitation_takes_the_account_over(mailing_house: House) -> None:
    """With the roles and the name of the invitation, and nothing of the stranger's."""
    house = mailing_house
    account_id = await _prepare(house)
    strangers = await letter(house)

    invited = await house.auth.life.recovery.invite(ADA, roles=("editor",))
    invitation = await letter(house)
    late = await house.client.post("/v1/email/verify", json=strangers.token)
    guessed = await _log_in(house, EVIL)
    accepted = await house.client.post("/v1/invitations/accept", json={**invitation.token, "password": PASSWORD})

    account = accepted.json()["account"]
    assert (invited.id, late.json()["code"], guessed) == (account_id, "challenge_invalid", 401)
    assert (account["username"], account["profile"], account["roles"]) == (None, {}, ["editor"])
    assert [await _log_in(house, password) for password in (EVIL, PASSWORD)] == [401, 200]


async def test_a_session_of_the_strangers_ends(mailing_house: House) -> None:
    """However it came about: it is revoked in the write of the invitation."""
    house = mailing_house
    account_id = await _prepare(house)
    await house.auth._database.write(statement("UPDATE account SET email_verified_at = 1"))
    session = (await house.client.post("/v1/login", json={"login": ADA, "password": EVIL})).json()
    await house.auth._database.write(
        statement("UPDATE account SET email_verified_at = NULL, last_login_at = NULL WHERE id = :id", id=account_id)
    )

    await house.auth.life.recovery.invite(ADA)

    assert (await house.me(session["access_token"])).status_code == 401
    assert (await house.refresh(session["refresh_token"])).status_code == 401


@pytest.mark.parametrize("state", ["roles = '[\"admin\"]'", "last_login_at = 1", "disabled_at = 1"])
async def test_what_is_somebodys_or_disabled_is_not_taken_over(mailing_house: House, state: str) -> None:
    """There is somebody to take it from: the operator hears that the address is taken."""
    house = mailing_house
    await _prepare(house)
    await house.auth._database.write(statement(f"UPDATE account SET {state}"))

    with pytest.raises(LoginTaken):
        await house.auth.life.recovery.invite(ADA)


async def test_inviting_again_with_other_roles_sets_them_and_says_so(mailing_house: House) -> None:
    """Without any, those of the first invitation stay."""
    house = mailing_house
    await house.auth.life.recovery.invite(ADA, username="ada", roles=("editor",))
    told: list[Event] = []
    house.auth.events.subscribe(Event, told.append)

    same = await house.auth.life.recovery.invite(ADA)
    other = await house.auth.life.recovery.invite(ADA, roles=("admin",))
    accepted = await house.client.post(
        "/v1/invitations/accept", json={**(await letter(house)).token, "password": OTHER_PASSWORD}
    )

    assert (same.roles, other.roles, other.username) == (("editor",), ("admin",), "ada")
    assert accepted.json()["account"]["roles"] == ["admin"]
    assert [type(event) for event in told][:3] == [AccountInvited, AccountInvited, RolesChanged]


async def test_an_owner_who_comes_meanwhile_is_not_invited_away(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and writing the address is proved: the guard stops the invitation, and the password stays."""
    house = mailing_house
    await _prepare(house)
    recovery = house.auth.life.recovery
    looking = recovery._waiting_for

    async def slowly(email: str) -> object:
        found = await looking(email)
        await house.auth._database.write(statement("UPDATE account SET email_verified_at = 1"))
        return found

    monkeypatch.setattr(recovery, "_waiting_for", slowly)

    with pytest.raises(LoginTaken):
        await recovery.invite(ADA)

    assert await _log_in(house, EVIL) == 200
