"""Giving sessions their places, and writing the lists.

A list is made from what the tables say at that moment, so ending a session writes nothing here. It is signed at most
once a second, whoever asks and however often.
"""

import asyncio
import zlib
from collections.abc import Callable
from typing import Final

from doorward.db import Statement
from doorward.errors import NotFound, StorageUnavailable
from doorward.foundation import Flows, Foundation
from doorward.jose import jwt
from doorward.jose.jwt import MAX_LEEWAY
from doorward.jose.keys import SigningKey
from doorward.jose.spelling import base64url_encode
from doorward.status_lists import store
from doorward.status_lists.model import LEASE, LIST_SIZE, LIST_TYPE, pack, place_of, serials_of

PATH: Final = "/v1/status-lists"

OUTLIVES: Final = 5
"""A list is good for so many times its ``ttl``: who cannot get a newer one may go on for a while, and then not."""

_MOST_KEPT: Final = 1024
"""Signed lists that are kept for a second, so that nobody can have one made anew by asking for others; 8 KiB each."""


class StatusLists(Flows):
    """The status lists of this issuer. Switched off (``status_lists.enabled``), nothing here does anything."""

    def __init__(self, foundation: Foundation, *, signer: Callable[[], SigningKey]) -> None:
        """Take what is needed; ``signer`` returns the key that signs at that moment."""
        super().__init__(foundation)
        self._signer = signer
        self._serials = iter(range(0))
        self._left = 0
        self._spread = b""
        self._lease: asyncio.Task[None] | None = None
        self._signed: dict[int, tuple[int, str]] = {}
        self._signing = asyncio.Lock()

    @property
    def is_enabled(self) -> bool:
        """Whether tokens name their place in a list."""
        return self._settings.status_lists.enabled

    async def start(self) -> None:
        """Take the first serials."""
        if self.is_enabled:
            await self._take()

    async def stop(self) -> None:
        """Let what is under way in the background finish, before the database is closed."""
        if self._lease is not None:
            await self._lease

    # -- places ------------------------------------------------------------------------------------------------------

    def serial(self) -> int | None:
        """Take the serial of a new session, and see to it in the background that there are more.

        Raises :class:`StorageUnavailable` when there is none left: a token without its status must not get out.
        """
        if not self.is_enabled:
            return None
        if self._left <= LEASE // 2 and (self._lease is None or self._lease.done()):
            self._lease = asyncio.get_running_loop().create_task(self._top_up())
        if self._left == 0:
            raise StorageUnavailable("no status serial at hand")
        self._left -= 1
        return next(self._serials)

    def entering(self, serial: int | None, session_id: str, *, expires_at: int) -> list[Statement]:
        """Make the statements that give a new session its place, for the write that starts it."""
        if serial is None:
            return []
        return [store.insert(serial, session_id=session_id, forget_at=expires_at)]

    async def settle(self, session_id: str, serial: int | None, *, expires_at: int) -> int | None:
        """Return the serial of a live session; one that began before the lists were switched on gets its place now."""
        if serial is not None or not self.is_enabled:
            return serial
        (rows,) = await self._database.write(*self.entering(self.serial(), session_id, expires_at=expires_at))
        settled: int = rows[0]["serial"]
        return settled

    def moving(self, session_id: str, *, now: int) -> list[Statement]:
        """Make the statements that move a session to another place, because one of its tokens is revoked.

        Lists know sessions, not single tokens. So whoever looks at them refuses the session's other access tokens too,
        until it has refreshed: more than was asked for, and never less.
        """
        serial = self.serial()
        if serial is None:
            return []
        return [
            store.abandon(session_id, forget_at=self._outlived(now)),
            store.insert(serial, session_id=session_id, forget_at=now),
        ]

    def claim(self, serial: int | None) -> dict[str, object]:
        """Write the claim of a token (section 6.1): empty for a session without a place."""
        if serial is None or not self.is_enabled:
            return {}
        place = place_of(serial, self._spread)
        return {"status": {"status_list": {"idx": place.index, "uri": self._uri(place.number)}}}

    # -- lists -------------------------------------------------------------------------------------------------------

    async def token(self, number: int) -> str:
        """Write and sign a list (section 5.1). Raises :class:`NotFound` for one that does not exist yet."""
        async with self._signing:  # one at a time: whoever waited finds it made
            now = self._clock()
            kept = self._signed.get(number)
            if kept is None or kept[0] != now:
                kept = (now, await self._sign(number, now=now))
                if len(self._signed) >= _MOST_KEPT:
                    self._signed.clear()
                self._signed[number] = kept
            return kept[1]

    async def _sign(self, number: int, *, now: int) -> str:
        first, behind = serials_of(number)
        if not self._spread or first >= await store.next_serial(self._database):
            raise NotFound("no such status list")
        serials = await store.invalid(self._database, first=first, behind=behind)
        statuses = [(place_of(serial, self._spread).index, 1) for serial in serials]
        packed = pack(statuses, bits=1, size=LIST_SIZE)
        ttl = self._settings.status_lists.ttl
        claims = {
            "iss": self._settings.issuer,
            "sub": self._uri(number),
            "iat": now,
            "exp": now + OUTLIVES * ttl,
            "ttl": ttl,
            "status_list": {"bits": 1, "lst": base64url_encode(zlib.compress(packed, 9))},
        }
        return jwt.encode(claims, self._signer(), typ=LIST_TYPE)

    def clean_up(self, *, now: int) -> list[Statement]:
        """Make the statements that forget places which no token can name any more."""
        return store.forget(now=now, later=self._outlived(now))

    def _outlived(self, now: int) -> int:
        """Say when the last token that is out there has expired, for everybody."""
        return now + self._settings.tokens.access_lifetime + MAX_LEEWAY

    def _uri(self, number: int) -> str:
        return f"{self._settings.issuer}{PATH}/{number}"

    async def _take(self) -> None:
        _, rows = await self._database.write(*store.lease(LEASE, spread=self._entropy(32)))
        behind, self._spread = rows[0]["next"], bytes(rows[0]["spread"])
        self._serials, self._left = iter([*self._serials, *range(behind - LEASE, behind)]), self._left + LEASE

    async def _top_up(self) -> None:
        try:
            await self._take()
        except StorageUnavailable:
            return  # the next session asks again; there are some left
