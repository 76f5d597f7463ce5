"""When to ask an issuer what has been revoked, and what to believe of the answers. Pure: a small state machine.

Three rules keep it safe whatever comes in whatever order. Nothing is ever taken back: an answer can only add, so no
replay, no reset and no restored backup makes a revoked token good again. An answer counts only if it is signed as
following the very cursor that was asked with, so nothing in between is skipped. And freshness comes from the time that
the issuer has signed, so an old answer out of some cache never makes a service look up to date.
"""

from dataclasses import dataclass
from typing import Final

from doorward.errors import InvalidToken
from doorward.jose.jwt import MAX_LEEWAY
from doorward.verify.page import START, Page

LONG_WAIT: Final = 25
"""Seconds that the issuer may keep a question until there is news; proxies cut silent lines after thirty or sixty."""

GAP: Final = 0.05
"""Seconds between an answer with news and the next question, so that many log-outs share an answer."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries while nobody answers, doubled from the first to the longest; half of it is up to chance."""

POLLS: Final = 30
"""Questions that are asked without waiting after the issuer had no room for another who waits."""

POLL_PAUSE: Final = 0.5

TOLERANCE: Final = 10
"""Seconds that an answer may be older than the one before: nodes of one issuer whose clocks differ a little."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The next question: what follows this cursor, waiting so many seconds for news."""

    after: str
    wait: int


class Feed:
    """What is known of an issuer's revocation feed. Not safe under threads; one follower owns it.

    Times are whole seconds since 1970 UTC. ``chance`` is a number from 0 up to 1, pauses are seconds.
    """

    __slots__ = ("_cursor", "_failures", "_fresh_at", "_issued_at", "_more", "_polls", "_resets", "_wait")

    def __init__(self, *, max_staleness: int) -> None:
        """Know nothing. The question waits half of what may go by without an answer, and 25 seconds at most."""
        self._wait = max(1, min(LONG_WAIT, max_staleness // 2))
        self._cursor = START
        self._fresh_at: int | None = None
        self._issued_at = 0
        self._more = True
        self._resets = 0
        self._failures = 0
        self._polls = 0

    @property
    def fresh_at(self) -> int | None:
        """The time of which everything is known that was revoked until then; ``None`` before the first time."""
        return self._fresh_at

    @property
    def failures(self) -> int:
        """How many questions in a row have gone wrong."""
        return self._failures

    def ask(self) -> Ask:
        """Return the question that is due now. After a failure it does not wait: being up to date comes first."""
        return Ask(self._cursor, 0 if self._more or self._polls or self._failures else self._wait)

    def check(self, page: Page, asked: Ask, *, now: int) -> None:
        """Refuse an answer to another question, from the future or from the past; call :meth:`failed` then.

        Raises :class:`~doorward.errors.InvalidToken`. What passes may be obeyed.
        """
        check_page(page, asked, now=now, issued_at=self._issued_at)

    def take(self, page: Page, asked: Ask, *, now: int, took: float, chance: float) -> float:
        """Take in an answer, **after** its entries are obeyed, and return the pause before the next question.

        ``took`` is how many seconds the answer was in coming. Raises what :meth:`check` raises.
        """
        self.check(page, asked, now=now)
        self._resets = self._resets + 1 if page.reset else 0 if not page.more else self._resets
        self._cursor, self._more = page.cursor, page.more
        self._issued_at = max(self._issued_at, page.issued_at)
        self._failures = 0
        if page.more:
            return backoff(self._resets - 1, chance) if self._resets > 1 else 0.0
        self._fresh_at = max(self._fresh_at or 0, page.issued_at)
        if self._polls:
            self._polls -= 1
            return POLL_PAUSE * (1 + chance)
        if asked.wait and not page.entries and took < asked.wait / 2:
            return POLL_PAUSE * (1 + chance)  # it was to wait for news and did not
        return GAP * (0.5 + chance)

    def failed(self, *, chance: float, crowded: bool = False) -> float:
        """Take in that there was no answer worth the name, and return the pause before the next question.

        ``crowded``: the issuer has no room for another who waits, and answers those who do not.
        """
        self._failures += 1
        if crowded:
            self._polls = POLLS
        return backoff(self._failures - 1, chance)

    def staleness(self, now: int) -> int | None:
        """Return how old, in seconds, the knowledge is; ``None`` when there never was any."""
        return None if self._fresh_at is None else max(0, now - self._fresh_at)

    def is_fresh(self, now: int, *, max_staleness: int) -> bool:
        """Tell whether the knowledge is young enough. A clock that was set back makes it old, not young."""
        fresh_at = self._fresh_at
        return fresh_at is not None and -MAX_LEEWAY <= now - fresh_at <= max_staleness


def check_page(page: Page, asked: Ask, *, now: int, issued_at: int) -> None:
    """Refuse an answer that is not the next one. ``issued_at`` is the time of the newest so far."""
    if not page.reset and page.after != asked.after:
        raise InvalidToken("the answer to another question")
    if page.issued_at > now + MAX_LEEWAY:
        raise InvalidToken("issued in the future; compare the clocks")
    if page.issued_at < issued_at - TOLERANCE:
        raise InvalidToken("an old answer")
    if page.more and page.cursor == asked.after:
        raise InvalidToken("it does not go on")


def backoff(failures: int, chance: float) -> float:
    """Return a pause that doubles with every failure before this one; a herd of followers is spread by chance."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 16)) * (0.5 + chance / 2))
