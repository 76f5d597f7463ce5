"""What has changed about sessions that go on: written with the act, heeded here at its commit, elsewhere soon after.

The counterpart of ``revocation/flows.py`` for what is not over but different: the next generation of a cookie, the
roles of an account. It concerns no token, only the sessions that processes remember, so verifiers are not told.
"""

from collections.abc import Iterable
from typing import Final

from doorward.db import Database, Row, Statement
from doorward.sessions import store
from doorward.sessions.hot import TRUSTED_FOR, HotSessions
from doorward.sessions.model import Session, account_digest
from doorward.verify.model import digest

KEPT: Final = 360 * TRUSTED_FOR
"""Seconds for which a change is told; after a fraction of it no process remembers what was before."""

_PAGE: Final = 5_000


class Changes:
    """What makes the memory of every process forget."""

    def __init__(self, database: Database, hot: HotSessions) -> None:
        """Take the memory of this process; :meth:`follow` gives it its trust."""
        self._database = database
        self._hot = hot
        self._position: int | None = None

    def of_session(self, session: Session, *, now: int) -> list[Statement]:
        """Make the statements that tell of a new generation; a bearer session has no cookie and is not remembered."""
        return [store.change(session.digest, now=now)] if session.transport == "cookie" else []

    def of_place(self, session_id: str, *, now: int) -> Statement:
        """Make the statement that tells of another place in the status lists."""
        return store.change(digest("session", session_id), now=now)

    def of_account(self, account_id: str, *, now: int) -> Statement:
        """Make the statement that tells of all sessions of an account."""
        return store.change(account_digest(account_id), now=now)

    def obey(self, rows: Iterable[Row]) -> None:
        """Forget at once, in this process, what the rows of such statements name."""
        self._hot.drop(row["changed"] for row in rows if "changed" in set(row.keys()))

    async def follow(self) -> None:
        """Forget what others have changed since the last time; from then on memory answers."""
        if self._position is None:
            self._position = await store.newest_change(self._database)
        while rows := await store.changes(self._database, position=self._position, size=_PAGE):
            self._hot.drop(row["digest"] for row in rows)
            self._position = rows[-1]["id"]
        self._hot.trust()

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that deletes what every process has read long ago."""
        return store.forget_changes(before=now - KEPT)
