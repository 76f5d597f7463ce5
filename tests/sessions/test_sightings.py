"""When sessions were last used: noted in memory, written in batches, and right across processes and restarts."""

import asyncio
import contextlib
from typing import Any

import pytest

from doorward.errors import StorageUnavailable
from doorward.sessions import sightings as module
from doorward.sessions import store
from doorward.sessions.model import decide_seen_interval
from doorward.settings import HOUR, MINUTE, Sessions, Settings
from tests.sessions.test_sessions import call, enter_with_cookie
from tests.support.faults import FailingDatabase
from tests.support.house import FakeClock, House, open_house
from tests.support.waiting import until


async def stored(house: House) -> list[int]:
    """Read what is in the database."""
    rows = await house.auth._database.fetch_all("SELECT last_seen_at FROM session ORDER BY created_at, id")
    return [row["last_seen_at"] for row in rows]


async def test_use_is_noted_and_written_later_in_one_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits for it, and many sessions share it."""
    await house.register()
    cookies = [await enter_with_cookie(house) for _ in range(3)]
    began = house.clock.now
    written: list[Any] = []
    write = house.auth.sessions._sightings._database.write

    async def counting(*statements: Any) -> Any:
        written.append(statements)
        return await write(*statements)

    monkeypatch.setattr(house.auth.sessions._sightings._database, "write", counting)
    for _ in range(5):
        house.clock.advance(MINUTE)
        for cookie in cookies:
            assert await call(house, cookie) == 200
    before = await stored(house)
    assert written == []
    await house.auth.sessions.write_seen()
    await house.auth.sessions.write_seen()

    assert before == [began] * 3
    assert await stored(house) == [began + 5 * MINUTE] * 3
    assert [len(statements) for statements in written] == [1]


async def test_any_number_of_sessions_is_written(house: House) -> None:
    """Sizes around those of the prepared statements; unknown sessions are no error, and nothing goes backwards."""
    await house.register()
    cookie = await enter_with_cookie(house)
    resumed = await house.auth.sessions.resume(cookie)
    assert resumed is not None
    own, now = resumed.session.id, house.clock.now
    for count in (1, 2, 16, 17, 256, 257, 513):
        strangers = {f"ses_{number:026d}": now for number in range(count - 1)}
        now += 1

        statements = store.seen({**strangers, own: now})
        await house.auth._database.write(*statements)

        assert await stored(house) == [now], count
        assert len(statements) == -(-count // 256)
    await house.auth._database.write(*store.seen({own: now - 10}))
    assert await stored(house) == [now]


async def test_a_session_that_has_ended_is_not_seen_any_more(house: House) -> None:
    """What was noted before the end does not touch the row after it."""
    await house.register()
    cookie = await enter_with_cookie(house)
    resumed = await house.auth.sessions.resume(cookie)
    assert resumed is not None
    began = house.clock.now
    await house.auth.sessions.end_all(resumed.session.account_id, why="test")

    await house.auth._database.write(*store.seen({resumed.session.id: began + 5}))

    assert await stored(house) == [began]


async def test_the_owner_sees_what_is_noted_and_not_written_yet(house: House) -> None:
    """The list of sessions says the last use, to the second."""
    await house.register()
    cookie = await enter_with_cookie(house)
    house.clock.advance(30)
    await call(house, cookie)

    answer = await house.client.get("/v1/me/sessions", headers={"Cookie": f"__Host-doorward={cookie}"})

    assert answer.json()["sessions"][0]["last_seen_at"] == "2027-01-15T08:00:30Z"


async def test_the_end_of_the_process_writes_what_was_noted(settings: Settings) -> None:
    """A restart costs nobody a minute: idle expiry goes on to the second in the process that follows."""
    clock = FakeClock()
    async with open_house(settings, clock=clock) as house:
        await house.register()
        cookie = await enter_with_cookie(house)
        clock.advance(HOUR)
        assert await call(house, cookie) == 200
    clock.advance(2 * HOUR - 1)
    async with open_house(settings, clock=clock) as house:
        in_time = await call(house, cookie)
    clock.advance(2 * HOUR)
    async with open_house(settings, clock=clock) as house:
        too_late = await call(house, cookie)

    assert (in_time, too_late) == (200, 401)


async def test_a_process_that_was_killed_loses_one_interval_at_most_and_extends_nothing(house: House) -> None:
    """The note is lost: the session may end early by the interval, and never late."""
    await house.register()
    cookie = await enter_with_cookie(house)
    interval = decide_seen_interval(house.auth.settings.sessions)
    house.clock.advance(HOUR)
    await call(house, cookie)
    await house.auth.sessions.write_seen()  # the tick before
    house.clock.advance(interval)
    await call(house, cookie)  # seen, and noted in memory alone
    used_at = house.clock.now
    async with open_house(house.auth.settings, clock=house.clock) as next_process:
        house.clock.now = used_at + 2 * HOUR - interval - 1
        last = await call(next_process, cookie)
    async with open_house(house.auth.settings, clock=house.clock) as next_process:
        house.clock.now += 2 * HOUR
        late = await call(next_process, cookie)

    assert (last, late) == (200, 401)


async def test_the_process_that_saw_the_use_knows_it_to_the_second(house: House) -> None:
    """Also when the session has left the memory and is read from a row that knows less."""
    await house.register()
    cookie = await enter_with_cookie(house)
    house.clock.advance(HOUR)
    await call(house, cookie)

    house.clock.advance(2 * HOUR - 1)
    in_time = await call(house, cookie)
    house.auth.sessions.distrust()
    house.clock.advance(2 * HOUR)

    assert (in_time, await call(house, cookie)) == (200, 401)


async def test_what_cannot_be_written_is_kept(settings: Settings, database_url: str) -> None:
    """A database that is away for a moment loses nothing; neither does a defect."""
    from doorward.db import open_database

    failing = FailingDatabase(open_database(database_url, pool_size=4, timeout=10))
    async with open_house(settings, database=failing) as house:
        await house.register()
        cookie = await enter_with_cookie(house)
        began = house.clock.now
        house.clock.advance(MINUTE)
        await call(house, cookie)
        sightings = house.auth.sessions._sightings
        real = sightings._database.write
        for error in (StorageUnavailable("away"), RuntimeError("a defect"), asyncio.CancelledError()):

            async def fail(*_: Any, error: BaseException = error) -> Any:
                raise error

            sightings._database.write = fail  # type: ignore[method-assign]
            with contextlib.suppress(asyncio.CancelledError):
                await house.auth.sessions.write_seen()
            sightings._database.write = real  # type: ignore[method-assign]
            assert await stored(house) == [began]

        await house.auth.sessions.write_seen()

        assert await stored(house) == [began + MINUTE]


async def test_what_is_being_written_still_counts(house: House) -> None:
    """Between the taking of the notes and the commit a session is read: it was used all the same."""
    sightings = house.auth.sessions._sightings
    sightings.note("ses_x", 5)
    seen: list[int] = []
    real = sightings._database.write

    async def look(*statements: Any) -> Any:
        seen.append(sightings.latest("ses_x"))
        return await real(*statements)

    sightings._database.write = look  # type: ignore[method-assign]
    await sightings.write()
    sightings._database.write = real  # type: ignore[method-assign]

    assert seen == [5]
    assert sightings.latest("ses_x") == 0


async def test_it_is_written_every_interval_by_itself(settings: Settings) -> None:
    """The interval is a quarter of the shortest idle lifetime, a minute at most; here nothing, to see it happen."""
    async with open_house(settings) as house:
        sightings = house.auth.sessions._sightings
        sightings._interval = 0
        keeping = asyncio.create_task(sightings.keep_writing())
        await house.register()
        cookie = await enter_with_cookie(house)
        house.clock.advance(MINUTE)
        await call(house, cookie)

        await until(lambda: _is_written(house))
        keeping.cancel()


async def _is_written(house: House) -> bool:
    return await stored(house) == [house.clock.now]


def test_notes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known already may be noted again; more than the bound is not kept."""
    monkeypatch.setattr(module, "MAX_NOTED", 1)
    sightings = module.Sightings(None, interval=1)  # type: ignore[arg-type]

    for session_id, now in (("ses_a", 1), ("ses_b", 2), ("ses_a", 3)):
        sightings.note(session_id, now)

    assert (sightings.latest("ses_a"), sightings.latest("ses_b")) == (3, 0)


@pytest.mark.parametrize(
    ("idle", "remembered", "interval"),
    [(2 * HOUR, 14 * 24 * HOUR, 60), (4 * MINUTE, HOUR, 60), (2 * MINUTE, HOUR, 30), (60, HOUR, 15), (HOUR, 60, 15)],
)
def test_the_interval_leaves_three_quarters_of_every_idle_lifetime(idle: int, remembered: int, interval: int) -> None:
    """Once a minute, unless that were much of the idle lifetime."""
    assert decide_seen_interval(Sessions(idle_lifetime=idle, remembered_idle_lifetime=remembered)) == interval
