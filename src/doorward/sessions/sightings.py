"""When sessions were last used: noted in memory at each request, written in batches beside them.

One statement for many sessions each interval, off the path of every request, and once more at the end of the process;
a process that is killed loses the last interval at most. How long that is, and why idle expiry stays right with it, is
decided in ``model.decide_seen_interval``.
"""

import asyncio
import logging
from typing import Final

from doorward.db import Database
from doorward.errors import StorageUnavailable
from doorward.sessions import store

MAX_NOTED: Final = 65_536
"""Sessions whose use is noted at most. Beyond it some may end early for want of a note, and none late."""

_log = logging.getLogger("doorward.sessions")


class Sightings:
    """What has been used since the last writing, in one process."""

    def __init__(self, database: Database, *, interval: int) -> None:
        """Start with none; ``interval`` is in seconds."""
        self._database = database
        self._interval = interval
        self._noted: dict[str, int] = {}
        self._under_way: dict[str, int] = {}

    def note(self, session_id: str, now: int) -> None:
        """Remember that a session was used at ``now``."""
        if session_id in self._noted or len(self._noted) < MAX_NOTED:
            self._noted[session_id] = now

    def latest(self, session_id: str) -> int:
        """Return when a session was used that may not be written yet; 0 for never."""
        return max(self._noted.get(session_id, 0), self._under_way.get(session_id, 0))

    async def write(self) -> None:
        """Write what was noted. Raises :class:`StorageUnavailable` and keeps what could not be written."""
        self._under_way, self._noted = self._noted, {}
        try:
            await self._database.write(*store.seen(self._under_way))
        except BaseException:
            self._noted = {**self._under_way, **self._noted}
            raise
        finally:
            self._under_way = {}

    async def keep_writing(self) -> None:
        """Write every interval, until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            await self.write_if_possible()

    async def write_if_possible(self) -> None:
        """Write, and let the next interval make up for a database that is away."""
        if not self._noted:
            return
        try:
            await self.write()
        except StorageUnavailable:
            _log.warning("when sessions were last used could not be written; it is tried again")
        except Exception:
            _log.exception("writing when sessions were last used failed; it is tried again")
