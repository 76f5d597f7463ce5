"""Tries of others keep an owner out, or one account has more tries than it should."""

import asyncio

import pytest
from msgspec.structs import replace

from doorward.core.source import Source
from doorward.errors import InvalidCredentials, Overloaded, TooManyAttempts
from doorward.passwords import assessor
from doorward.passwords.assessor import Assessor
from doorward.settings import Limits, Passwords, Settings
from tests.support.house import PASSWORD, House, bearer, open_house

STRANGER = Source.of("198.51.100.9", "", "")


async def test_a_network_over_its_limit_uses_up_nobodys_tries(settings: Settings) -> None:
    """And fills no table: it is refused before anything else is counted."""
    limits = Limits(per_account=5, per_network=3)
    async with open_house(replace(settings, limits=limits)) as house:
        await house.register()
        for number in range(3):
            with pytest.raises(InvalidCredentials):
                await _try(house, f"nobody{number}@example.test")
        before = await _buckets(house)
        for _ in range(10):
            with pytest.raises(TooManyAttempts):
                await _try(house, "ada@example.test")

        assert await _buckets(house) == before
        await house.log_in()


async def test_strangers_cannot_lock_out_who_is_signed_in(settings: Settings) -> None:
    """Proving the password within a session is counted apart from log-ins."""
    async with open_house(replace(settings, limits=Limits(per_account=3))) as house:
        pair = await house.enter()
        for _ in range(3):
            with pytest.raises(InvalidCredentials):
                await _try(house, "ada@example.test")
        with pytest.raises(TooManyAttempts):
            await _try(house, "ada@example.test")

        answer = await house.client.post(
            "/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(pair["access_token"])
        )

    assert answer.status_code == 200


async def test_a_weak_wish_is_no_wrong_guess(settings: Settings) -> None:
    """Who knows the password and chooses a bad new one, again and again, is not taken for a guesser."""
    async with open_house(replace(settings, limits=Limits(per_account=3))) as house:
        pair = await house.enter()
        for _ in range(6):
            answer = await house.client.post(
                "/v1/me/password",
                json={"current_password": PASSWORD, "new_password": "password"},
                headers=bearer(pair["access_token"]),
            )
            assert answer.status_code == 422


async def test_devices_that_log_in_at_once_after_the_cost_was_raised_are_all_let_in(settings: Settings) -> None:
    """The hash is renewed by one of them; the password of the others is right all the same."""
    async with open_house(settings) as house:
        await house.register()
    raised = Passwords(argon2_iterations=3, hash_threads=2)
    async with open_house(replace(settings, passwords=raised)) as house:
        await asyncio.gather(*(house.log_in() for _ in range(4)))


async def test_confirmations_at_once_are_all_right(house: House) -> None:
    """Three tabs that ask for the password at the same moment."""
    pair = await house.enter()
    headers = bearer(pair["access_token"])

    answers = await asyncio.gather(
        *(house.client.post("/v1/reauthenticate", json={"password": PASSWORD}, headers=headers) for _ in range(3))
    )

    assert [answer.status_code for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize(("act", "code"), [("end", "session_ended"), ("disable", "account_disabled")])
async def test_what_overtakes_a_confirmation_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, act: str, code: str
) -> None:
    """The password was right: the session has ended meanwhile, or the account is disabled."""
    pair = await house.enter()
    account = await house.auth.accounts.find_by_email("ada@example.test")
    verify = house.auth.pool.verify

    async def verify_and_then(stored: str | None, password: str) -> bool:
        verified = await verify(stored, password)
        if act == "end":
            await house.auth.sessions.end(pair["session_id"], account_id=account.id, why="test")
        else:
            await house.auth.accounts.disable(account.id)
        return verified

    monkeypatch.setattr(house.auth.pool, "verify", verify_and_then)

    answer = await house.client.post(
        "/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(pair["access_token"])
    )

    assert answer.json()["code"] == code


async def test_questions_about_passwords_wait_in_a_queue_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of them is turned away, and does not reach the threads that hash."""
    monkeypatch.setattr(assessor, "MOST_WAITING", 1)
    judge = Assessor()

    answers = await asyncio.gather(judge.run(lambda: 1), judge.run(lambda: 2), return_exceptions=True)

    assert answers[0] == 1
    assert isinstance(answers[1], Overloaded)
    assert await judge.run(lambda: 3) == 3


async def _try(house: House, login: str) -> None:
    await house.auth.passwords.log_in(login=login, password="wrong", source=STRANGER)


async def _buckets(house: House) -> int:
    rows = await house.auth._database.fetch_all("SELECT COUNT(*) AS n FROM allowance")
    return int(rows[0]["n"])


async def _entered_device(house: House, transport: str) -> dict[str, str]:
    """Register, log in once, and return the header by which the account knows the device from then on."""
    await house.register()
    body = {"login": "ada@example.test", "password": PASSWORD, "transport": transport}
    answer = await house.client.post("/v1/login", json=body)
    if transport == "bearer":
        return {"Doorward-Device": answer.headers["doorward-device"]}
    cookie = answer.headers.get_list("set-cookie")[1].partition(";")[0]
    return {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("transport", ["bearer", "cookie"])
async def test_an_owner_on_a_known_device_gets_in_while_the_attack_runs(settings: Settings, transport: str) -> None:
    """Although every layer is full: the login, the network that both share, and the failures of strangers."""
    limits = Limits(
        per_account=2, per_pair=2, per_network=12, per_wide_network=12, per_instance=80, failures_in_a_row=4
    )
    async with open_house(replace(settings, limits=limits)) as house:
        device = await _entered_device(house, transport)
        body = {"login": "ada@example.test", "password": PASSWORD, "transport": transport}
        for number in range(40):
            wrong = {"login": "ada@example.test" if number % 3 else f"n{number}@example.test", "password": "wrong"}
            await house.client.post("/v1/login", json=wrong)

        stranger = await house.client.post("/v1/login", json=body)
        owner = await house.client.post("/v1/login", json=body, headers=device)

    assert (stranger.status_code, owner.status_code) == (429, 200)


async def test_a_known_device_of_one_account_is_a_stranger_to_another(settings: Settings) -> None:
    """Having an account of one's own helps nobody to guess at others."""
    async with open_house(replace(settings, limits=Limits(per_account=2))) as house:
        device = await _entered_device(house, "bearer")
        await house.register("eve@example.test")
        body = {"login": "eve@example.test", "password": "wrong"}
        codes = [(await house.client.post("/v1/login", json=body, headers=device)).status_code for _ in range(3)]

    assert codes == [401, 401, 429]


async def test_a_device_is_a_stranger_after_a_change_of_password_but_for_the_one_that_changed_it(
    settings: Settings,
) -> None:
    """So a stolen device token dies with the password (ASVS 7.4.3)."""
    async with open_house(replace(settings, limits=Limits(per_account=1))) as house:
        old = await _entered_device(house, "bearer")
        pair = await house.log_in()
        changed = await house.client.post(
            "/v1/me/password",
            json={"current_password": PASSWORD, "new_password": "another correct horse battery"},
            headers=bearer(pair["access_token"]),
        )
        new = {"Doorward-Device": changed.headers["doorward-device"]}
        body = {"login": "ada@example.test", "password": "wrong"}
        await house.client.post("/v1/login", json=body)

        codes = [(await house.client.post("/v1/login", json=body, headers=each)).status_code for each in (old, new)]

    assert codes == [429, 401]


async def test_a_known_device_waits_longer_and_longer_for_its_own_mistakes(settings: Settings) -> None:
    """Its allowance is its own and not without end."""
    async with open_house(replace(settings, limits=Limits(per_pair=2))) as house:
        device = await _entered_device(house, "bearer")
        body = {"login": "ada@example.test", "password": "wrong"}
        answers = [await house.client.post("/v1/login", json=body, headers=device) for _ in range(3)]
        house.clock.advance(30)
        right = body | {"password": PASSWORD}
        entered = await house.client.post("/v1/login", json=right, headers=device)

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2].headers["retry-after"] == "30"
    assert "challenge" not in answers[2].json()
    assert entered.status_code == 200


async def test_two_device_cookies_are_nobodys(settings: Settings) -> None:
    """Somebody has tossed one in from a sibling domain: the device counts as a stranger, and still gets in."""
    async with open_house(replace(settings, limits=Limits(per_account=1))) as house:
        device = await _entered_device(house, "cookie")
        await house.client.post("/v1/login", json={"login": "ada@example.test", "password": "wrong"})
        twice = device | {"Cookie": f"{device['Cookie']}; {device['Cookie']}"}
        body = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}

        assert (await house.client.post("/v1/login", json=body, headers=twice)).status_code == 429
        assert (await house.client.post("/v1/login", json=body, headers=device)).status_code == 200
