"""Cookie sessions in use at this moment, remembered so that their next request needs no query.

What this may never do is answer for a session that is over. Four things see to that. Whatever ends or changes a
session names it, and :meth:`HotSessions.drop` forgets what is named: at the commit in the process that did it, a moment
later in the others. What was read *before* such a moment is not taken in *after* it, whoever was quicker
(:meth:`HotSessions.ticket`). An entry answers for :data:`TRUSTED_FOR` seconds and is then read again, so that a message
that nobody ever sent is made up for. And while the database cannot be followed nothing is answered from here at all
(:meth:`HotSessions.distrust`).

Keyed by the whole cookie, which includes its generation, never by a prefix or a part of it. Only what was read as live
gets in; whether it still is, is asked of the clock at every request by ``flows.py``. Pure memory, no clock of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.sessions.model import Resumed, account_digest

TRUSTED_FOR: Final = 10
"""Seconds for which an entry answers before it is read again: the most by which it can be stale, whatever fails."""

SIZE: Final = 8192
"""Sessions that are remembered at most, 13 MB; beyond it the one that was read longest ago gives way."""


@dataclass(slots=True)
class Hot:
    """A remembered session, when it was read, and when it was last used in this process. Seconds since 1970 UTC."""

    resumed: Resumed
    read_at: int
    seen_at: int


class HotSessions:
    """At most ``size`` sessions of one process; used by its event loop alone."""

    def __init__(self, size: int = SIZE) -> None:
        """Start empty, and without trust until the database was read."""
        self._size = size
        self._entries: dict[str, Hot] = {}
        self._named: dict[bytes, set[str]] = {}
        self._moment = 0
        self._trusted = False

    def find(self, cookie: str, *, now: int) -> Hot | None:
        """Return what is remembered of exactly this cookie, if it was read within the last moments."""
        entry = self._entries.get(cookie)
        if entry is None or not entry.read_at <= now < entry.read_at + TRUSTED_FOR:
            return None
        return entry

    def ticket(self) -> int:
        """Take one *before* reading a session; :meth:`put` wants it. It is worth nothing once anything was dropped."""
        return self._moment

    def put(self, cookie: str, hot: Hot, *, ticket: int) -> None:
        """Remember a session that was read as live, unless something has ended or changed since the ticket."""
        if not self._trusted or ticket != self._moment or not self._size:
            return
        self._remove(cookie)
        if len(self._entries) >= self._size:
            self._remove(next(iter(self._entries)))
        self._entries[cookie] = hot
        for name in _names(hot):
            self._named.setdefault(name, set()).add(cookie)

    def drop(self, digests: Iterable[bytes]) -> None:
        """Forget every session that one of the digests names: its own, or its account's."""
        for digest in digests:
            self._moment += 1
            for cookie in tuple(self._named.get(digest, ())):
                self._remove(cookie)

    def trust(self) -> None:
        """Answer from now on: everything that others have committed was read."""
        self._trusted = True

    def distrust(self) -> None:
        """Answer nothing, and forget everything: what others commit does not reach this process at the moment."""
        self._moment += 1
        self._trusted = False
        self._entries.clear()
        self._named.clear()

    def __len__(self) -> int:
        """Count the sessions held."""
        return len(self._entries)

    def _remove(self, cookie: str) -> None:
        entry = self._entries.pop(cookie, None)
        if entry is None:
            return
        for name in _names(entry):
            cookies = self._named[name]
            cookies.discard(cookie)
            if not cookies:
                del self._named[name]


def _names(hot: Hot) -> tuple[bytes, bytes]:
    session = hot.resumed.session
    return session.digest, account_digest(session.account_id)
