"""Ending something in an event loop when a caller's session ends or its token expires.

One callback for the revocation and one timer for the expiry, for as long as the connection is open; nothing is done
per message. asyncio is imported when the first connection is held, because a service without any does not need it.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from doorward.verify.model import Principal
from doorward.verify.watching import EXPIRED, REVOKED, Watch, watch_of

if TYPE_CHECKING:
    from asyncio import TimerHandle


class Lifeline:
    """Calls ``end(reason)`` in the loop, once at most. Whoever holds one lets it go, in a ``finally``."""

    _timer: "TimerHandle"

    def __init__(self, authenticator: object, principal: Principal, end: Callable[[str], None]) -> None:
        """Hold it from now on; must be called in a running loop."""
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._end: Callable[[str], None] | None = end
        self._at_its_end = EXPIRED if principal.token_id else REVOKED  # what stands on a cookie has no token to refresh
        self._watch: Watch = watch_of(authenticator, principal, self._told)
        self._wait()

    def let_go(self) -> None:
        """End nothing any more."""
        self._end = None
        self._watch.stop()
        self._timer.cancel()

    def _told(self) -> None:
        """Called in whichever thread has the news; the loop may have gone meanwhile, and then so has the connection."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: self._cut(self._watch.reason))

    def _wait(self) -> None:
        """Wait for the expiry by the clock that checks tokens; where the timer comes early by it, it is set anew."""
        left = self._watch.seconds_left()
        if left > 0:
            self._timer = self._loop.call_later(left, self._wait)
        else:
            self._timer = self._loop.call_later(0, self._cut, self._at_its_end)

    def _cut(self, reason: str) -> None:
        end, self._end = self._end, None
        self.let_go()
        if end is not None:
            end(reason)
