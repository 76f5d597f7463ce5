"""When to ask an issuer what has been revoked, and what to believe of the answers: tables, and one property."""

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from doorward.errors import InvalidToken
from doorward.verify.feed import (
    FIRST_PAUSE,
    GAP,
    LONGEST_PAUSE,
    POLL_PAUSE,
    POLLS,
    TOLERANCE,
    Ask,
    Feed,
    backoff,
)
from doorward.verify.model import RevocationSet, digest
from doorward.verify.page import START, Page, Revocation
from tests.verify.parties import NOW

ONE = Revocation("session", digest("session", "one"), None, NOW + 600)


def taken(feed: Feed, page: Page, *, now: int = NOW, took: float = 0.0, chance: float = 0.5) -> float:
    """Give a feed the answer to its own question."""
    return feed.take(page, feed.ask(), now=now, took=took, chance=chance)


def following(cursor: str = "c1", at: int = NOW) -> Feed:
    """Make a feed that is up to date."""
    feed = Feed(max_staleness=60)
    taken(feed, Page(START, cursor, at, ()), now=at)
    return feed


def test_the_first_question_does_not_wait() -> None:
    """Everything there is, at once; until then nothing is known."""
    feed = Feed(max_staleness=60)

    assert feed.ask() == Ask(START, 0)
    assert feed.staleness(NOW) is None
    assert not feed.is_fresh(NOW, max_staleness=60)


@pytest.mark.parametrize(("max_staleness", "wait"), [(5, 2), (20, 10), (50, 25), (60, 25), (86_400, 25)])
def test_then_it_waits_half_of_what_may_go_by(max_staleness: int, wait: int) -> None:
    """So that one lost answer makes nobody stale, and no proxy cuts the line."""
    feed = Feed(max_staleness=max_staleness)
    taken(feed, Page(START, "c1", NOW, ()))

    assert feed.ask() == Ask("c1", wait)


def test_more_is_asked_for_at_once_and_nothing_is_fresh_before_the_last_page() -> None:
    """Half of the truth is not the truth."""
    feed = Feed(max_staleness=60)

    pause = taken(feed, Page(START, "c1", NOW, (ONE,), more=True))

    assert (pause, feed.ask(), feed.fresh_at) == (0.0, Ask("c1", 0), None)
    taken(feed, Page("c1", "c2", NOW, ()))
    assert feed.is_fresh(NOW, max_staleness=60)


@pytest.mark.parametrize(
    ("entries", "took", "chance", "pause"),
    [
        ((ONE,), 3.0, 0.0, GAP / 2),
        ((ONE,), 0.0, 1.0, GAP * 1.5),
        ((), 25.0, 0.5, GAP),
        # Somebody in between answers instead of the issuer: that is no reason to ask a thousand times a second.
        ((), 0.0, 0.5, POLL_PAUSE * 1.5),
        ((), 12.4, 0.0, POLL_PAUSE),
    ],
)
def test_the_pause_after_an_answer(entries: tuple[Revocation, ...], took: float, chance: float, pause: float) -> None:
    """Short after news, longer after an answer that should have waited and did not."""
    assert taken(following(), Page("c1", "c2", NOW, entries), took=took, chance=chance) == pause


@pytest.mark.parametrize(
    "page",
    [
        Page("c0", "c9", NOW, (ONE,)),
        Page("c2", "c9", NOW, (ONE,)),
        Page(START, "c9", NOW, (ONE,)),
        Page("c1", "c9", NOW + 61, (ONE,)),
        Page("c1", "c9", NOW - TOLERANCE - 1, (ONE,)),
        Page("c1", "c9", NOW - TOLERANCE - 1, (ONE,), reset=True),
        Page("c1", "c1", NOW, (), more=True),
    ],
)
def test_answers_that_are_not_the_next_one_are_refused(page: Page) -> None:
    """To another question, from the future, older than the last one, or leading nowhere: nothing of it counts."""
    feed = following()

    with pytest.raises(InvalidToken):
        taken(feed, page)

    assert (feed.ask(), feed.fresh_at) == (Ask("c1", 25), NOW)


@pytest.mark.parametrize("page", [Page("c1", "c2", NOW + 60, ()), Page("c1", "c2", NOW - TOLERANCE, ())])
def test_clocks_may_differ_a_little(page: Page) -> None:
    """Nodes of one issuer, and the issuer and the service."""
    feed = following()

    taken(feed, page)

    assert feed.fresh_at == max(NOW, page.issued_at)


def test_a_reset_begins_from_the_start() -> None:
    """The cursor was not known; what it leads to is followed like anything else."""
    feed = following()

    taken(feed, Page(START, "d7", NOW, (ONE,), reset=True))

    assert feed.ask() == Ask("d7", 25)


def test_an_issuer_that_resets_again_and_again_is_not_hammered() -> None:
    """The second and further ones in a row wait like failures."""
    feed = following()
    pauses = [taken(feed, Page(START, f"d{n}", NOW, (ONE,), reset=True, more=True), chance=1.0) for n in range(4)]

    assert pauses == [0.0, FIRST_PAUSE * 2, FIRST_PAUSE * 4, FIRST_PAUSE * 8]
    taken(feed, Page("d3", "d4", NOW, ()))
    assert taken(feed, Page(START, "d9", NOW, (ONE,), reset=True, more=True)) == 0.0


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [(0, 0.05, 0.1), (1, 0.1, 0.2), (5, 1.6, 3.2), (6, 2.5, 5.0), (17, 2.5, 5.0), (10_000, 2.5, 5.0)],
)
def test_failures_are_answered_with_longer_pauses(failures: int, shortest: float, longest: float) -> None:
    """Doubling up to five seconds, half of it by chance, so that a herd does not come back at one moment."""
    assert backoff(failures, 0.0) == pytest.approx(min(shortest, LONGEST_PAUSE))
    assert backoff(failures, 1.0) == pytest.approx(longest)


def test_a_success_ends_the_pauses() -> None:
    """The next failure begins anew. The question after one does not wait, so that a minute is not lost."""
    feed = following()
    for _ in range(5):
        feed.failed(chance=1.0)
    assert (feed.failures, feed.ask()) == (5, Ask("c1", 0))

    taken(feed, Page("c1", "c1", NOW, ()))

    assert feed.failures == 0
    assert feed.failed(chance=1.0) == FIRST_PAUSE


def test_who_finds_no_place_to_wait_asks_without_waiting_for_a_while() -> None:
    """A log-out is obeyed within a second there, too."""
    feed = following()

    feed.failed(chance=0.5, crowded=True)

    for _ in range(POLLS):
        assert feed.ask() == Ask("c1", 0)
        assert taken(feed, Page("c1", "c1", NOW, ()), chance=1.0) == 2 * POLL_PAUSE
    assert feed.ask() == Ask("c1", 25)


@pytest.mark.parametrize(
    ("after", "fresh"), [(0, True), (60, True), (61, False), (10_000, False), (-60, True), (-61, False)]
)
def test_what_is_fresh(after: int, fresh: bool) -> None:
    """For a minute after the issuer has signed it; a clock that was set back makes it old, not young."""
    assert following().is_fresh(NOW + after, max_staleness=60) is fresh


def test_an_old_answer_makes_nothing_fresh() -> None:
    """Freshness is what the issuer has signed, and not when it came in."""
    feed = Feed(max_staleness=60)

    taken(feed, Page(START, "c1", NOW - 300, (ONE,)))

    assert feed.staleness(NOW) == 300
    assert not feed.is_fresh(NOW, max_staleness=60)


# -- whatever the order -----------------------------------------------------------------------------------------------


@dataclass
class World:
    """An issuer with a table, backups and a past, a line that loses and repeats, and a follower."""

    now: int = NOW
    table: list[tuple[int, Revocation]] = field(default_factory=list)
    next_id: int = 1
    backup: tuple[int, int] = (0, 1)
    count: int = 0
    said: list[Page] = field(default_factory=list)
    feed: Feed = field(default_factory=lambda: Feed(max_staleness=60))
    known: RevocationSet = field(default_factory=RevocationSet)
    ever: list[Revocation] = field(default_factory=list)
    other: str = START
    """Where another follower stands, whose answers somebody may replay to ours."""

    def revoke(self) -> None:
        self.count += 1
        one = Revocation("token", digest("token", str(self.count)), None, self.now + 600)
        self.table.append((self.next_id, one))
        self.next_id += 1
        self.ever.append(one)

    def back_up(self) -> None:
        self.backup = (len(self.table), self.next_id)

    def restore(self) -> None:
        """The numbers are given out anew."""
        kept, self.next_id = self.backup
        self.table = [each for each in self.table if each[0] < self.next_id][:kept]

    def clean_up(self) -> None:
        self.table = [each for each in self.table[:-1] if each[1].forget_at >= self.now] + self.table[-1:]
        self.backup = (len(self.table), self.next_id)

    def answer(self, asked: Ask) -> Page:
        """What the server would say: the rule of ``revocation/model.py``, with pages of two."""
        rows, reset = self.table, False
        if asked.after != START:
            at = [i for i, (number, one) in enumerate(rows) if f"{number}.{one.digest.hex()}"[:40] == asked.after]
            rows, reset = (rows[at[0] + 1 :], False) if at else (rows, True)
        shown = rows[:2]
        after = START if reset else asked.after
        cursor = f"{shown[-1][0]}.{shown[-1][1].digest.hex()}"[:40] if shown else after
        page = Page(after, cursor, self.now, tuple(one for _, one in shown), reset, len(rows) > 2)
        self.said.append(page)
        return page

    def hear(self, page: Page, asked: Ask) -> None:
        """What a follower does with an answer."""
        try:
            self.feed.check(page, asked, now=self.now)
        except InvalidToken:
            self.feed.failed(chance=0.5)
            return
        for one in page.entries:
            self.known.add(one.digest, one.forget_at, one.not_before)
        self.feed.take(page, asked, now=self.now, took=1.0, chance=0.5)


STEPS = some.one_of(
    some.sampled_from(
        ["revoke", "revoke", "ask", "ask", "lost", "other", "failed", "back up", "restore", "clean up", "later"]
    ),
    some.tuples(some.just("replay"), some.integers(0, 5)),
)


@example(["revoke", "revoke", "revoke", "other", "other", ("replay", 0)])
@example(["revoke", "back up", "revoke", "ask", "restore", "revoke", "revoke", "ask"])
@given(some.lists(STEPS, min_size=10, max_size=60))
@settings(max_examples=300, deadline=None, database=None)
def test_whatever_comes_in_whatever_order_nothing_revoked_is_missing(steps: list[str | tuple[str, int]]) -> None:
    """A fresh follower refuses everything in the issuer's table; and whatever it refused once, it refuses to the end.

    Lost answers, failures, replays of any earlier answer, clean-ups and restored backups, in every order.
    """
    world = World()
    refused: set[bytes] = set()
    for step in steps:
        match step:
            case "revoke":
                world.revoke()
            case "ask":
                asked = world.feed.ask()
                world.hear(world.answer(asked), asked)
            case "other":
                world.other = world.answer(Ask(world.other, 0)).cursor
            case "lost":
                world.answer(world.feed.ask())
                world.feed.failed(chance=0.5)
            case "failed":
                world.feed.failed(chance=0.5)
            case "back up":
                world.back_up()
            case "restore":
                world.restore()
            case "clean up":
                world.clean_up()
            case "later":
                world.now += 7
            case (_, number) if world.said:
                world.hear(world.said[-1 - int(number) % len(world.said)], world.feed.ask())
        assert all(world.known.covers(name) for name in refused)
        refused |= {one.digest for one in world.ever if world.known.covers(one.digest)}

    while True:
        asked = world.feed.ask()
        page = world.answer(asked)
        world.hear(page, asked)
        if not page.more:
            break
    live = [one.digest for _, one in world.table if one.forget_at >= world.now]
    assert all(world.known.covers(name) for name in live)
    assert world.feed.fresh_at == world.now
