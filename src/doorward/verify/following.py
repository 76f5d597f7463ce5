"""Following an issuer's revocation feed: the state machine of :mod:`doorward.verify.feed` with a line out.

Two followers go round the same :meth:`Follower.step`: a daemon thread, which serves threads and event loops alike and
is what a verifier starts by itself, and a coroutine for an application that wants it among its own tasks. Whoever
checks tokens only looks at the set in memory.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from doorward.core.clock import Clock, Entropy
from doorward.errors import InvalidToken, KeysUnavailable, Unavailable, UnknownKey
from doorward.jose.jwt import parse_strict
from doorward.jose.keys import KeySet
from doorward.verify.feed import Ask, Feed
from doorward.verify.fetching import TIME_LIMIT, Busy, FetchFailed, Line
from doorward.verify.issuer_keys import IssuerKeys
from doorward.verify.model import RevocationSet, digest
from doorward.verify.page import MAX_ENTRIES, Page, read_page

if TYPE_CHECKING:
    from concurrent.futures import Future

WhenStale = Literal["refuse", "until_expiry"]
"""What to do when nothing was heard of revocations for too long: refuse every token, or believe them to their end."""

FIRST_WAIT: Final = 5.0
"""Seconds from the start in which a check waits for the first answer: nobody is let in on an empty set by accident."""

MAX_REVOCATIONS: Final = 5_000_000
"""Live revocations that are held at most, some 600 MB. An issuer with more makes its followers stale, not full."""

_log = logging.getLogger("doorward.verify")


class RevocationsUnavailable(Unavailable):
    """A service behind has not heard of revocations for too long, and refuses rather than believe a revoked token."""

    code = "revocations_unavailable"
    title = "The revocations of the issuer are unavailable"
    detail = "The service cannot reach its authentication server. Try again in a moment."


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How well a verifier hears of revocations, for metrics and health checks.

    ``staleness`` is the age in seconds of what is known (``None``: nothing yet), ``fresh`` whether that is below
    ``max_staleness``. ``revocations`` counts what is held now; ``answers``, ``failures`` and ``stale_periods`` count
    since the start of this process. ``last_failure`` is a fixed phrase, empty after a good answer.
    """

    fresh: bool
    staleness: int | None
    revocations: int
    answers: int
    failures: int
    stale_periods: int
    last_failure: str


@dataclass(frozen=True, slots=True)
class Patience:
    """What a service has decided about a feed that falls silent."""

    max_staleness: int
    when_stale: WhenStale


class Follower:
    """Keeps one :class:`RevocationSet` of one process up to date."""

    def __init__(
        self,
        line: Line,
        *,
        issuer: str,
        keys: Callable[[], KeySet],
        issuer_keys: IssuerKeys,
        revocations: RevocationSet,
        patience: Patience,
        clock: Clock,
        entropy: Entropy,
        on_change: Callable[[FeedStatus], None] | None = None,
    ) -> None:
        """Ask nothing yet. ``on_change`` is called when the follower becomes fresh or stale, in whichever thread."""
        self._line = line
        self._issuer = issuer
        self._keys = keys
        self._issuer_keys = issuer_keys
        self._revocations = revocations
        self._patience = patience
        self._clock = clock
        self._entropy = entropy
        self._on_change = on_change
        self._feed = Feed(max_staleness=patience.max_staleness)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._first: Future[None] | None = None
        self._began = 0.0
        self._was_fresh: bool | None = None
        self._answers = self._failures = self._stale_periods = 0
        self._last_failure = ""

    # -- for whoever checks tokens -----------------------------------------------------------------------------------

    def start(self) -> "Future[None]":
        """Follow in a daemon thread, unless that is done already; the future is done at the first complete answer."""
        first = self._first
        return self._start() if first is None else first

    def must_wait(self) -> float:
        """Return for how many seconds a check should still wait for the first answer; 0 where it is late."""
        return max(0.0, self._began + FIRST_WAIT - time.monotonic())

    def require(self, now: int) -> None:
        """Raise :class:`~doorward.errors.RevocationsUnavailable` where the set is stale and that was to refuse."""
        fresh = self._feed.is_fresh(now, max_staleness=self._patience.max_staleness)
        if fresh is not self._was_fresh:
            self._notice(fresh, now)
        if self._refuses(fresh):
            raise RevocationsUnavailable("the feed of revocations is stale", retry_after=1)

    def refuses(self) -> bool:
        """Tell whether every token is refused now."""
        return self._refuses(self._feed.is_fresh(self._clock(), max_staleness=self._patience.max_staleness))

    def status(self) -> FeedStatus:
        """Tell how well this goes."""
        now = self._clock()
        return FeedStatus(
            fresh=self._feed.is_fresh(now, max_staleness=self._patience.max_staleness),
            staleness=self._feed.staleness(now),
            revocations=len(self._revocations),
            answers=self._answers,
            failures=self._failures,
            stale_periods=self._stale_periods,
            last_failure=self._last_failure,
        )

    # -- following ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop following, at once, and for good; what is known stays known."""
        self._closing.set()
        self._line.cut()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(TIME_LIMIT)

    async def follow(self) -> None:
        """Follow as a task of this event loop, until it is cancelled; does nothing where a thread does it already."""
        import asyncio

        with self._lock:
            if self._first is not None:
                return
            self._begin()
        try:
            while True:
                pause = await _in_a_thread(self.step)
                if self._closing.is_set():
                    return
                await asyncio.sleep(pause)
        finally:
            self._line.cut()

    def step(self) -> float:
        """Ask once, obey the answer, and return the seconds until the next question. Blocks; never raises."""
        asked = self._feed.ask()
        now, chance = self._clock(), int.from_bytes(self._entropy(2)) / 65536
        try:
            self._issuer_keys.refresh(now)
            pause = self._hear(asked, chance)
            self._answers += 1
            self._last_failure = ""
        except (FetchFailed, InvalidToken, KeysUnavailable, ValueError) as error:
            pause = self._fail(error.why if isinstance(error, InvalidToken) else str(error), error, chance)
        except Exception as error:
            _log.exception("following the revocations of %s: a defect", self._issuer)
            pause = self._fail(type(error).__name__, error, chance)
        now = self._clock()
        fresh = self._feed.is_fresh(now, max_staleness=self._patience.max_staleness)
        if fresh is not self._was_fresh:
            self._notice(fresh, now)
        return pause

    def _refuses(self, fresh: bool) -> bool:
        return not fresh and self._patience.when_stale == "refuse"

    def _start(self) -> "Future[None]":
        with self._lock:
            if self._first is None:
                first = self._begin()
                self._thread = threading.Thread(target=self._run, name="doorward-revocations", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:
                    self._first = self._thread = None  # the next check tries again
                    _log.warning("the revocations are not followed: no thread could be started")
                return first
            return self._first

    def _begin(self) -> "Future[None]":
        from concurrent.futures import Future

        first = self._first = Future()
        first.set_running_or_notify_cancel()  # from here on, one waiter who gives up cannot cancel it for all
        self._began = self._began or time.monotonic()
        return first

    def _run(self) -> None:
        while not self._closing.is_set():
            self._closing.wait(self.step())

    def _hear(self, asked: Ask, chance: float) -> float:
        began = time.monotonic()
        query = f"?after={asked.after}&wait={asked.wait}"
        token = parse_strict(self._line.get(query, time_limit=asked.wait + TIME_LIMIT)).get("feed")
        if not isinstance(token, str):
            raise InvalidToken("no feed in the answer")
        page = self._read(token)
        if len(self._revocations) + len(page.entries) > MAX_REVOCATIONS:
            raise InvalidToken("more revocations than can be held")
        now = self._clock()
        self._feed.check(page, asked, now=now)
        for one in page.entries:
            self._revocations.add(one.digest, one.forget_at, one.not_before)
        self._revocations.forget(now, at_most=2 * MAX_ENTRIES)
        if any(one.kind == "key" for one in page.entries):
            self._issuer_keys.start(now)  # a withdrawn key leaves the set now, and not with the next refresh
        return self._feed.take(page, asked, now=now, took=time.monotonic() - began, chance=chance)

    def _read(self, token: str) -> Page:
        """Verify with the keys that are good now; an unknown key asks for the key set, as a token's would."""
        now = self._clock()
        try:
            page, kid = read_page(token, self._keys(), issuer=self._issuer)
        except UnknownKey:
            if not self._issuer_keys.wait(now):
                raise
            page, kid = read_page(token, self._keys(), issuer=self._issuer)
        self._issuer_keys.require(now)
        if self._revocations.covers(digest("key", kid)):
            raise InvalidToken("signed by a revoked key")
        return page

    def _fail(self, why: str, error: Exception, chance: float) -> float:
        self._failures += 1
        if not self._closing.is_set() and why != self._last_failure:
            _log.warning("the revocations of %s could not be read: %s", self._issuer, why)
        self._last_failure = why
        return self._feed.failed(chance=chance, crowded=isinstance(error, Busy))

    def _notice(self, fresh: bool, now: int) -> None:
        """Say once that the set has become fresh or stale."""
        with self._lock:
            before, self._was_fresh = self._was_fresh, fresh
            if fresh is before:
                return  # another thread has seen it at the same time
            self._stale_periods += before is True and not fresh
            if fresh and self._first is not None and not self._first.done():
                self._first.set_result(None)
        if fresh:
            level = logging.WARNING if self._stale_periods else logging.INFO  # whoever saw the one should see the other
            _log.log(level, "the revocations of %s are followed, as of now", self._issuer)
        elif before:
            self._line.give_up()  # a machine that slept waits at a dead line
            then = _WHAT_THEN[self._patience.when_stale]
            _log.error("nothing was heard of revocations for %s seconds: %s", self._feed.staleness(now), then)
        if self._on_change is not None and (fresh or before):
            try:
                self._on_change(self.status())
            except Exception:
                _log.exception("the listener for the state of the feed failed")


_WHAT_THEN: Final = {
    "refuse": "every token is refused until the issuer answers again",
    "until_expiry": "revoked tokens may be believed until they expire",
}


async def _in_a_thread(step: Callable[[], float]) -> float:
    """Run one step in a daemon thread: a thread of the event loop's own pool would hold up its end."""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[float] = loop.create_future()

    def deliver(pause: float) -> None:
        if not done.done():
            done.set_result(pause)

    def run() -> None:
        pause = step()
        try:
            loop.call_soon_threadsafe(deliver, pause)
        except RuntimeError:
            return  # the loop has ended, and with it whoever waited

    threading.Thread(target=run, name="doorward-revocations", daemon=True).start()
    return await done
