"""Who wants to be told when what an open connection stands on is revoked, and when its credential expires.

A request is over in a moment; a web socket or a stream stays open for hours after the token was checked. So each of
them is kept here under the digests of its session, its token, its account and the key that signed it: four entries of
a dictionary, no polling, nothing to do while nothing happens. When a digest becomes known as revoked (from the feed,
the database or the same process), exactly those whom it concerns are told, once, in the thread that has the news.
Where a service has decided to refuse every token while it hears of no revocations, all are told when that begins.
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

STALE: Final = "revocations_unavailable"
"""The reason given where a connection ends because nothing was heard of revocations for too long."""

_log = logging.getLogger("doorward.verify")


class Watch:
    """One open connection. Whoever starts one stops it, in a ``finally``."""

    __slots__ = ("_clock", "_ends_at", "_registry", "digests", "issued_at", "reason", "tell")

    def __init__(
        self,
        principal: Principal,
        tell: Tell,
        *,
        registry: "Watches | None" = None,
        clock: Clock = system_clock,
        leeway: int = 0,
    ) -> None:
        """Watch over a caller; without a ``registry`` nothing is ever revoked. ``leeway`` is in seconds."""
        self._registry = registry
        self._ends_at = principal.expires_at + leeway
        self._clock = clock
        self.issued_at = principal.issued_at
        self.digests = digests_of(principal)
        self.reason = REVOKED
        """Why it was told, once it was."""
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

    def __init__(self, revocations: RevocationSet, *, refuses: Callable[[], bool] = lambda: False) -> None:
        """Ask the set to be told of news. ``refuses`` tells whether every token is refused now."""
        self._revocations = revocations
        self._refuses = refuses
        self._lock = Lock()
        self._by_digest: dict[bytes, set[Watch]] = {}
        revocations.on_news(self._obey)

    def start(self, watch: Watch) -> None:
        """Watch from now on; where it is revoked already, or everything is refused, tell at once."""
        with self._lock:
            for digest in watch.digests:
                self._by_digest.setdefault(digest, set()).add(watch)
        # Asked after it stands there: what is revoked in between is told by whoever takes it out, and so only once.
        reason = REVOKED if self._concerns(watch) else STALE if self._refuses() else None
        if reason is not None and self.drop(watch):
            _tell(watch, reason)

    def drop(self, watch: Watch) -> bool:
        """Forget a connection; tell whether it was there."""
        with self._lock:
            return self._forget(watch)

    def end_all(self) -> None:
        """Tell everybody that every token is refused from now on, each once."""
        with self._lock:
            told = {watch for waiting in self._by_digest.values() for watch in waiting}
            self._by_digest.clear()
        for watch in told:
            _tell(watch, STALE)

    def __len__(self) -> int:
        """Count the digests under which somebody waits."""
        return len(self._by_digest)

    def _obey(self, news: Collection[bytes]) -> None:
        """Tell everybody who stands on one of the digests, each once."""
        with self._lock:
            named = {watch for digest in news for watch in self._by_digest.get(digest, ())}
            told = {watch for watch in named if self._concerns(watch)}
            for watch in told:
                self._forget(watch)
        for watch in told:
            _tell(watch, REVOKED)

    def _concerns(self, watch: Watch) -> bool:
        """Ask as the check of a token does: an account may be revoked up to a time, and the caller be from after it."""
        return self._revocations.covers(*watch.digests, issued_at=watch.issued_at)

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


def _tell(watch: Watch, reason: str) -> None:
    watch.reason = reason
    try:
        watch.tell()
    except Exception:
        _log.exception("an open connection could not be told that its session has ended")


def watch_of(authenticator: object, principal: Principal, tell: Tell) -> Watch:
    """Watch over a caller with the authenticator that has let it in.

    An authenticator of the host's own that cannot ``watch`` is no reason to leave connections open for ever: they end
    when the principal says.
    """
    start: Callable[[Principal, Tell], Watch] | None = getattr(authenticator, "watch", None)
    if start is not None:
        return start(principal, tell)
    return Watch(principal, tell)
