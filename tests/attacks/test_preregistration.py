"""Registering somebody else's address in advance, and waiting for the owner: better-auth CVE-2026-53516 in spirit.

When the owner proves the address (by a registration of their own, a reset, or a link), the attacker's password and
sessions are dead.
"""

import pytest
from msgspec.structs import replace

from doorward.db import statement
from doorward.settings import Accounts, Settings
from tests.support.house import PASSWORD, House, open_house
from tests.support.life import ADA, NEW, OTHER_PASSWORD, sign_up
from tests.support.mailbox import Mailbox, letter, letters, mailing
from tests.support.quick import QuickHasher

EVIL = "the attacker knows this one, staple"


async def log_in(house: House, password: str, login: str = ADA) -> int:
    """Try a password."""
    return (await house.client.post("/v1/login", json={"login": login, "password": password})).status_code


async def test_the_registration_that_is_proved_counts(mailing_house: House) -> None:
    """The owner registers too, proves their own mail, and the attacker's registration is over."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL, "username": "evil"})
    attackers = await letter(house)
    await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD, "profile": {"name": "Ada"}})
    owners = await letter(house)

    proved = await house.client.post("/v1/email/verify", json=owners.token)
    late = await house.client.post("/v1/email/verify", json=attackers.token)

    account = proved.json()["account"]
    assert (account["username"], account["profile"]) == (None, {"name": "Ada"})
    assert late.json()["code"] == "challenge_invalid"
    assert (await log_in(house, EVIL), await log_in(house, PASSWORD)) == (401, 200)


async def test_an_attacker_who_registers_after_the_owner_wins_nothing(mailing_house: House) -> None:
    """The owner's own mail stays good, and with it their own password."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})
    owners = await letter(house)
    await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL})

    proved = await house.client.post("/v1/email/verify", json=owners.token)

    assert proved.status_code == 200
    assert (await log_in(house, EVIL), await log_in(house, PASSWORD)) == (401, 200)


async def test_a_mail_that_the_owner_asked_for_does_not_install_an_attackers_password(mailing_house: House) -> None:
    """Two have registered: "send it again" lets whoever reads the mail choose the password."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})
    await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL})
    await house.client.post("/v1/email/verify/resend", json={"email": ADA})
    mail = await letter(house)

    refused = await house.client.post("/v1/email/verify", json=mail.token)
    reset = await house.client.post("/v1/password/reset", json={**mail.token, "new_password": OTHER_PASSWORD})

    assert (refused.status_code, reset.status_code) == (400, 204)
    assert [await log_in(house, password) for password in (EVIL, PASSWORD, OTHER_PASSWORD)] == [401, 401, 200]


async def test_nor_does_one_that_is_asked_for_when_the_owners_own_mail_is_too_old(mailing_house: House) -> None:
    """That two have registered is remembered for longer than their mails are good for."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL})
    await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})
    house.clock.advance(house.auth.settings.verification.address_lifetime)

    await house.client.post("/v1/email/verify/resend", json={"email": ADA})
    refused = await house.client.post("/v1/email/verify", json=(await letter(house)).token)

    assert refused.status_code == 400
    assert await log_in(house, EVIL) == 403


@pytest.mark.parametrize("how", ["reset", "link"])
async def test_where_addresses_need_no_proof_the_owner_takes_the_account_over(settings: Settings, how: str) -> None:
    """The attacker is logged in already; the owner proves the address, and both password and session are dead."""
    lenient = replace(mailing(settings, sign_in_links=True), accounts=Accounts(email_verification="off"))
    async with open_house(lenient, mailer=Mailbox()) as house:
        house.auth.pool.hasher = QuickHasher(lenient.passwords)
        await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL})
        session = (await house.client.post("/v1/login", json={"login": ADA, "password": EVIL})).json()
        if how == "reset":
            await house.client.post("/v1/password/forgot", json={"login": ADA})
            body = {**(await letter(house)).token, "new_password": OTHER_PASSWORD}
            entered = await house.client.post("/v1/password/reset", json=body)
        else:
            await house.client.post("/v1/login/link", json={"login": ADA})
            entered = await house.client.post("/v1/login/link/redeem", json=(await letter(house)).token)

        assert entered.status_code in (200, 204)
        assert (await house.me(session["access_token"])).status_code == 401
        assert (await house.refresh(session["refresh_token"])).status_code == 401
        assert await log_in(house, EVIL) == 401


async def test_somebody_who_only_claims_an_address_does_not_keep_the_owner_from_it(mailing_house: House) -> None:
    """An unproved account with the new address gives way to whoever proves it."""
    house = mailing_house
    await sign_up(house)
    await house.client.post("/v1/accounts", json={"email": NEW, "password": EVIL})
    pair = await house.log_in()
    await house.client.post(
        "/v1/me/email", json={"new_email": NEW}, headers={"Authorization": f"Bearer {pair['access_token']}"}
    )

    moved = await house.client.post("/v1/email/verify", json=(await letter(house, NEW)).token)

    assert moved.json()["account"]["email"] == NEW
    assert (await log_in(house, EVIL, NEW), await log_in(house, PASSWORD, NEW)) == (401, 200)


async def test_an_address_that_somebody_else_has_proved_meanwhile_is_taken(mailing_house: House) -> None:
    """The first proof wins; the other one is told, because it has proved that it may know."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    await house.client.post(
        "/v1/me/email", json={"new_email": NEW}, headers={"Authorization": f"Bearer {pair['access_token']}"}
    )
    mail = await letter(house, NEW)
    await sign_up(house, NEW)

    answer = await house.client.post("/v1/email/verify", json=mail.token)

    assert (answer.status_code, answer.json()["code"]) == (409, "login_taken")


@pytest.mark.parametrize("past", ["roles = '[\"admin\"]'", "last_login_at = 1"])
async def test_a_strangers_registration_does_not_open_an_account_that_waits_for_its_owner(
    mailing_house: House, past: str
) -> None:
    """Somebody was invited with roles, or logged in while addresses needed no proof: there is something to take."""
    house = mailing_house
    await house.auth.life.recovery.invite(ADA)
    await house.auth._database.write(statement(f"UPDATE account SET {past}"))

    asked = await house.client.post("/v1/accounts", json={"email": ADA, "password": EVIL, "username": "evil"})
    mail = (await letters(house, ADA))[-1]

    assert asked.status_code == 202
    assert (mail.subject, "#token=" in mail.text) == ("You already have an account", False)
