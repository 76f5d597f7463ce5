"""``GET /v1/revocations`` on both engines: what it tells, whom it lets wait, what it costs, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from doorward.db import statement
from doorward.errors import StorageUnavailable
from doorward.revocation import feed as feed_module
from doorward.revocation import store
from doorward.settings import Settings
from doorward.verify.jwks import GOOD_FOR
from doorward.verify.model import Kind, RevocationSet, digest
from doorward.verify.page import MAX_ENTRIES, Page, read_page
from tests.support.faults import FailingDatabase
from tests.support.house import ORIGIN, FakeClock, House, bearer, open_house
from tests.support.quick import QuickHasher
from tests.support.waiting import until


@pytest.fixture
def quick(house: House) -> None:
    """Let logging in take no time."""
    house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)


async def ask(house: House, after: str = "", *, wait: object = 0) -> Page:
    """Ask as a follower does, and verify the answer as one."""
    answer = await house.client.get("/v1/revocations", params={"after": after, "wait": str(wait)})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["feed"]
    return read_page(answer.json()["feed"], house.auth.keys.published, issuer=ORIGIN)[0]


async def revoke(house: House, *names: str, kind: Kind = "token", not_before: int | None = None) -> None:
    """Revoke things as a slice does: in one write, obeyed here at its commit."""
    revocations, now = house.auth.revocations, house.clock()
    statements = [revocations.of(digest(kind, name), kind=kind, not_before=not_before, now=now) for name in names]
    for rows in await house.auth._database.write(*statements):
        revocations.obey(rows)


def names(page: Page) -> list[bytes]:
    """The digests of a page."""
    return [one.digest for one in page.entries]


async def test_a_new_instance_has_nothing_to_tell(house: House) -> None:
    """An empty page, signed now."""
    page = await ask(house)

    assert page == Page(after="0", cursor="0", issued_at=house.clock(), entries=())


async def test_a_log_out_is_told(house: House, quick: None) -> None:
    """The digest of the session, and when it may be forgotten: no token lives longer."""
    entered = await house.enter()

    await house.client.post("/v1/logout", json={}, headers=bearer(entered["access_token"]))

    (entry,) = (await ask(house)).entries
    assert (entry.kind, entry.digest, entry.not_before) == ("session", digest("session", entered["session_id"]), None)
    assert entry.forget_at >= house.clock() + house.auth.settings.tokens.access_lifetime


async def test_each_kind_is_told_with_its_time(house: House) -> None:
    """Keys, tokens and accounts, of which only what was issued before counts."""
    await house.auth.keys.rotate(revoke=True)
    await revoke(house, "acc_one", kind="account", not_before=house.clock())
    await revoke(house, "jti")

    page = await ask(house)

    assert [one.kind for one in page.entries] == ["key", "key", "account", "token"]
    assert page.entries[2].not_before == house.clock()
    assert house.auth.revocations.live.covers(digest("account", "acc_one"), issued_at=house.clock() - 1)
    assert not house.auth.revocations.live.covers(digest("account", "acc_one"), issued_at=house.clock())


async def test_a_withdrawn_key_is_remembered_for_as_long_as_verifiers_may_hold_it(house: House) -> None:
    """Its thief signs new tokens, so the life of a token is no bound."""
    await house.auth.keys.rotate(revoke=True)

    forget_at = {one.forget_at for one in (await ask(house)).entries}

    assert min(forget_at) >= house.clock() + GOOD_FOR + 60


async def test_the_next_question_gets_what_follows(house: House) -> None:
    """And nothing twice."""
    await revoke(house, "one")
    first = await ask(house)
    await revoke(house, "two", "three")

    second = await ask(house, first.cursor)

    assert names(second) == [digest("token", "two"), digest("token", "three")]
    assert (second.after, second.reset, second.more) == (first.cursor, False, False)
    assert (await ask(house, second.cursor)).entries == ()


async def test_many_come_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page says whether there is more, so a follower asks again at once."""
    monkeypatch.setattr(feed_module, "MAX_ENTRIES", 3)
    await revoke(house, *"abcdefgh")

    pages = [await ask(house)]
    while pages[-1].more:
        pages.append(await ask(house, pages[-1].cursor))

    assert [len(page.entries) for page in pages] == [3, 3, 2]
    assert [name for page in pages for name in names(page)] == [digest("token", letter) for letter in "abcdefgh"]


async def test_a_full_page_of_the_longest_entries_can_be_signed(house: House) -> None:
    """The bounds of entries, token and body fit each other."""
    await revoke(house, *map(str, range(MAX_ENTRIES)), kind="account", not_before=9_999_999_999)

    page = await ask(house)

    assert len(page.entries) == MAX_ENTRIES


@pytest.mark.parametrize("after", ["999999.0123456789abcdef", "1.0123456789abcdef", "nonsense", "'; DROP TABLE x", "1"])
async def test_an_unknown_cursor_begins_from_the_start(house: House, after: str) -> None:
    """From the future (a restored backup), of another database, or nonsense: ``reset``, and everything there is."""
    await revoke(house, "one")

    page = await ask(house, after)

    assert page.reset
    assert page.after == "0"
    assert names(page) == [digest("token", "one")]


async def test_a_restored_backup_whose_numbers_are_given_out_again_is_noticed(house: House) -> None:
    """The follower's number exists, and is another row: it would never hear of those before it."""
    await revoke(house, "one", "two")
    page = await ask(house)
    await house.auth._database.write(statement("UPDATE revocation SET digest = :new", new=b"n" * 16))

    assert (await ask(house, page.cursor)).reset


async def test_cleaning_up_resets_who_is_behind_and_not_who_is_up_to_date(house: House) -> None:
    """The newest row stays, because everybody who follows stands there."""
    await revoke(house, "one")
    behind = await ask(house)
    await revoke(house, "two")
    current = await ask(house)
    house.clock.advance(7_200)

    await house.auth.keep_house()

    assert (await ask(house, behind.cursor)).reset
    assert await ask(house, current.cursor) == Page(current.cursor, current.cursor, house.clock(), ())
    await revoke(house, "three")
    assert names(await ask(house, current.cursor)) == [digest("token", "three")]


async def test_what_no_token_can_say_any_more_is_not_told(house: House) -> None:
    """Whoever begins from the start gets what still matters."""
    await revoke(house, "old")
    house.clock.advance(7_200)
    await revoke(house, "new")

    assert names(await ask(house)) == [digest("token", "new")]


async def test_a_question_waits_for_news(house: House, quick: None) -> None:
    """And is answered as soon as somebody logs out, also in another process, whose commit only the database tells."""
    entered = await house.enter()
    waiting = asyncio.create_task(ask(house, wait=30))
    await until(lambda: house.auth._feed._waiting.taken == 1)

    async with open_house(house.auth.settings, clock=house.clock) as neighbour:
        await neighbour.client.post("/v1/logout", json={}, headers=bearer(entered["access_token"]))

        assert names(await waiting) == [digest("session", entered["session_id"])]
    assert house.auth._feed._waiting.taken == 0


async def test_a_question_is_answered_when_its_time_is_up(house: House) -> None:
    """With an empty page that was signed then, which tells that there was nothing."""
    waiting = asyncio.create_task(ask(house, wait=1))
    await until(lambda: house.auth._feed._waiting.taken == 1)
    house.clock.advance(1)

    assert await waiting == Page("0", "0", house.clock(), ())


@pytest.mark.parametrize("wait", ["", "x", "-1", "1e3", "99999", "١", "0"])
async def test_nonsense_does_not_wait(house: House, wait: str) -> None:
    """Whole seconds, three digits at most."""
    assert (await ask(house, wait=wait)).entries == ()


async def test_news_of_somebody_else_s_place_keeps_waiting(house: House) -> None:
    """Being woken is no answer yet: who is up to date goes on."""
    waiting = asyncio.create_task(ask(house, wait=30))
    await until(lambda: house.auth._feed._waiting.taken == 1)

    house.auth._feed.wake()
    await asyncio.sleep(0)
    await revoke(house, "one")

    assert names(await waiting) == [digest("token", "one")]


@pytest.fixture
def counted(house: House, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count readings and signatures of the feed."""
    counts = {"read": 0, "signed": 0}
    read, write = store.following, feed_module.write_page

    async def reading(*arguments: Any, **named: Any) -> Any:
        counts["read"] += 1
        return await read(*arguments, **named)

    def signing(*arguments: Any, **named: Any) -> str:
        counts["signed"] += 1
        return write(*arguments, **named)

    monkeypatch.setattr(store, "following", reading)
    monkeypatch.setattr(feed_module, "write_page", signing)
    return counts


async def test_a_thousand_followers_cost_one_reading_and_one_signature(house: House, counted: dict[str, int]) -> None:
    """They stand at the same place and are woken by one event."""
    feed = house.auth._feed
    feed._waiting.per_network = 1000
    waiting = [asyncio.create_task(feed.answer("0", wait=30, network="one")) for _ in range(1000)]
    await until(lambda: feed._waiting.taken == 1000)
    assert counted == {"read": 1, "signed": 1}

    await revoke(house, "one")
    answers = await asyncio.gather(*waiting)

    assert counted == {"read": 2, "signed": 2}
    assert len(set(answers)) == 1


async def test_an_answer_is_kept_for_a_second(house: House, counted: dict[str, int]) -> None:
    """Nonsense of any kind is one place, too; a second later the time must be signed anew."""
    for _ in range(20):
        await ask(house)
        await ask(house, "nonsense")
        await ask(house, "999.0123456789abcdef")
    assert counted["signed"] == 2

    house.clock.advance(1)
    await ask(house)

    assert counted["signed"] == 3


async def test_all_who_are_lost_cost_one_signature(house: House, counted: dict[str, int]) -> None:
    """After a restored backup every follower is, each at a place of its own; strangers can make such places up, too."""
    await revoke(house, "one")

    pages = [await ask(house, f"{number}.0123456789abcdef") for number in range(1, 41)]

    assert counted == {"read": 41, "signed": 1}
    assert {(page.reset, page.after, tuple(names(page))) for page in pages} == {(True, "0", (digest("token", "one"),))}


async def test_only_so_many_answers_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest gives way."""
    monkeypatch.setattr(feed_module, "MAX_KEPT", 2)

    for number in range(1, 6):
        await ask(house, f"{number}.0123456789abcdef")

    assert len(house.auth._feed._kept) == 2


@pytest.mark.parametrize("bound", ["places", "per_network"])
async def test_whoever_finds_no_place_is_told_when_to_come_back(house: House, bound: str) -> None:
    """503 with ``Retry-After``; without waiting there is always an answer, and a place that becomes free is given."""
    setattr(house.auth._feed._waiting, bound, 1)
    waiting = asyncio.create_task(ask(house, wait=30))
    await until(lambda: house.auth._feed._waiting.taken == 1)

    refused = await house.client.get("/v1/revocations", params={"wait": "30"})

    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "overloaded", "1")
    assert (await ask(house)).entries == ()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert house.auth._feed._waiting.taken == 0
    assert not house.auth._feed._waiting._networks


async def test_only_so_many_pages_are_read_at_a_time(house: House) -> None:
    """A flood of different cursors from one network queues up no endless work, and leaves places to others.

    Whoever asks for a page that is read already joins.
    """
    feed = house.auth._feed
    feed._reading.per_network = 1
    async with feed._turn:
        first = asyncio.create_task(ask(house))
        await until(lambda: feed._reading.taken == 1)
        second = asyncio.create_task(ask(house))

        refused = await house.client.get("/v1/revocations", params={"after": "1.0123456789abcdef"})
        other = asyncio.create_task(feed.answer("1.0123456789abcdef", wait=0, network="another"))
        await until(lambda: feed._reading.taken == 2)

        assert refused.status_code == 503
    assert (await first) == (await second)
    assert await other


async def test_a_stopping_server_lets_everybody_go(house: House) -> None:
    """At once, with what there is. Who comes later may wait: a new certificate ends a server and not the instance."""
    waiting = [asyncio.create_task(ask(house, wait=30)) for _ in range(3)]
    await until(lambda: house.auth._feed._waiting.taken == 3)

    house.auth.let_go()

    assert {page.entries for page in await asyncio.gather(*waiting)} == {()}
    later = asyncio.create_task(ask(house, wait=30))
    await until(lambda: house.auth._feed._waiting.taken == 1)
    await revoke(house, "one")
    assert names(await later) == [digest("token", "one")]


async def test_the_end_of_an_instance_lets_everybody_go(settings: Settings) -> None:
    """Also under a server that knows nothing of this."""
    async with open_house(settings) as house:
        waiting = asyncio.create_task(house.auth._feed.answer("0", wait=30, network="one"))
        await until(lambda: house.auth._feed._waiting.taken == 1)

    await asyncio.wait([waiting])
    assert house.auth._feed._waiting.taken == 0


@pytest.fixture
async def failing(settings: Settings) -> AsyncIterator[tuple[House, FailingDatabase]]:
    """A house whose database can be told to fail."""
    from doorward.db import open_database

    database = FailingDatabase(open_database(settings.database_url, pool_size=4, timeout=10))
    async with open_house(settings, clock=FakeClock(), database=database) as house:
        yield house, database


async def test_without_the_database_nothing_is_signed(failing: tuple[House, FailingDatabase]) -> None:
    """An empty page from memory would call itself fresh. The failure is not kept either."""
    house, database = failing
    database.fail_at = database.calls + 1

    answers = await asyncio.gather(*(house.client.get("/v1/revocations") for _ in range(3)))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, StorageUnavailable.code)}
    assert (await ask(house)).entries == ()


async def test_a_failure_that_nobody_waits_for_is_no_noise(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody has left who asked; the reading ends by itself."""
    feed = house.auth._feed

    async def following(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable("away")

    monkeypatch.setattr(store, "following", following)
    async with feed._turn:
        asking = asyncio.create_task(ask(house))
        await until(lambda: feed._reading.taken == 1)
        made = next(iter(feed._kept.values())).answer
        asking.cancel()
        await asyncio.wait([asking])
    await until(made.done)

    another = asyncio.create_task(feed._make(None, 0, "one"))
    another.add_done_callback(feed_module._look_at)
    another.cancel()
    await asyncio.wait([another])


async def test_nobody_may_keep_an_answer(house: House) -> None:
    """Neither a browser nor a proxy, and it needs no credential."""
    answer = await house.client.get("/v1/revocations")

    assert answer.headers["cache-control"] == "no-store"


async def test_the_metadata_name_the_feed(house: House) -> None:
    """So that a verifier of another make finds it (RFC 8414)."""
    metadata = (await house.client.get("/.well-known/oauth-authorization-server")).json()

    assert metadata["revocations_uri"] == f"{ORIGIN}/v1/revocations"


async def test_the_page_adds_up_to_the_live_set(house: House) -> None:
    """Two sides face each other: what this process refuses, a follower refuses."""
    await revoke(house, *map(str, range(50)))
    await revoke(house, "acc_one", kind="account", not_before=house.clock())
    followed = RevocationSet()

    for one in (await ask(house)).entries:
        followed.add(one.digest, one.forget_at, one.not_before)

    assert followed._known == house.auth.revocations.live._known
