"""What is told about sessions that go on, and for how long."""

from doorward.sessions.changes import KEPT
from tests.support.cookies import LOGIN, held_after
from tests.support.house import PASSWORD, House, bearer
from tests.support.raw import OURS, post


async def told(house: House) -> int:
    """Count the changes that can be read."""
    (row,) = await house.auth._database.fetch_all("SELECT COUNT(*) AS number FROM session_change")
    return int(row["number"])


async def test_a_change_is_told_for_as_long_as_somebody_may_remember_what_was_before(house: House) -> None:
    """And then deleted, so that the table does not grow with use."""
    account = await house.register()
    await house.auth.accounts.set_roles(account["id"], ("admin",))
    house.clock.advance(KEPT)
    await house.auth.keep_house()
    in_time = await told(house)

    house.clock.advance(1)
    await house.auth.keep_house()

    assert (in_time, await told(house)) == (1, 0)


async def test_only_what_is_remembered_is_told(house: House) -> None:
    """A step-up of a cookie session; that of a bearer session changes no cookie."""
    pair = await house.enter()
    held = held_after(await post(house.auth, "/v1/login", LOGIN))

    await house.client.post("/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(pair["access_token"]))
    by_token = await told(house)
    await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD}, held, OURS)

    assert (by_token, await told(house)) == (0, 1)
