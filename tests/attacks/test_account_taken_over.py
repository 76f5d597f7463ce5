"""Somebody is in another's account and wants to stay: the way back by mail cannot be taken away from its owner."""

from tests.support.house import PASSWORD, House, bearer
from tests.support.life import ADA, OTHER_PASSWORD, sign_up
from tests.support.mailbox import letter, letters

THIEF = "thief@attacker.test"


async def move(house: House, new: str, pair: dict[str, object]) -> None:
    """Change the address, as far as the new one."""
    headers = bearer(str(pair["access_token"]))
    assert (await house.client.post("/v1/me/email", json={"new_email": new}, headers=headers)).status_code == 202
    assert (await house.client.post("/v1/email/verify", json=(await letter(house, new)).token)).status_code == 200


async def test_moving_twice_does_not_shake_the_owner_off(mailing_house: House) -> None:
    """The first link, in the owner's mailbox, still takes everything back."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    await move(house, THIEF, pair)
    house.clock.advance(60)
    await move(house, "second@attacker.test", pair)

    undone = await house.client.post("/v1/email/undo", json=(await letter(house, ADA)).token)

    assert undone.status_code == 204
    assert (await house.auth.accounts.find_by_email(ADA)).email == ADA
    assert (await house.me(pair["access_token"])).status_code == 401


async def test_a_thief_who_undoes_their_own_move_keeps_nothing_from_the_owner(mailing_house: House) -> None:
    """Undoing a later change leaves the earlier way back open, and ends the later ones."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    await move(house, THIEF, pair)
    house.clock.advance(60)
    await move(house, "second@attacker.test", pair)
    thiefs = await letter(house, THIEF)

    by_thief = await house.client.post("/v1/email/undo", json=thiefs.token)
    by_owner = await house.client.post("/v1/email/undo", json=(await letter(house, ADA)).token)
    again = await house.client.post("/v1/email/undo", json=thiefs.token)

    assert [answer.status_code for answer in (by_thief, by_owner, again)] == [204, 204, 400]
    assert (await house.auth.accounts.find_by_email(ADA)).email == ADA


async def test_a_reset_by_the_thief_leaves_the_owners_way_back(mailing_house: House) -> None:
    """Whoever holds the new address may reset; the old address still takes the account back."""
    house = mailing_house
    await sign_up(house)
    await move(house, THIEF, await house.log_in())
    await house.client.post("/v1/password/forgot", json={"login": THIEF})
    await house.client.post(
        "/v1/password/reset", json={**(await letter(house, THIEF)).token, "new_password": "the thief's own password x"}
    )

    undone = await house.client.post("/v1/email/undo", json=(await letter(house, ADA)).token)
    await house.client.post(
        "/v1/password/reset", json={**(await letter(house, ADA)).token, "new_password": OTHER_PASSWORD}
    )

    assert undone.status_code == 204
    await house.log_in(ADA, password=OTHER_PASSWORD)


async def test_an_address_that_the_thief_registered_again_does_not_block_the_way(mailing_house: House) -> None:
    """The old address is free after the move; an unproved account with it gives way to its owner."""
    house = mailing_house
    await sign_up(house)
    await move(house, THIEF, await house.log_in())
    await house.client.post("/v1/accounts", json={"email": ADA, "password": "the thief's own password x"})
    undo = [mail for mail in await letters(house, ADA) if mail.subject == "Your e-mail address was changed"]

    token = undo[-1].text.partition("#token=")[2].split()[0]
    undone = await house.client.post("/v1/email/undo", json={"token": token})

    assert undone.status_code == 204
    assert (await house.auth.accounts.find_by_email(ADA)).email_verified


async def test_a_stale_cookie_is_told_how_fresh_it_must_be(mailing_house: House) -> None:
    """``max_age``, in seconds, tells an application to ask for the password."""
    house = mailing_house
    await sign_up(house)
    await house.browser.post("/v1/login", json={"login": ADA, "password": PASSWORD, "transport": "cookie"})
    house.clock.advance(house.auth.settings.sessions.fresh_lifetime + 1)

    answers = [
        await house.browser.post("/v1/me/email", json={"new_email": THIEF}),
        await house.browser.get("/v1/me/export"),
        await house.browser.request("DELETE", "/v1/me"),
    ]
    proved = await house.browser.post("/v1/reauthenticate", json={"password": PASSWORD})
    after = await house.browser.get("/v1/me/export")

    assert [answer.json()["code"] for answer in answers] == ["reauthentication_required"] * 3
    assert {answer.json()["max_age"] for answer in answers} == {600}
    assert (proved.status_code, after.status_code) == (200, 200)


async def test_the_password_itself_is_fresh_enough_to_leave(mailing_house: House) -> None:
    """A wrong one is counted like any other guess."""
    house = mailing_house
    await sign_up(house)
    await house.browser.post("/v1/login", json={"login": ADA, "password": PASSWORD, "transport": "cookie"})
    house.clock.advance(house.auth.settings.sessions.fresh_lifetime + 1)

    wrong = await house.browser.request("DELETE", "/v1/me", json={"password": "wrong"})
    right = await house.browser.request("DELETE", "/v1/me", json={"password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (401, 204)
    assert "Max-Age=0" in right.headers["set-cookie"]
    assert right.headers["clear-site-data"]
