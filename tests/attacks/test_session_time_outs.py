"""Sessions that never end: an idle browser, a stolen cookie in constant use, a browser that is told to remember."""

import pytest
from msgspec.structs import replace

from doorward.settings import DAY, HOUR, Settings
from tests.support.cookies import LOGIN, enter, held_after, status
from tests.support.house import PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import OURS, call, post

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(("remember", "idle", "absolute"), [(False, 2 * HOUR, 12 * HOUR), (True, 14 * DAY, 30 * DAY)])
@pytest.mark.parametrize("hot", [True, False])
async def test_both_time_outs_end_a_session_to_the_second(
    house: House, remember: bool, idle: int, absolute: int, hot: bool
) -> None:
    """Unused for so long, or used all the time: the last second is good and the next is not, from memory or not."""

    async def asked() -> int:
        if not hot:
            house.auth.sessions.distrust()
            await house.auth.sessions.follow()
        return await status(house, held)

    held = await enter(house, remember=remember)
    began = house.clock.now
    house.clock.advance(idle - 1)
    unused = [await asked()]
    house.clock.advance(idle)
    unused.append(await asked())
    held = held_after(await post(house.auth, "/v1/login", {**LOGIN, "remember": remember}))
    began = house.clock.now
    while house.clock.now + idle - 1 < began + absolute - 1:
        house.clock.advance(idle - 1)
        assert await asked() == 200
    house.clock.now = began + absolute - 1
    used = [await asked()]
    house.clock.advance(1)
    used.append(await asked())

    assert (unused, used) == ([200, 401], [200, 401])


async def test_remember_me_is_a_choice_and_stays_within_its_bounds(house: House) -> None:
    """Only when it was asked for does the browser keep the cookie, and never for longer than the session lives."""
    await house.register()
    plain = await post(house.auth, "/v1/login", LOGIN)
    remembered = await post(house.auth, "/v1/login", {**LOGIN, "remember": True})
    house.clock.advance(DAY)
    raised = await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD}, held_after(remembered), OURS)

    assert b"Max-Age" not in plain.values(b"set-cookie")[0]
    assert remembered.values(b"set-cookie")[0].endswith(b"; Max-Age=%d" % (30 * DAY))
    assert raised.values(b"set-cookie")[0].endswith(b"; Max-Age=%d" % (30 * DAY))  # NIST: a proof resets both


async def test_a_refusal_is_no_use(house: House) -> None:
    """A cookie that came twice is nobody's, and keeps no session alive."""
    held = await enter(house)
    idle = house.auth.settings.sessions.idle_lifetime
    doubled = (b"cookie", held[1] + b"; " + held[1])
    house.clock.advance(idle - 1)

    refused = await call(house.auth, "GET", "/v1/me", headers=[doubled])
    house.clock.advance(1)

    assert (refused.status, await status(house, held)) == (401, 401)


async def test_the_sessions_of_an_account_are_bounded(settings: Settings) -> None:
    """Whoever logs in without end pushes out the oldest, hot or not."""
    sessions = replace(settings.sessions, max_per_account=2)
    async with open_house(replace(settings, sessions=sessions)) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        await house.register()
        held = []
        for _ in range(3):
            held.append(held_after(await post(house.auth, "/v1/login", LOGIN)))
            assert await status(house, held[-1]) == 200
            house.clock.advance(1)

        assert [await status(house, each) for each in held] == [401, 200, 200]
