"""A session that is kept in memory lives on after its end: the cache answers with what was true a moment ago."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from doorward.db import Database, Row, statement
from doorward.errors import StorageUnavailable
from doorward.sessions import store
from doorward.sessions.hot import TRUSTED_FOR
from doorward.settings import Settings
from tests.support.cookies import LOGIN, OTHER_PASSWORD, enter, status
from tests.support.house import PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import OURS, post
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("quick")


class Looking:
    """Counts the queries by cookie, and lets something happen between a query's answer and the use of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.then: Callable[[], Awaitable[object]] | None = None
        self._find = store.find_by_handle
        monkeypatch.setattr(store, "find_by_handle", self)

    async def __call__(self, database: Database, handle: bytes) -> Row | None:
        self.count += 1
        row = await self._find(database, handle)
        then, self.then = self.then, None
        if then is not None:
            await then()
        return row


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    """Lend the eye on the queries."""
    return Looking(monkeypatch)


@pytest.fixture
async def other(house: House, settings: Settings) -> AsyncIterator[House]:
    """Lend a second instance on the same database, as another process has."""
    async with open_house(settings, clock=house.clock) as opened:
        opened.auth.pool.hasher = QuickHasher(settings.passwords)
        yield opened


async def warm(house: House, held: tuple[bytes, bytes], looking: Looking) -> None:
    """Ask until the session is answered without a query."""

    async def is_hot() -> bool:
        before = looking.count
        assert await status(house, held) == 200
        return looking.count == before

    await until(is_hot)


async def test_a_hot_session_needs_no_query(house: House, looking: Looking) -> None:
    """What all this is for."""
    held = await enter(house)
    await warm(house, held, looking)
    before = looking.count

    statuses = [await status(house, held) for _ in range(20)]

    assert statuses == [200] * 20
    assert looking.count == before


ENDINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "log-out": ("/v1/logout", {}),
    "log-out everywhere": ("/v1/logout", {"everywhere": True}),
    "log-in instead": ("/v1/login", LOGIN),
    "step-up": ("/v1/reauthenticate", {"password": PASSWORD}),
    "password change": ("/v1/me/password", {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_what_ends_or_renews_a_session_is_obeyed_at_once_and_elsewhere_in_a_moment(
    house: House, other: House, looking: Looking, how: str
) -> None:
    """The old cookie is dead in this process with the answer, and in the other as soon as it was told."""
    held = await enter(house)
    await warm(house, held, looking)
    await warm(other, held, looking)
    path, body = ENDINGS[how]

    answer = await post(house.auth, path, body, held, OURS)

    assert answer.status in (200, 204)
    assert await status(house, held) == 401
    await until(lambda: _is(other, held, 401))


@pytest.mark.parametrize("how", ["disabled", "ended by an operator", "one ended"])
async def test_what_operators_end_is_obeyed_at_once_and_elsewhere_in_a_moment(
    house: House, other: House, looking: Looking, how: str
) -> None:
    """The operator's command is another process: what is hot in the server is dropped there."""
    held = await enter(house)
    await warm(house, held, looking)
    await warm(other, held, looking)
    account = await house.auth.accounts.find_by_email("ada@example.test")
    (session,) = (await house.auth.sessions.page(account.id)).sessions
    acts = {
        "disabled": lambda: house.auth.accounts.disable(account.id),
        "ended by an operator": lambda: house.auth.sessions.end_all(account.id, why="test"),
        "one ended": lambda: house.auth.sessions.end(session.id, account_id=account.id, why="test"),
    }

    await acts[how]()

    assert await status(house, held) == 401
    await until(lambda: _is(other, held, 401))


async def _is(house: House, held: tuple[bytes, bytes], expected: int) -> bool:
    return await status(house, held) == expected


async def test_a_change_of_roles_is_seen_at_once_and_elsewhere_in_a_moment(
    house: House, other: House, looking: Looking
) -> None:
    """Who was an admin a moment ago is none any more, in memory or not."""
    held = await enter(house)
    await warm(house, held, looking)
    await warm(other, held, looking)
    account = await house.auth.accounts.find_by_email("ada@example.test")

    await house.auth.accounts.set_roles(account.id, ("admin",))

    assert await _roles(house, held) == {"admin"}
    await until(lambda: _has_roles(other, held, {"admin"}))


async def _roles(house: House, held: tuple[bytes, bytes]) -> set[str]:
    principal = await house.auth.authenticate({"type": "http", "method": "GET", "headers": [held]})
    assert principal is not None
    return set(principal.roles)


async def _has_roles(house: House, held: tuple[bytes, bytes], expected: set[str]) -> bool:
    return await _roles(house, held) == expected


@pytest.mark.parametrize("how", ["here", "elsewhere"])
@pytest.mark.parametrize("act", ["/v1/logout", "/v1/reauthenticate"])
async def test_what_was_read_before_the_end_is_not_remembered_after_it(
    house: House, other: House, looking: Looking, act: str, how: str
) -> None:
    """The race: looked up, then ended and obeyed, then put into memory. Forced here at exactly that point."""
    held = await enter(house)
    body = {} if act == "/v1/logout" else {"password": PASSWORD}
    ended: list[int] = []

    async def end_meanwhile() -> None:
        by = house if how == "here" else other
        ended.append((await post(by.auth, act, body, held, OURS)).status)
        await house.auth.revocations.follow()
        await house.auth.sessions.follow()

    looking.then = end_meanwhile
    overtaken = await status(house, held)

    assert ended[0] in (200, 204)
    assert overtaken == 200  # it was asked before the end
    assert await status(house, held) == 401


async def test_the_race_of_following_that_fails(house: House, looking: Looking) -> None:
    """What was read before memory lost its trust is not taken in when the trust is back."""
    held = await enter(house)

    async def blink() -> None:
        house.auth.sessions.distrust()
        await house.auth.sessions.follow()

    looking.then = blink
    await status(house, held)
    before = looking.count
    await status(house, held)

    assert looking.count == before + 1


async def test_while_the_database_cannot_be_followed_every_request_is_a_query(
    house: House, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would tell this process of a log-out elsewhere."""
    held = await enter(house)
    await warm(house, held, looking)
    monkeypatch.setattr(house.auth.sessions._hot, "trust", lambda: None)
    house.auth.sessions.distrust()
    before = looking.count

    statuses = [await status(house, held) for _ in range(3)]

    assert statuses == [200] * 3
    assert looking.count == before + 3


async def test_following_that_fails_is_noticed(
    house: House, other: House, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the failure on memory is empty, so that an end elsewhere that is told to nobody counts all the same."""
    held = await enter(house)
    await warm(house, held, looking)

    async def fail() -> None:
        raise StorageUnavailable("cut off")

    monkeypatch.setattr(house.auth.revocations, "follow", fail)
    await other.register("nudge@example.test")
    account = await other.auth.accounts.find_by_email("nudge@example.test")
    await other.auth.sessions.end_all(account.id, why="an announced write, so that it is looked at")
    await until(lambda: _is_cold(house, held, looking))
    await post(other.auth, "/v1/logout", {}, held, OURS)

    assert await status(house, held) == 401


async def _is_cold(house: House, held: tuple[bytes, bytes], looking: Looking) -> bool:
    before = looking.count
    await status(house, held)
    return looking.count > before


async def test_an_end_that_nobody_told_counts_after_a_few_seconds(house: House, looking: Looking) -> None:
    """Somebody wrote the row by hand: no feed says so, and still memory does not answer for ever."""
    held = await enter(house)
    await warm(house, held, looking)
    await house.auth._database.write(statement("UPDATE session SET ended_at = 1"))

    house.clock.advance(TRUSTED_FOR - 1)
    within = await status(house, held)
    house.clock.advance(1)
    after = await status(house, held)

    assert (within, after) == (200, 401)


async def test_a_clock_that_was_set_back_makes_nothing_immortal(house: House, looking: Looking) -> None:
    """An entry of the future is read again."""
    held = await enter(house)
    await warm(house, held, looking)
    house.clock.advance(-3600)
    before = looking.count

    await status(house, held)

    assert looking.count == before + 1


@pytest.mark.parametrize("member", ["lifetime", "idle_lifetime"])
async def test_a_hot_session_ends_to_the_second(settings: Settings, looking: Looking, member: str) -> None:
    """Memory is asked the time at every request: the deadline passes between two hits."""
    lifetimes = {"lifetime": 7200, "idle_lifetime": 3600, "fresh_lifetime": 600}
    sessions = replace(settings.sessions, **lifetimes)
    async with open_house(replace(settings, sessions=sessions)) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        held = await enter(house)
        began = house.clock.now
        steps = [3599, 3599] if member == "lifetime" else [0]
        for step in steps:
            house.clock.advance(step)
            await warm(house, held, looking)
        last = began + 7200 if member == "lifetime" else house.clock.now + 3600

        house.clock.now = last - 1
        if member == "lifetime":
            await warm(house, held, looking)
            before = looking.count
        else:
            before = looking.count
            _remember_as_read_now(house, held)
        house.clock.now = last
        after = await house.auth.sessions.resume(held[1].partition(b"=")[2].decode())

    assert after is None
    assert looking.count == before


def _remember_as_read_now(house: House, held: tuple[bytes, bytes]) -> None:
    """Make what is remembered look young, so that it is memory that must know that the session is idle."""
    (entry,) = house.auth.sessions._hot._entries.values()
    entry.read_at = house.clock.now


async def test_another_persons_cookie_is_never_answered_with_what_is_remembered(house: House, looking: Looking) -> None:
    """The whole cookie is the key: its beginning, its end or another letter case are not it (CVE-2026-35030)."""
    held = await enter(house)
    await warm(house, held, looking)
    genuine = held[1]

    for altered in (
        genuine[:-1],
        genuine + b"A",
        genuine[:-1] + (b"A" if genuine[-1:] != b"A" else b"B"),
        genuine.swapcase(),
    ):
        assert await status(house, (b"cookie", altered)) == 401, altered
    assert await status(house, held) == 200


async def test_memory_is_bounded_and_the_oldest_gives_way(house: House, looking: Looking) -> None:
    """Whoever makes many sessions makes others slower at most, not the server larger."""
    sessions = house.auth.sessions
    sessions._hot._size = 2
    held = [await enter(house, f"p{number}@example.test") for number in range(3)]
    for each in held:
        await warm(house, each, looking)

    assert len(sessions._hot) == 2
    assert len(sessions._hot._named) == 4
    before = looking.count
    assert await status(house, held[0]) == 200
    assert looking.count == before + 1


async def test_a_lifespan_that_begins_again_remembers_nothing(settings: Settings, looking: Looking) -> None:
    """What ended while nobody was looking has ended."""
    async with open_house(settings) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        held = await enter(house)
        await warm(house, held, looking)
    before = looking.count
    async with house.auth.lifespan():
        await house.auth._database.write(statement("UPDATE session SET ended_at = 1"))

        resumed = await house.auth.sessions.resume(held[1].partition(b"=")[2].decode())

    assert resumed is None
    assert looking.count == before + 1
