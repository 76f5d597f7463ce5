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
