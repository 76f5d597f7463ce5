"""A refresh token is stolen and both, the thief and the owner, use it (RFC 9700 §4.14.2)."""

import pytest

from tests.support.house import House

pytestmark = pytest.mark.usefixtures("quick")


async def _spend(house: House, token: str) -> dict[str, str]:
    answer = await house.refresh(token)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_after_the_window_the_second_use_ends_the_family_and_the_session(house: House) -> None:
    """Whoever of the two comes second: everything of that session is dead, and the trail says why."""
    stolen = await house.enter()
    thiefs = await _spend(house, stolen["refresh_token"])
    house.clock.advance(house.auth.settings.tokens.replay_window + 1)

    owners = await house.refresh(stolen["refresh_token"])

    assert (owners.status_code, owners.json()["code"]) == (401, "invalid_grant")
    assert (await house.refresh(thiefs["refresh_token"])).status_code == 401
    assert (await house.me(thiefs["access_token"])).status_code == 401
    assert (await house.me(stolen["access_token"])).status_code == 401
    events = await house.auth._database.fetch_all("SELECT event FROM audit_event")
    assert [row["event"] for row in events].count("token.reused") == 1


async def test_two_generations_back_is_theft_at_once(house: House) -> None:
    """No lost reply explains a token whose successor has been spent as well."""
    stolen = await house.enter()
    second = await _spend(house, stolen["refresh_token"])
    third = await _spend(house, second["refresh_token"])

    again = await house.refresh(stolen["refresh_token"])

    assert again.status_code == 401
    assert (await house.refresh(third["refresh_token"])).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (30, 200), (31, 401)])
async def test_the_replay_window_has_an_end(house: House, seconds: int, status: int) -> None:
    """Within it the same successor is given again; one second later the same request is theft."""
    pair = await house.enter()
    successor = await _spend(house, pair["refresh_token"])
    house.clock.advance(seconds)

    again = await house.refresh(pair["refresh_token"])

    assert again.status_code == status
    if status == 200:
        assert again.json()["refresh_token"] == successor["refresh_token"]


async def test_a_replay_does_not_move_the_window(house: House) -> None:
    """Asking again and again does not keep a spent token alive."""
    pair = await house.enter()
    await _spend(house, pair["refresh_token"])
    statuses = []
    for _ in range(5):
        house.clock.advance(10)
        statuses.append((await house.refresh(pair["refresh_token"])).status_code)

    assert statuses == [200, 200, 200, 401, 401]


async def test_the_other_sessions_of_the_owner_go_on(house: House) -> None:
    """Theft of one device's token does not log the others out."""
    stolen = await house.enter()
    other = await house.log_in()
    await _spend(house, stolen["refresh_token"])
    house.clock.advance(31)

    await house.refresh(stolen["refresh_token"])

    assert (await house.me(other["access_token"])).status_code == 200
    assert (await house.refresh(other["refresh_token"])).status_code == 200


async def test_a_forged_token_costs_no_database_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The MAC is checked first: nobody can make the database work, or end a family, without a genuine token."""
    pair = await house.enter()
    genuine = pair["refresh_token"]

    def untouched(*_: object, **__: object) -> object:
        raise AssertionError("the database was asked")

    database = house.auth._database
    with monkeypatch.context() as patch:
        for method in ("write", "fetch_one", "fetch_all"):
            patch.setattr(database, method, untouched)
        for forged in (
            genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
            genuine.replace("dwr_", "dws_"),
            genuine + "A",
            genuine + "=",
            genuine[:-4],
            genuine.upper(),
            " " + genuine,
            "dwr_" + "A" * 75,
            "dwr_",
            "",
        ):
            assert (await house.refresh(forged)).status_code == 401, forged

    assert (await house.refresh(genuine)).status_code == 200
