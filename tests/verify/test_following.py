"""Following a feed from a real server over a real line: threads, event loops, forks, ends."""

import asyncio
import logging
import os
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from doorward.errors import KeysUnavailable, Misconfigured
from doorward.jose.keys import SigningKey
from doorward.verify import FeedStatus, Guard, RevocationSet, RevocationsUnavailable, Verifier, following, upstream
from doorward.verify.following import Follower
from doorward.verify.model import digest
from tests.support.waiting import until
from tests.verify.feed_server import Feeding, feeding, refuses, state
from tests.verify.key_server import Handler, saying
from tests.verify.parties import NOW, Issuer, bearing, scope_of
from tests.verify.test_sockets import Wire, listening


@pytest.fixture
def feed() -> Iterator[Feeding]:
    """An issuer that publishes a feed."""
    with feeding() as feed:
        yield feed


@pytest.fixture
def verifier(feed: Feeding) -> Iterator[Verifier]:
    """A verifier that follows it."""
    verifier = feed.verifier()
    yield verifier
    verifier.close()


def follower_of(verifier: Verifier) -> Follower:
    """The follower of this process."""
    here = verifier._upstream()
    assert here is not None
    assert here.follower is not None
    return here.follower


async def silent(feed: Feeding, verifier: Verifier) -> None:
    """Let the issuer's feed fail from now on, also for those who wait."""
    feed.behave(lambda _feed, handler, _after, _wait: saying(502)(handler))
    await until(lambda: follower_of(verifier).status().failures > 0)


async def test_what_was_revoked_before_the_start_is_refused_by_the_first_check(
    feed: Feeding, verifier: Verifier
) -> None:
    """The first check waits for the first answer: nobody slips in on an empty set."""
    feed.revoke("session", "ses_one")

    assert refuses(verifier, feed.token())


async def test_it_waits_without_blocking_the_loop_too(feed: Feeding, verifier: Verifier) -> None:
    """The same for coroutines, many of which share one follower."""
    feed.revoke("session", "ses_one")

    outcomes = await asyncio.gather(*(verifier.check_async(feed.token()) for _ in range(20)), return_exceptions=True)

    assert {getattr(outcome, "why", outcome) for outcome in outcomes} == {"revoked"}
    assert [after for after, _ in feed.asked].count("0") == 1


@pytest.mark.parametrize(
    ("kind", "name"), [("session", "ses_one"), ("token", "token-one"), ("account", "acc_one"), ("key", "")]
)
async def test_a_token_that_was_good_is_refused_once_it_is_revoked(
    feed: Feeding, verifier: Verifier, kind: str, name: str
) -> None:
    """Whatever it stands on, and although it is in the cache of verified tokens."""
    token = feed.token()
    assert verifier.check(token).subject == "acc_one"

    feed.revoke(kind, name or feed.party.key.kid)

    await until(lambda: refuses(verifier, token))


async def test_an_account_is_revoked_until_a_time(feed: Feeding, verifier: Verifier) -> None:
    """``not_before``: tokens issued before it are refused, tokens issued then or later are believed."""
    old, new = feed.token(), feed.token(iat=NOW + 5, jti="new")
    feed.revoke("account", "acc_one", not_before=NOW + 5)

    assert refuses(verifier, old)
    assert verifier.check(new).subject == "acc_one"


async def test_pages_are_read_to_the_end_before_anybody_is_let_in(feed: Feeding, verifier: Verifier) -> None:
    """Ten thousand that end at once come in many answers."""
    feed.page_size = 700
    feed.revoke("session", *(f"ses_{number}" for number in range(10_000)))

    assert refuses(verifier, feed.token(sid="ses_9999"))

    status = state(verifier)
    assert (status.revocations, status.answers) == (10_000, 15)


async def test_one_line_is_kept_for_all_questions(feed: Feeding, verifier: Verifier) -> None:
    """A handshake for every log-out would be what followers cost."""
    lines: set[int] = set()

    def note(feed: Feeding, handler: Handler, after: str, wait: int) -> None:
        lines.add(handler.client_address[1])
        saying(200, feed.signed(feed.page(after)))(handler)

    feed.behave(note)
    verifier.check(feed.token())
    await until(lambda: len(feed.asked) > 2)

    assert len(lines) == 1


async def test_a_line_that_was_closed_meanwhile_is_replaced(feed: Feeding, verifier: Verifier) -> None:
    """A restart, or an idle time-out of a proxy: no failure, no pause."""

    def once(feed: Feeding, handler: Handler, after: str, wait: int) -> None:
        handler.close_connection = True
        saying(200, feed.signed(feed.page(after)))(handler)

    feed.behave(once)
    verifier.check(feed.token())
    await until(lambda: len(feed.asked) > 1)

    status = state(verifier)
    assert status.failures == 0


async def test_a_rotated_key_is_fetched_when_it_first_signs(feed: Feeding, verifier: Verifier) -> None:
    """An answer that an unknown key has signed asks for the key set, as a token does."""
    verifier.check(feed.token())
    feed.clock.now += 11
    successor = Issuer(feed.party.name)
    feed.revoke("key", feed.party.key.kid)
    feed.party.key = successor.key
    feed.revoke("session", "ses_two")

    await until(lambda: refuses(verifier, feed.token(sid="ses_two")))
    assert verifier.check(feed.token()).subject == "acc_one"


async def test_a_withdrawn_key_leaves_the_set_when_it_is_heard_of(feed: Feeding, verifier: Verifier) -> None:
    """Its thief can sign new tokens for ever, so it must not wait for the next refresh of the keys."""
    verifier.check(feed.token())
    assert feed.server is not None
    feed.clock.now += 11
    feed.revoke("key", "another")

    await until(lambda: [path.startswith("/.well-known") for path in feed.server.asked].count(True) == 2)


async def test_an_unknown_key_that_stays_unknown_is_a_failure(feed: Feeding, verifier: Verifier) -> None:
    """And the key set is not asked for in vain again and again."""
    verifier.check(feed.token())
    feed.signer = SigningKey.generate("ES256")

    feed.revoke("session", "ses_one")

    follower = follower_of(verifier)
    await until(lambda: follower.status().last_failure == "key")
    assert not refuses(verifier, feed.token())


async def test_a_server_that_comes_back_is_found(feed: Feeding, verifier: Verifier) -> None:
    """What was revoked while nobody answered is caught up with."""
    verifier.check(feed.token())
    await silent(feed, verifier)
    follower = follower_of(verifier)
    await until(lambda: follower.status().failures > 1)
    feed.entries.clear()
    feed.revoke("session", "ses_one", "ses_two")

    feed.behave(None)

    await until(lambda: refuses(verifier, feed.token(sid="ses_two")))
    assert follower.status().last_failure == ""


async def test_a_restored_backup_takes_nothing_back(feed: Feeding, verifier: Verifier) -> None:
    """The cursor is from the future, the issuer begins anew: what was refused stays refused."""
    feed.revoke("session", "ses_one", "ses_two")
    token = feed.token(sid="ses_two")
    assert refuses(verifier, token)

    def restored(feed: Feeding, handler: Handler, after: str, wait: int) -> None:
        page = feed.page("0" if after != "d1" else after, cursor="d1", reset=after != "d1", more=False)
        saying(200, feed.signed(page))(handler)

    feed.behave(restored)
    feed.entries.clear()
    feed.revoke("session", "ses_three")

    await until(lambda: refuses(verifier, feed.token(sid="ses_three")))
    assert refuses(verifier, token)


# -- stale ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def cut_off(feed: Feeding) -> AsyncIterator[tuple[Feeding, Verifier, list[FeedStatus]]]:
    """A verifier that believes until expiry, whose issuer has fallen silent a minute ago, and what it has told."""
    told: list[FeedStatus] = []
    verifier = feed.verifier(when_stale="until_expiry", on_feed_change=told.append)
    feed.revoke("session", "ses_two")
    verifier.check(feed.token())
    await silent(feed, verifier)
    feed.clock.now += 61
    yield feed, verifier, told
    verifier.close()


async def test_a_verifier_without_news_refuses(
    feed: Feeding, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    """By default: 503, because the token may be good. When the issuer is heard again, it is believed again."""
    feed.revoke("session", "ses_two")
    token = feed.token()
    verifier.check(token)
    await silent(feed, verifier)
    feed.clock.now += 60
    assert verifier.check(token).subject == "acc_one"
    feed.clock.now += 1

    with caplog.at_level(logging.INFO, logger="doorward.verify"):
        for _ in range(2):
            with pytest.raises(RevocationsUnavailable) as refusal:
                verifier.check(token)
        assert (refusal.value.status, refusal.value.code) == (503, "revocations_unavailable")
        assert verifier.staleness == 61
        feed.behave(None)

        await until(lambda: verifier.staleness == 0)
    assert verifier.check(token).subject == "acc_one"
    assert [
        record.levelname for record in caplog.records if "61 seconds: every token is refused" in record.message
    ] == ["ERROR"]
    await until(lambda: "are followed, as of now" in caplog.text)


async def test_a_service_may_believe_until_expiry(
    cut_off: tuple[Feeding, Verifier, list[FeedStatus]], caplog: pytest.LogCaptureFixture
) -> None:
    """The other choice: the token is believed, what was revoked before is refused, and everybody can see it."""
    feed, verifier, told = cut_off

    with caplog.at_level(logging.ERROR, logger="doorward.verify"):
        assert verifier.check(feed.token()).subject == "acc_one"

    assert refuses(verifier, feed.token(sid="ses_two"))
    assert "may be believed until they expire" in caplog.text
    assert [(status.fresh, status.stale_periods) for status in told] == [(True, 0), (False, 1)]
    status = state(verifier)
    assert (status.fresh, status.staleness, status.stale_periods) == (False, 61, 1)
    await until(lambda: follower_of(verifier).status().failures > 0)


@pytest.mark.parametrize("when_stale", ["refuse", "until_expiry"])
async def test_what_is_open_ends_when_everything_is_refused(feed: Feeding, when_stale: Any) -> None:
    """Noticed by the follower itself, with nobody asking; told once, and before a listener that may fail."""
    told: list[str] = []

    def listen(status: FeedStatus) -> None:
        told.append("fresh" if status.fresh else f"{len(told) - 1} open ended before")

    verifier = feed.verifier(when_stale=when_stale, on_feed_change=listen)
    watch = verifier.watch(verifier.check(feed.token()), lambda: told.append(watch.reason))
    await silent(feed, verifier)
    feed.clock.now += 61

    await until(lambda: told[-1].endswith("before"))
    verifier.close()

    ended = ["revocations_unavailable"] if when_stale == "refuse" else []
    assert told == ["fresh", *ended, f"{len(ended)} open ended before"]


async def test_a_web_socket_is_closed_when_everything_is_refused(feed: Feeding, verifier: Verifier) -> None:
    """With 1008 and the code of the refusal that a request would get."""
    wire = Wire()
    scope = scope_of(b"/socket", kind="websocket", headers=bearing(feed.token()))
    socket = asyncio.create_task(Guard(listening, verifier)(scope, wire.receive, wire.send))
    await until(lambda: {"type": "websocket.accept"} in wire.sent)
    await silent(feed, verifier)

    feed.clock.now += 61
    await socket

    assert wire.sent[1:] == [{"type": "websocket.close", "code": 1008, "reason": "revocations_unavailable"}]


async def test_an_issuer_that_is_gone_is_survived_for_as_long_as_its_keys_are_good(feed: Feeding) -> None:
    """A service that believes until expiry goes on for a day without keys and feed; one that refuses for a minute."""
    feed.revoke("session", "ses_two")
    lenient, strict = feed.verifier(when_stale="until_expiry"), feed.verifier()
    for verifier in (lenient, strict):
        verifier.check(feed.token())
    feed.go()

    for hours in (1, 12, 23):
        feed.clock.now = NOW + 3600 * hours
        assert lenient.check(feed.token()).subject == "acc_one"
        with pytest.raises(RevocationsUnavailable):
            strict.check(feed.token())
    feed.clock.now = NOW + 86_400
    with pytest.raises(KeysUnavailable):
        lenient.check(feed.token(exp=NOW + 86_500, iat=NOW + 86_400))
    lenient.close()
    strict.close()


async def test_a_machine_that_slept_asks_anew(feed: Feeding, verifier: Verifier) -> None:
    """Its question may wait at a dead line; the first check afterwards sees that it is stale, and hangs up."""
    verifier.check(feed.token())
    await until(lambda: feed.asked[-1][1] > 0)
    feed.clock.now += 3_600

    with pytest.raises(RevocationsUnavailable):
        verifier.check(feed.token())

    await until(lambda: verifier.staleness == 0)
    assert verifier.check(feed.token()).subject == "acc_one"


async def test_a_listener_that_fails_disturbs_nobody(feed: Feeding, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    def fail(_: FeedStatus) -> None:
        raise RuntimeError("mine")

    verifier = feed.verifier(on_feed_change=fail)

    assert verifier.check(feed.token()).subject == "acc_one"
    verifier.close()

    assert "listener" in caplog.text


async def test_a_feed_that_never_came_is_waited_for_once(feed: Feeding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then each check is refused at once, or goes on without, as was chosen."""
    monkeypatch.setattr(following, "FIRST_WAIT", 0.3)
    feed.behave(lambda _feed, handler, _after, _wait: saying(404)(handler))
    strict, lenient = feed.verifier(), feed.verifier(when_stale="until_expiry")
    assert (strict.staleness, strict.feed_status() is not None) == (None, True)

    for verifier in (strict, strict):
        with pytest.raises(RevocationsUnavailable):
            verifier.check(feed.token())
    with pytest.raises(RevocationsUnavailable):
        await strict.check_async(feed.token())
    assert lenient.check(feed.token()).subject == "acc_one"
    assert (await lenient.check_async(feed.token())).subject == "acc_one"
    strict.close()
    lenient.close()


async def test_coroutines_wait_for_the_first_answer_no_longer_than_others(
    feed: Feeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leave nothing behind in what they waited for."""
    monkeypatch.setattr(following, "FIRST_WAIT", 0.1)
    feed.behave(lambda _feed, handler, _after, _wait: saying(404)(handler))
    verifier = feed.verifier()

    for _ in range(3):
        with pytest.raises(RevocationsUnavailable):
            await verifier.check_async(feed.token())

    first = follower_of(verifier).start()
    assert len(first._done_callbacks) <= 1
    verifier.close()


@pytest.mark.parametrize(
    "options", [{"max_staleness": 4}, {"when_stale": "never"}, {"private_networks": ["10.0.0.1/8"]}]
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    """At construction, so that a slip stops the start."""
    with pytest.raises(Misconfigured):
        Verifier(issuer="https://auth.example", **options)


# -- beginnings and ends ----------------------------------------------------------------------------------------------


def test_nothing_is_started_before_it_is_needed(feed: Feeding, verifier: Verifier) -> None:
    """Not at construction, which may be before a fork, and not by asking how it goes."""
    assert verifier.staleness is None
    assert feed.asked == []


async def test_it_can_be_started_beforehand(feed: Feeding, verifier: Verifier) -> None:
    """For a service that wants its first request to be quick; starting twice is starting once."""
    verifier.start()
    verifier.start()

    await until(lambda: verifier.staleness == 0)
    assert len([after for after, _ in feed.asked if after == "0"]) == 1


async def test_the_feed_can_be_switched_off(feed: Feeding) -> None:
    """In so many words: then a token is believed until it expires, and nothing is followed."""
    feed.revoke("session", "ses_one")
    verifier = feed.verifier(follow_revocations=False)
    verifier.start()

    assert verifier.check(feed.token()).subject == "acc_one"
    assert (await verifier.check_async(feed.token())).subject == "acc_one"

    assert feed.asked == []
    assert (verifier.feed_status(), verifier.staleness) == (None, None)
    async with verifier.following():
        verifier.close()


async def test_coroutines_need_no_feed(feed: Feeding) -> None:
    """The first check of a verifier without a feed may be one of theirs."""
    verifier = feed.verifier(follow_revocations=False)

    assert (await verifier.check_async(feed.token())).subject == "acc_one"


def test_given_keys_need_no_feed() -> None:
    """No network is used, and what nobody follows is not stale."""
    verifier = Issuer().verifier()

    verifier.start()
    verifier.close()

    assert (verifier.feed_status(), verifier.staleness) == (None, None)


async def test_a_set_of_the_service_s_own_can_be_followed_into(feed: Feeding) -> None:
    """For who wants to see what is in it, or to add to it."""
    mine = RevocationSet()
    verifier = feed.verifier(revocations=mine)
    feed.revoke("session", "ses_two")
    mine.add(digest("session", "ses_one"), NOW + 600)

    assert refuses(verifier, feed.token())
    assert mine.covers(digest("session", "ses_two"))
    verifier.close()


async def test_closing_ends_the_thread_at_once(feed: Feeding) -> None:
    """Also while it waits for news; what is known stays known, and in time is stale."""
    verifier = feed.verifier()
    feed.revoke("session", "ses_two")
    verifier.check(feed.token())
    await until(lambda: feed.asked[-1][1] > 0)
    thread = follower_of(verifier)._thread
    assert thread is not None

    verifier.close()

    assert not thread.is_alive()
    assert refuses(verifier, feed.token(sid="ses_two"))
    feed.clock.now += 61
    with pytest.raises(RevocationsUnavailable):
        verifier.check(feed.token())
    verifier.close()


async def test_an_event_loop_can_follow_by_a_task(feed: Feeding) -> None:
    """For a lifespan: no thread stays, and the end is at once. A thread is not started beside it."""
    verifier = feed.verifier()
    async with verifier.following() as same:
        assert same is verifier
        assert (await verifier.check_async(feed.token())).subject == "acc_one"
        feed.revoke("session", "ses_one")
        await until(lambda: refuses(verifier, feed.token()))
        assert follower_of(verifier)._thread is None
        await until(lambda: feed.asked[-1][1] > 0)
        began = time.monotonic()

    assert time.monotonic() - began < 5
    assert refuses(verifier, feed.token())


async def test_a_task_beside_a_thread_leaves_it_to_the_thread(feed: Feeding) -> None:
    """One of them is enough."""
    verifier = feed.verifier()
    verifier.check(feed.token())
    async with verifier.following():
        assert follower_of(verifier)._thread is not None
        await asyncio.sleep(0)


async def test_a_task_ends_when_the_verifier_is_closed(feed: Feeding) -> None:
    """Whoever closes has the last word."""
    verifier = feed.verifier()
    verifier.check(feed.token())
    other = feed.verifier()
    task = asyncio.create_task(follower_of(other).follow())
    await until(lambda: other.staleness == 0)

    other.close()

    await asyncio.wait_for(task, 10)
    verifier.close()


def test_a_loop_that_ends_leaves_no_noise() -> None:
    """The thread of the last question finds nobody to deliver to."""
    ready = threading.Event()

    async def give_up() -> None:
        task = asyncio.create_task(following._in_a_thread(lambda: float(ready.wait(10))))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(give_up())
    ready.set()
    for thread in threading.enumerate():
        if thread.name == "doorward-revocations":
            thread.join(10)


async def test_threads_that_come_at_the_same_time_start_one_follower(feed: Feeding, verifier: Verifier) -> None:
    """And tell of one change once."""
    told: list[FeedStatus] = []
    follower = follower_of(verifier)
    follower._on_change = told.append
    first = follower.start()

    assert follower._start() is first
    await until(lambda: verifier.staleness == 0 and bool(told))
    follower._notice(True, NOW)
    assert len(told) == 1


async def test_a_result_that_comes_too_late_is_dropped() -> None:
    """Somebody who was cancelled is not woken."""
    ready = threading.Event()

    def step() -> float:
        ready.wait(10)
        return 0.0

    task = asyncio.create_task(following._in_a_thread(step))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    ready.set()
    for thread in threading.enumerate():
        if thread.name == "doorward-revocations":
            await asyncio.to_thread(thread.join, 10)
    await asyncio.sleep(0)


async def test_each_process_follows_by_itself_after_a_fork(
    feed: Feeding, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gunicorn and uWSGI load an application, which may have checked a token, and then fork: threads stay behind.

    Nothing of the parent is used in a child: it may have been copied in the middle of anything.
    """
    verifier.check(feed.token())
    parent = verifier._upstream()
    assert parent is not None
    feed.revoke("session", "ses_one")

    monkeypatch.setattr(upstream.os, "getpid", lambda: 7)
    child = verifier._upstream()

    assert refuses(verifier, feed.token())
    assert child is not None
    assert child is not parent
    assert child.revocations is not parent.revocations
    assert verifier._upstreams is not None
    assert list(verifier._upstreams._by_process) == [7]
    assert child.follower is not None
    child.follower.close()
    assert parent.follower is not None
    parent.follower.close()


def test_a_real_fork_follows(feed: Feeding) -> None:
    """The same with a real child, which ends with 0 when it refuses what was revoked after the fork."""
    verifier = feed.verifier()
    verifier.check(feed.token())
    verifier.close()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of what this is about
        child = os.fork()
    if child == 0:  # pragma: no cover - the child ends without telling what it has covered
        os.read(reading, 1)
        try:
            os._exit(0 if refuses(verifier, feed.token()) else 1)
        except BaseException:
            os._exit(2)
    feed.revoke("session", "ses_one")
    os.write(writing, b".")

    _, status = os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)

    assert os.waitstatus_to_exitcode(status) == 0


async def test_a_machine_without_threads_left_recovers(
    feed: Feeding, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower that could not start is started by the next check."""
    monkeypatch.setattr(following, "FIRST_WAIT", 0.05)

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeysUnavailable):
            verifier.check(feed.token())
    feed.clock.now += 1

    verifier.start()

    await until(lambda: verifier.staleness == 0)
    assert verifier.check(feed.token()).subject == "acc_one"


async def test_a_defect_is_logged_and_followed_by_another_try(
    feed: Feeding, verifier: Verifier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread never dies of an exception."""
    follower = follower_of(verifier)
    with monkeypatch.context() as patch:
        patch.setattr(follower, "_hear", lambda *_: 1 / 0)
        follower.step()

    assert follower.status().last_failure == "ZeroDivisionError"
    assert "a defect" in caplog.text
    assert verifier.check(feed.token()).subject == "acc_one"


async def test_more_than_can_be_held_is_not_held(
    feed: Feeding, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service becomes stale, which it shows, instead of full."""
    monkeypatch.setattr(following, "MAX_REVOCATIONS", 2)
    verifier.check(feed.token())

    feed.revoke("session", *"abc")

    follower = follower_of(verifier)
    await until(lambda: "more revocations" in follower.status().last_failure)
    assert follower.status().revocations == 0


async def test_who_finds_no_place_to_wait_is_served_without_waiting(feed: Feeding, verifier: Verifier) -> None:
    """A crowded issuer says 503 to those who wait, and the follower asks like one who does not."""

    def crowded(feed: Feeding, handler: Handler, after: str, wait: int) -> None:
        saying(503, b"", Retry_After="1")(handler) if wait else saying(200, feed.signed(feed.page(after)))(handler)

    feed.behave(crowded)
    verifier.check(feed.token())
    await until(lambda: any(wait for _, wait in feed.asked))

    feed.revoke("session", "ses_one")

    await until(lambda: refuses(verifier, feed.token()))
    assert [wait > 0 for _, wait in feed.asked].count(True) == 1
