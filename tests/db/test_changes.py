"""``changes()``: somebody else has committed, have a look."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from doorward.db import Database, announced, open_database, postgres, statement
from doorward.errors import StorageUnavailable

BUMP = announced(statement("UPDATE family SET generation = generation + 1 WHERE id = 1"))
LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%LISTEN%'"


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """Lend a second database object on the same data, as another process would have."""
    opened = open_database(database_url, pool_size=2, timeout=5)
    await opened.open()
    yield opened
    await opened.close()


async def within(seconds: float, news: AsyncIterator[None]) -> bool:
    """Tell whether there is news in that time."""
    try:
        async with asyncio.timeout(seconds):
            await anext(news)
    except TimeoutError:
        return False
    return True


async def test_the_first_look_is_asked_for_at_once(database: Database) -> None:
    """What was committed before we listened must not be missed."""
    assert await within(2, database.changes())


async def test_a_commit_of_another_connection_is_noticed(database: Database, other: Database) -> None:
    """Ten announced writes elsewhere, each noticed long before the slow poll would have."""
    news = database.changes()
    await anext(news)

    for _ in range(10):
        waiting = asyncio.ensure_future(within(2, news))
        await other.write(BUMP)

        assert await waiting


async def test_silence_is_not_news(database: Database) -> None:
    """Nobody writes, nobody is woken."""
    news = database.changes()
    await anext(news)

    assert not await within(0.15, news)


async def test_now_and_then_it_says_look_for_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message may be lost, and who follows shows by that that it does."""
    monkeypatch.setattr("doorward.db.sqlite.QUIET_INTERVAL", 0.01)
    monkeypatch.setattr("doorward.db.postgres.POLL_INTERVAL", 0.01)
    news = database.changes()
    await anext(news)

    assert await within(2, news)


async def test_it_ends_when_the_database_is_closed(database_url: str) -> None:
    """Whoever follows is released."""
    database = open_database(database_url, pool_size=1, timeout=5)
    await database.open()
    news = database.changes()
    await anext(news)
    waiting = asyncio.ensure_future(anext(news, "the end"))
    await asyncio.sleep(0)

    await database.close()

    assert await asyncio.wait_for(waiting, 2) == "the end"


async def test_several_can_follow(database: Database, other: Database) -> None:
    """Each follower has its own memory of what it has seen."""
    followers = [database.changes() for _ in range(3)]
    for news in followers:
        await anext(news)
    await other.write(BUMP)

    assert all([await within(2, news) for news in followers])


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_lost_listener_listens_again(database: Database, other: Database, database_url: str) -> None:
    """Its connection is cut off: it reconnects, and asks for a look in case something was said meanwhile."""
    news = database.changes()
    await anext(news)
    admin: Any = await asyncpg.connect(database_url)
    await admin.fetch(f"SELECT pg_terminate_backend(pid) FROM ({LISTENING}) l WHERE pid <> pg_backend_pid()")
    await admin.close()

    assert await within(2, news)

    await other.write(BUMP)
    assert await within(2, news)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_without_a_listener_there_is_a_poll(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL grants no further connection: a look now and then, and another try to listen each time."""
    attempts = 0

    async def refuse(*_: object, **__: object) -> None:
        nonlocal attempts
        attempts += 1
        raise asyncpg.TooManyConnectionsError("no more")

    monkeypatch.setattr(postgres, "RECONNECT_INTERVAL", 0.01)
    monkeypatch.setattr(asyncpg, "connect", refuse)
    news = database.changes()

    assert all([await within(2, news) for _ in range(3)])
    assert attempts == 3


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_connection_that_cannot_listen_is_not_leaked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made and then refused to listen, so it is cut off."""
    cut_off = []

    class Deaf:
        async def add_listener(self, *_: object) -> None:
            raise asyncpg.InterfaceError("deaf")

        def terminate(self) -> None:
            cut_off.append(True)

    async def connect(*_: object, **__: object) -> Deaf:
        return Deaf()

    monkeypatch.setattr(asyncpg, "connect", connect)

    await anext(database.changes())

    assert cut_off == [True]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_failing_poll_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is away for a moment; the follower stays and looks again."""
    answers: list[Any] = [StorageUnavailable("away"), [[1]], [[1]], [[2]]]

    async def poll(*_: object, **__: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(database, "_fetch", poll)
    news = database.changes()

    assert await within(2, news)
    assert await within(2, news)
    assert answers == []


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_follower_that_is_cancelled_while_it_connects_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application stops while a listener is being set up: its connection is cut off."""
    reached = asyncio.Event()
    cut_off = []

    class Slow:
        async def add_listener(self, *_: object) -> None:
            reached.set()
            await asyncio.Event().wait()

        def terminate(self) -> None:
            cut_off.append(True)

    async def connect(*_: object, **__: object) -> Slow:
        return Slow()

    monkeypatch.setattr(asyncpg, "connect", connect)
    task = asyncio.ensure_future(anext(database.changes()))
    await reached.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert cut_off == [True]
