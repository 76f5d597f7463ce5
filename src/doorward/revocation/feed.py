"""The feed of revocations: pages that are read and signed once, and a room for those who wait for the next.

Public, because a digest tells an outsider nothing, and so bounded everywhere: a thousand followers at the same place
share one reading and one signature, a second of them the same answer, the room has so many places, and whoever finds
none is answered at once when it asks without waiting.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from doorward.core.clock import Clock
from doorward.db import Database
from doorward.errors import Overloaded
from doorward.jose.keys import SigningKey
from doorward.revocation import store
from doorward.revocation.model import Cursor, Lost, Row, decide_page
from doorward.verify.page import MAX_ENTRIES, Page, Revocation, write_page

MAX_WAIT: Final = 30
"""Seconds that a question may wait for news."""

MAX_WAITING: Final = 1024
"""Questions that wait at the same time in one process: half of the connections that ``doorward serve`` takes."""

MAX_WAITING_PER_NETWORK: Final = 512

MAX_READING: Final = 32
MAX_READING_PER_NETWORK: Final = 8
"""Different pages that are read or in line to be read: one costs a few milliseconds, and strangers may ask for any."""

MAX_KEPT: Final = 64
"""Answers that are kept for a second at most; 4 MiB."""


class Signs(Protocol):
    """What the feed asks of the keys."""

    @property
    def active(self) -> SigningKey:
        """The key that signs now; raises ``StorageUnavailable`` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A signed page, and whether it tells anything that the asker does not know."""

    text: str
    is_news: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer that is made or being made, and what it holds for: one second, until there is news."""

    second: int
    generation: int
    answer: "asyncio.Task[Answer]"


class Room:
    """So many places, of which so many for one network."""

    def __init__(self, places: int, per_network: int) -> None:
        """Begin empty."""
        self.places = places
        self.per_network = per_network
        self.taken = 0
        self._networks: Counter[str] = Counter()

    @contextmanager
    def place(self, network: str) -> Iterator[None]:
        """Take a place for a while. Raises :class:`~doorward.errors.Overloaded` where none is left."""
        if self.taken >= self.places or self._networks[network] >= self.per_network:
            raise Overloaded("no place is left in the feed", retry_after=1)
        self.taken += 1
        self._networks[network] += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]


class Feed:
    """The feed of one process."""

    def __init__(self, *, database: Database, signer: Signs, issuer: str, clock: Clock, memory: int) -> None:
        """Take what is needed. ``memory`` is how many seconds after ``forget_at`` a row may still be worth telling."""
        self._database = database
        self._signer = signer
        self._issuer = issuer
        self._clock = clock
        self._memory = memory
        self._kept: dict[Cursor | None, _Kept] = {}
        self._generation = 0
        self._news = asyncio.Event()
        self._round = 0
        self._turn = asyncio.Lock()
        self._waiting = Room(MAX_WAITING, MAX_WAITING_PER_NETWORK)
        self._reading = Room(MAX_READING, MAX_READING_PER_NETWORK)

    def wake(self, _news: Collection[bytes] = ()) -> None:
        """Let everybody look who waits; called in the event loop, after a commit of this process or of another."""
        self._generation += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    def let_go(self) -> None:
        """Answer everybody who waits, now: their server is about to stop. Who comes later may wait."""
        self._round += 1
        self.wake()

    async def answer(self, after: str, *, wait: float, network: str) -> str:
        """Return the page that follows a cursor; with ``wait`` (seconds), when there is one or the time is up.

        Raises :class:`~doorward.errors.Overloaded` where no place to wait is left, or too much is being read.
        """
        cursor, news, round_ = Cursor.read(after), self._news, self._round
        answer = await self._shared(cursor, network)
        if answer.is_news or wait <= 0:
            return answer.text
        deadline = asyncio.get_running_loop().time() + min(wait, MAX_WAIT)
        with self._waiting.place(network):
            while self._round == round_ and await _comes(news, deadline):
                news = self._news
                answer = await self._shared(cursor, network)
                if answer.is_news:
                    return answer.text
        return (await self._shared(cursor, network)).text  # nothing new, as of now

    async def _shared(self, cursor: Cursor | None, network: str) -> Answer:
        """Return the answer for a cursor as of now, made once for all who ask in the same second."""
        now = self._clock()
        kept = self._kept.get(cursor)
        if kept is None or kept.second != now or kept.generation != self._generation:
            kept = _Kept(now, self._generation, asyncio.create_task(self._make(cursor, now, network)))
            kept.answer.add_done_callback(_look_at)  # should everybody have left who asked
            self._kept.pop(cursor, None)
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[cursor] = kept
        try:
            return await asyncio.shield(kept.answer)
        except Exception:
            if self._kept.get(cursor) is kept:  # a failure is not kept
                del self._kept[cursor]
            raise

    async def _make(self, cursor: Cursor | None, now: int, network: str) -> Answer:
        with self._reading.place(network):
            async with self._turn:
                page = await self._page(Cursor() if cursor is None else cursor, now, reset=cursor is None)
                if page is not None:
                    return Answer(write_page(page, self._signer.active, issuer=self._issuer), is_news=_is_news(page))
        return await self._shared(None, network)  # one answer for all who are lost, wherever they think they are

    async def _page(self, after: Cursor, now: int, *, reset: bool) -> Page | None:
        """Read the page that follows a cursor; ``None`` for one that the table does not know."""
        found = await store.following(
            self._database, position=after.position, since=now - self._memory, size=MAX_ENTRIES + 2
        )
        rows = [Row(row["id"], row["kind"], row["digest"], row["not_before"], row["forget_at"]) for row in found]
        decision = decide_page(after, rows, size=MAX_ENTRIES)
        if isinstance(decision, Lost):
            return None
        following = decision.rows
        return Page(
            after=str(after),
            cursor=str(following[-1].cursor if following else after),
            issued_at=now,
            entries=tuple(Revocation(row.kind, row.digest, row.not_before, row.forget_at) for row in following),
            reset=reset,
            more=decision.more,
        )


async def _comes(news: asyncio.Event, deadline: float) -> bool:
    """Wait for news; ``False`` when the time is up."""
    try:
        async with asyncio.timeout_at(deadline):
            await news.wait()
    except TimeoutError:
        return False
    return True


def _is_news(page: Page) -> bool:
    return bool(page.entries) or page.reset


def _look_at(task: "asyncio.Task[Answer]") -> None:
    if not task.cancelled():
        task.exception()
