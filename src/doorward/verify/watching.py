"""Who wants to be told when what an open connection stands on is revoked, and when its credential expires.

A request is over in a moment; a web socket or a stream stays open for hours after the token was checked. So each of
them is kept here under the digests of its session, its token and the key that signed it: three entries of a
dictionary, no polling, nothing to do while nothing happens. When a digest becomes known as revoked (from the feed,
the database or the same process), exactly those are told, once, in the thread that has the news.
"""

import logging
from collections.abc import Callable, Collection
from threading import Lock
from typing import Final

from doorward.core.clock import Clock, system_clock
from doorward.verify.model import Principal, RevocationSet, digests_of

Tell = Callable[[], None]
"""Called once, from any thread, and must return at once; what it raises is logged and goes no further."""

REVOKED: Final = "session_ended"
"""The reason given where a connection ends because its session, token or key was revoked."""

EXPIRED: Final = "token_expired"
"""The reason given where a connection ends because its credential has reached its end."""

_log = logging.getLogger("doorward.verify")


class Watch:
    """One open connection. Whoever starts one stops it, in a ``finally``."""

    __slots__ = ("_clock", "_ends_at", "_registry", "digests", "tell")

    def __init__(
        self, registry: "Watches | None", *, ends_at: int, clock: Clock, digests: tuple[bytes, ...], tell: Tell
    ) -> None:
        """Keep what is watched; without a ``registry`` nothing is ever revoked."""
        self._registry = registry
        self._ends_at = ends_at
        self._clock = clock
        self.digests = digests
        self.tell = tell

    def seconds_left(self) -> int:
        """Return how long the credential still holds, by the clock; not positive when it does no longer."""
        return self._ends_at - self._clock()

    def stop(self) -> None:
        """Be told no more. Does nothing the second time, or after having been told."""
        if self._registry is not None:
            self._registry.drop(self)


class Watches:
    """Every open connection that stands on the entries of one :class:`RevocationSet`. Safe under threads."""

    def __init__(self, revocations: RevocationSet) -> None:
        """Ask the set to be told of news."""
        self._revocations = revocations
        self._lock = Lock()
        self._by_digest: dict[bytes, set[Watch]] = {}
        revocations.on_news(self._obey)

    def start(self, watch: Watch) -> None:
        """Watch from now on; where it is revoked already, tell at once."""
        with self._lock:
            for digest in watch.digests:
                self._by_digest.setdefault(digest, set()).add(watch)
        # Asked after it stands there: what is revoked in between is told by one of the two, and by one only.
        if self._revocations.covers(*watch.digests):
            self._obey(watch.digests)

    def drop(self, watch: Watch) -> bool:
        """Forget a connection; tell whether it was there."""
        with self._lock:
            return self._forget(watch)

    def __len__(self) -> int:
        """Count the digests under which somebody waits."""
        return len(self._by_digest)

    def _obey(self, news: Collection[bytes]) -> None:
        """Tell everybody who stands on one of the digests, each once."""
        with self._lock:
            told = {watch for digest in news for watch in self._by_digest.get(digest, ())}
            for watch in told:
                self._forget(watch)
        for watch in told:
            try:
                watch.tell()
            except Exception:
                _log.exception("an open connection could not be told that its session has ended")

    def _forget(self, watch: Watch) -> bool:
        found = False
        for digest in watch.digests:
            waiting = self._by_digest.get(digest)
            if waiting is not None and watch in waiting:
                found = True
                waiting.remove(watch)
                if not waiting:
                    del self._by_digest[digest]
        return found


def watch_of(authenticator: object, principal: Principal, tell: Tell) -> Watch:
    """Watch over a caller with the authenticator that has let it in.

    An authenticator of the host's own that cannot ``watch`` is no reason to leave connections open for ever: they end
    when the principal says.
    """
    start: Callable[[Principal, Tell], Watch] | None = getattr(authenticator, "watch", None)
    if start is not None:
        return start(principal, tell)
    return Watch(None, ends_at=principal.expires_at, clock=system_clock, digests=(), tell=tell)


def watch_over(watches: Watches | None, principal: Principal, tell: Tell, *, clock: Clock, leeway: int) -> Watch:
    """Start the watch of a verifier; ``leeway`` is in seconds, the same as when the token was checked."""
    watch = Watch(watches, ends_at=principal.expires_at + leeway, clock=clock, digests=digests_of(principal), tell=tell)
    if watches is not None:
        watches.start(watch)
    return watch
