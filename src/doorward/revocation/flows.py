"""Revocation: recorded in the transaction of the act, obeyed here at its commit, and elsewhere a moment later.

A slice that ends something asks for the statement, puts it into its own write, and hands the rows that came back to
:meth:`Revocations.obey`. Other worker processes and nodes read the same rows when the database says "look"
(``Database.changes``); the truth is the table, so a lost message loses nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from doorward.core.clock import Clock
from doorward.db import Database, Row, Statement
from doorward.revocation import store
from doorward.verify.model import Kind, RevocationSet

LEEWAY: Final = 60
"""Verifiers may accept a token this long after its expiry (``security.md`` row 35), so it is remembered that long."""

KEY_MEMORY: Final = 86_400 + LEEWAY
"""Seconds for which a withdrawn key is remembered. Whoever has stolen it can sign new tokens, so the life of a token is
no bound here; but verifiers keep keys for a day at most without confirming them (``verify/jwks.py``)."""

MEMORY_SLACK: Final = 86_400
"""Seconds for which a process may go without housekeeping, which says that tokens of its life are still given out."""

_PAGE: Final = 5_000


class Revocations:
    """The live set of one process, and the way to add to everybody's."""

    def __init__(self, *, database: Database, clock: Clock, access_lifetime: int) -> None:
        """Start empty; :meth:`follow` fills the set. ``access_lifetime`` is in seconds."""
        self.live = RevocationSet()
        self._database = database
        self._clock = clock
        self._memory = access_lifetime + LEEWAY
        self._position = 0
        self._listeners: list[Callable[[bytes], None]] = []

    def of(self, digest: bytes, *, now: int, kind: Kind = "token", not_before: int | None = None) -> Statement:
        """Make the statement that revokes one thing: for every token, or for those issued before ``not_before``."""
        memory = max(self._memory, KEY_MEMORY) if kind == "key" else self._memory
        return store.insert(digest, kind=kind, not_before=not_before, now=now, memory=memory, slack=MEMORY_SLACK)

    def of_selected(self, select: str, *, now: int, kind: Kind = "session", **parameters: Any) -> Statement:
        """Make the statement that revokes whatever a SELECT of digests names."""
        return store.insert_selected(select, kind=kind, now=now, memory=self._memory, slack=MEMORY_SLACK, **parameters)

    def on_obey(self, listener: Callable[[bytes], None]) -> None:
        """Call ``listener`` with every digest that is refused from now on, at the moment it is."""
        self._listeners.append(listener)

    def obey(self, rows: Iterable[Row]) -> None:
        """Refuse from now on what has just been committed, in this process."""
        for row in rows:
            self.live.add(row["digest"], row["forget_at"], row["not_before"])
            for listener in self._listeners:
                listener(row["digest"])

    async def start(self) -> None:
        """Record for how long tokens live here, before the first is given out, and read what is revoked.

        ``tokens.access_lifetime`` may be lowered, and differ between processes while it is: everybody remembers what
        they revoke for the longest life that tokens can still have.
        """
        await self._database.write(store.see_memory(self._memory, now=self._clock()))
        await self.follow()

    async def follow(self) -> None:
        """Read what others have committed. Called at the start and whenever the database says that it changed.

        Announced writes commit in the order of their ids (``db/statements.py``), so nothing can appear behind the
        cursor later on.
        """
        while rows := await store.news(self._database, position=self._position, size=_PAGE):
            self.obey(rows)
            self._position = rows[-1]["id"]
        self.live.forget(self._clock(), at_most=_PAGE)

    def clean_up(self, *, now: int) -> list[Statement]:
        """Make the statements that forget what needs no memory any more, and say that this process is still there."""
        return [
            store.forget(before=now - LEEWAY),
            store.see_memory(self._memory, now=now),
            store.forget_memories(now=now, slack=MEMORY_SLACK),
        ]
