"""The same for what is not one HTTP request: theft, keys, operators, and the start itself."""

from typing import get_args

import pytest

from doorward.app import Doorward
from doorward.db import Database
from doorward.errors import StorageUnavailable
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase, How
from tests.faults.journeys import somebody
from tests.faults.order import changed, check_order, dump
from tests.support.house import FakeClock, House, bearer, open_house

OPEN: tuple[How, ...] = ("before", "after", "gone")


async def test_a_stolen_token_is_never_served_however_its_discovery_fails(fragile: House, aimed: AimedDatabase) -> None:
    """The refusal is remembered before it is said; if it cannot be remembered it is 503, and 401 next time."""
    for how in get_args(How):
        if how == "cancelled":
            continue
        for fail_at in range(1, 4):
            person = await somebody(fragile)
            stolen = person.pair["refresh_token"]
            following = (await fragile.refresh(stolen)).json()
            fragile.clock.advance(fragile.auth.settings.tokens.replay_window + 1)

            with aimed.aim(fail_at, how):
                refused = await fragile.refresh(stolen)

            assert refused.status_code in (500, 503)
            assert "dwr_" not in refused.text
            assert (await fragile.refresh(stolen)).status_code == 401
            assert (await fragile.refresh(following["refresh_token"])).status_code == 401
            await check_order(aimed)


@pytest.mark.parametrize("revoke", [False, True])
async def test_a_rotation_of_keys_that_fails_leaves_one_that_signs(
    fragile: House, aimed: AimedDatabase, revoke: bool
) -> None:
    """However it fails, one key is active and one is staged, and the same call works afterwards."""
    with aimed.aim():
        await fragile.auth.keys.rotate(revoke=revoke)
    calls = aimed.calls

    for how in OPEN:
        for fail_at in range(1, calls + 1):
            with aimed.aim(fail_at, how), pytest.raises(StorageUnavailable):
                await fragile.auth.keys.rotate(revoke=revoke)
            await check_order(aimed)
            before = (await somebody(fragile)).pair
            await fragile.auth.keys.rotate(revoke=revoke)
            after = (await somebody(fragile)).pair
            assert (await fragile.me(after["access_token"])).status_code == 200
            assert (await fragile.me(before["access_token"])).status_code == (401 if revoke else 200)


@pytest.mark.parametrize("act", ["disable", "enable", "set_roles", "end_sessions"])
async def test_an_operators_act_that_fails_is_whole_or_not_at_all(
    fragile: House, aimed: AimedDatabase, act: str
) -> None:
    """Disabling without ending the sessions, or the other way round, does not happen."""
    accounts, sessions = fragile.auth.accounts, fragile.auth.sessions

    async def perform(account_id: str) -> object:
        match act:
            case "disable":
                return await accounts.disable(account_id)
            case "enable":
                return await accounts.enable(account_id)
            case "set_roles":
                return await accounts.set_roles(account_id, ("admin",))
            case _:
                return await sessions.end_all(account_id, why="an operator")

    async def fresh() -> str:
        account_id: str = (await somebody(fragile)).account["id"]
        if act == "enable":
            await accounts.disable(account_id)
        return account_id

    account_id = await fresh()
    before = await dump(aimed)
    with aimed.aim():
        await perform(account_id)
    everything, calls = changed(before, await dump(aimed)), aimed.calls

    for how in OPEN:
        for fail_at in range(1, calls + 1):
            account_id = await fresh()
            before = await dump(aimed)
            with aimed.aim(fail_at, how), pytest.raises(StorageUnavailable):
                await perform(account_id)
            assert changed(before, await dump(aimed)) in (frozenset(), everything)
            await perform(account_id)
            await check_order(aimed)


@pytest.mark.parametrize("how", OPEN)
async def test_a_start_that_fails_opens_nothing_and_the_next_one_works(
    settings: Settings, aimed: AimedDatabase, how: How
) -> None:
    """Whichever call of the start fails, no request is answered; and it left nothing behind that hinders the next."""
    for fail_at in range(1, 20):
        auth = Doorward(settings, clock=FakeClock(), database=aimed)
        try:
            with aimed.aim(fail_at, how):
                async with auth.lifespan():
                    pass
        except StorageUnavailable:
            assert not auth._running
            continue
        break
    else:
        pytest.fail("the start never gets through")

    async with open_house(settings) as house:
        person = await somebody(house)
        assert (await house.me(person.pair["access_token"])).status_code == 200


async def test_a_defect_in_the_hosts_own_rule_denies(settings: Settings, database: Database) -> None:
    """authentik CVE-2024-47070: an exception in a policy skipped the check. Here it is a 500 and nothing is written."""

    def broken(_profile: object) -> list[object]:
        raise RuntimeError("hunter2-canary")

    async with open_house(settings, profile_schema=broken) as house:
        answer = await house.client.post(
            "/v1/accounts", json={"email": "ada@example.test", "password": "correct horse battery staple"}
        )

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert await database.fetch_all("SELECT id FROM account") == []


async def test_hashing_that_breaks_lets_nobody_in(fragile: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a password cannot be checked it is not right."""
    person = await somebody(fragile)

    def broken(stored: str, password: str) -> bool:
        raise RuntimeError("hunter2-canary")

    monkeypatch.setattr(fragile.auth.pool.hasher, "verify", broken, raising=False)
    entered = await fragile.client.post(
        "/v1/login", json={"login": person.email, "password": "correct horse battery staple"}
    )
    proved = await fragile.client.post(
        "/v1/reauthenticate", json={"password": "x" * 12}, headers=bearer(person.pair["access_token"])
    )

    assert [entered.status_code, proved.status_code] == [500, 500]
    assert "hunter2" not in entered.text + proved.text
