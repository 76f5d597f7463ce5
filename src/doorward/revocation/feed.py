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
from doorward.revocation.model import Cursor, Follows, Lost, Row, decide_page
from doorward.verify.page import MAX_ENTRIES, Page, Revocation, write_page

MAX_WAIT: Final = 30
"""Seconds that a question may wait for news."""

MAX_WAITING: Final = 1024
"""Questions that wait at the same time in one process: half of the connections that ``doorward serve`` takes."""

MAX_WAITING_PER_NETWORK: Final = 512

MAX_READING: Final = 32
"""Different pages that are read or in line to be read: a page costs a few milliseconds, and strangers may ask."""

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
        self._closing = False
        self._reading = asyncio.Lock()
        self._in_line = 0
        self._waiting = 0
        self._networks: Counter[str] = Counter()

    def wake(self, _news: Collection[bytes] = ()) -> None:
        """Let everybody look who waits; called in the event loop, after a commit of this process or of another."""
        self._generation += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    def open(self) -> None:
        """Let those wait who ask for it."""
        self._closing = False

    def let_go(self) -> None:
        """Answer everybody who waits, now, and let nobody wait any more: the server is about to stop."""
        self._closing = True
        self.wake()

    async def answer(self, after: str, *, wait: float, network: str) -> str:
        """Return the page that follows a cursor; with ``wait`` (seconds), when there is one or the time is up.

        Raises :class:`~doorward.errors.Overloaded` where no place to wait is left, or too much is being read.
        """
        cursor = Cursor.read(after)
        news = self._news
        answer = await self._shared(cursor)
        if answer.is_news or wait <= 0:
            return answer.text
        deadline = asyncio.get_running_loop().time() + min(wait, MAX_WAIT)
        with self._place(network):
            while await self._comes(news, deadline):
                news = self._news
                answer = await self._shared(cursor)
                if answer.is_news:
                    return answer.text
        return (await self._shared(cursor)).text  # nothing new, as of now

    async def _comes(self, news: asyncio.Event, deadline: float) -> bool:
        """Wait for news; ``False`` when the time is up, or the server's."""
        if self._closing:
            return False
        try:
            async with asyncio.timeout_at(deadline):
                await news.wait()
        except TimeoutError:
            return False
        return True

    @contextmanager
    def _place(self, network: str) -> Iterator[None]:
        if self._waiting >= MAX_WAITING or self._networks[network] >= MAX_WAITING_PER_NETWORK:
            raise Overloaded("no place to wait is left", retry_after=1)
        self._waiting += 1
        self._networks[network] += 1
        try:
            yield
        finally:
            self._waiting -= 1
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]

    async def _shared(self, cursor: Cursor | None) -> Answer:
        """Return the answer for a cursor as of now, made once for all who ask in the same second."""
        now = self._clock()
        kept = self._kept.get(cursor)
        if kept is None or kept.second != now or kept.generation != self._generation:
            if self._in_line >= MAX_READING:
                raise Overloaded("too many pages are being read", retry_after=1)
            kept = _Kept(now, self._generation, asyncio.create_task(self._make(cursor, now)))
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

    async def _make(self, cursor: Cursor | None, now: int) -> Answer:
        self._in_line += 1
        try:
            async with self._reading:
                page = await self._page(Cursor() if cursor is None else cursor, now, reset=cursor is None)
                return Answer(write_page(page, self._signer.active, issuer=self._issuer), is_news=_is_news(page))
        finally:
            self._in_line -= 1

    async def _page(self, after: Cursor, now: int, *, reset: bool) -> Page:
        found = await store.following(
            self._database, position=after.position, since=now - self._memory, size=MAX_ENTRIES + 2
        )
        rows = [Row(row["id"], row["kind"], row["digest"], row["not_before"], row["forget_at"]) for row in found]
        match decide_page(after, rows, size=MAX_ENTRIES):
            case Follows(rows=following, more=more):
                return Page(
                    after=str(after),
                    cursor=str(following[-1].cursor if following else after),
                    issued_at=now,
                    entries=tuple(Revocation(row.kind, row.digest, row.not_before, row.forget_at) for row in following),
                    reset=reset,
                    more=more,
                )
            case Lost():
                return await self._page(Cursor(), now, reset=True)


def _is_news(page: Page) -> bool:
    return bool(page.entries) or page.reset


def _look_at(task: "asyncio.Task[Answer]") -> None:
    if not task.cancelled():
        task.exception()
