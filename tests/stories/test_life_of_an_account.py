"""From the first mail to the last one: each flow as a person goes through it, on both engines."""

import pytest

from tests.support.house import PASSWORD, House, bearer
from tests.support.mailbox import letter, letters

OTHER_PASSWORD = "another correct horse battery staple"
ADA = "ada@example.test"


async def sign_up(house: House, email: str = ADA, how: str = "token", **members: object) -> dict[str, object]:
    """Register and prove the address."""
    asked = await house.client.post("/v1/accounts", json={"email": email, "password": PASSWORD, **members})
    assert asked.status_code == 202, asked.text
    proved = await house.client.post("/v1/email/verify", json=(await letter(house, email)).secret(how))
    assert proved.status_code == 200, proved.text
    return dict(proved.json()["account"])


@pytest.mark.parametrize("how", ["token", "code"])
async def test_somebody_registers_and_proves_the_address(mailing_house: House, how: str) -> None:
    """Before that the right password is told to wait; afterwards it opens the door."""
    house, login = mailing_house, {"login": ADA, "password": PASSWORD}
    asked = await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD, "username": "ada"})
    early = await house.client.post("/v1/login", json=login)
    mail = await letter(house)

    proved = await house.client.post("/v1/email/verify", json=mail.secret(how))
    entered = await house.client.post("/v1/login", json=login)

    assert (asked.status_code, asked.json()["status"]) == (202, "verification_sent")
    assert (early.status_code, early.json()["code"]) == (403, "email_not_verified")
    assert mail.challenge == asked.json()["challenge"]
    assert proved.json()["account"]["email_verified"] is True
    assert entered.status_code == 200


@pytest.mark.parametrize("how", ["token", "code"])
async def test_somebody_forgets_the_password_and_sets_another(mailing_house: House, how: str) -> None:
    """Sessions end, the owner is told, the new password opens and the old one does not; nobody is logged in by it."""
    house = mailing_house
    await sign_up(house)
    before = await house.log_in()
    asked = await house.client.post("/v1/password/forgot", json={"login": ADA})

    body = {**(await letter(house)).secret(how), "new_password": OTHER_PASSWORD}
    reset = await house.client.post("/v1/password/reset", json=body)

    assert (asked.status_code, asked.json()["status"], reset.status_code) == (202, "reset_sent", 204)
    assert "set-cookie" not in reset.headers
    assert (await house.me(before["access_token"])).status_code == 401
    assert (await house.client.post("/v1/login", json={"login": ADA, "password": PASSWORD})).status_code == 401
    await house.log_in(password=OTHER_PASSWORD)
    assert "Your password was changed" in [mail.subject for mail in await letters(house, ADA)]


async def test_somebody_moves_to_another_address(mailing_house: House) -> None:
    """Both addresses are told, and the log-in moves when the new one is proved."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    asked = await house.client.post(
        "/v1/me/email", json={"new_email": "ada@new.example"}, headers=bearer(pair["access_token"])
    )
    unmoved = await house.me(pair["access_token"])

    moved = await house.client.post("/v1/email/verify", json=(await letter(house, "ada@new.example")).token)

    assert asked.status_code == 202
    assert unmoved.json()["account"]["email"] == ADA
    assert moved.json()["account"]["email"] == "ada@new.example"
    await house.log_in("ada@new.example")
    told = [mail.subject for mail in await letters(house, ADA)]
    assert told[-2:] == ["Your e-mail address is about to change", "Your e-mail address was changed"]


async def test_the_old_address_takes_a_change_back(mailing_house: House) -> None:
    """Sessions end, the password that a thief may know is dead, and the owner sets another one."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    await house.client.post("/v1/me/email", json={"new_email": "eve@new.example"}, headers=bearer(pair["access_token"]))
    await house.client.post("/v1/email/verify", json=(await letter(house, "eve@new.example")).token)

    undone = await house.client.post("/v1/email/undo", json=(await letter(house, ADA)).token)
    reset = await house.client.post(
        "/v1/password/reset", json={**(await letter(house, ADA)).token, "new_password": OTHER_PASSWORD}
    )

    assert (undone.status_code, reset.status_code) == (204, 204)
    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.client.post("/v1/login", json={"login": ADA, "password": PASSWORD})).status_code == 401
    await house.log_in(ADA, password=OTHER_PASSWORD)


@pytest.mark.parametrize("how", ["token", "code"])
async def test_somebody_logs_in_with_a_mail(mailing_house: House, how: str) -> None:
    """It is one factor, and says so."""
    house = mailing_house
    await sign_up(house)
    asked = await house.client.post("/v1/login/link", json={"login": ADA})

    entered = await house.client.post("/v1/login/link/redeem", json=(await letter(house)).secret(how))

    pair = entered.json()
    sessions = await house.client.get("/v1/me/sessions", headers=bearer(pair["access_token"]))
    assert (asked.status_code, asked.json()["status"]) == (202, "link_sent")
    assert sessions.json()["sessions"][0]["amr"] == ["email"]


async def test_a_browser_logs_in_with_a_mail(mailing_house: House) -> None:
    """By cookie, without a token in the body."""
    house = mailing_house
    await sign_up(house)
    await house.browser.post("/v1/login/link", json={"login": ADA})
    body = {**(await letter(house)).token, "transport": "cookie"}

    entered = await house.browser.post("/v1/login/link/redeem", json=body)

    assert set(entered.json()) == {"session_id", "account"}
    assert (await house.browser.get("/v1/me")).status_code == 200


async def test_an_operator_invites_somebody(mailing_house: House) -> None:
    """Whoever is invited chooses the password, and has proved the address by that."""
    house = mailing_house
    await house.auth.life.recovery.invite(ADA, roles=("editor",))

    body = {**(await letter(house)).token, "password": PASSWORD}
    accepted = await house.client.post("/v1/invitations/accept", json=body)

    account = accepted.json()["account"]
    assert (account["email_verified"], account["roles"]) == (True, ["editor"])
    await house.log_in()


async def test_somebody_takes_everything_along_and_leaves(mailing_house: House) -> None:
    """The copy says what is held; afterwards nothing names the owner, and the address is free again."""
    house = mailing_house
    await sign_up(house, username="ada", profile={"name": "Ada"})
    pair = await house.log_in()
    headers = bearer(pair["access_token"])

    held = (await house.client.get("/v1/me/export", headers=headers)).json()
    left = await house.client.request("DELETE", "/v1/me", json={"password": PASSWORD}, headers=headers)

    assert set(held) == {"account", "password", "sessions", "challenges", "mails", "trail"}
    assert held["account"]["username"] == "ada"
    assert left.status_code == 204
    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await letters(house, ADA))[-1].subject == "Your account was deleted"
    await sign_up(house, username="ada")
