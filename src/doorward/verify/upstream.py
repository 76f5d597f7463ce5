"""What one process holds of an issuer: its fetched keys, and the revocations that it follows.

Each process has its own, made when it first asks. Servers such as gunicorn and uWSGI load an application and then
fork: threads do not come along, and a lock that one of them held would never be free again. So nothing of the parent's
is used in a child.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doorward.core.clock import Clock, system_entropy
from doorward.jose.keys import KeySet
from doorward.verify.address import Address, networks
from doorward.verify.fetching import Line
from doorward.verify.following import FeedStatus, Follower, Patience
from doorward.verify.issuer_keys import WELL_KNOWN, IssuerKeys
from doorward.verify.model import RevocationSet
from doorward.verify.page import PATH

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(slots=True)
class Upstream:
    """Keys and revocations in one process; ``follower`` is ``None`` where the feed was switched off."""

    keys: IssuerKeys
    revocations: RevocationSet | None
    follower: Follower | None
    is_ready: bool = field(default=False)
    """Whether no check has to wait for a beginning any more."""
    good_at: int = field(default=-1)
    """The second for which there is known to be something to judge with: within it, that can only get better."""

    def start(self, now: int) -> None:
        """Begin to fetch and to follow, without waiting."""
        self._begin(now)

    def wait(self, now: int) -> None:
        """Begin, and wait until there is something to judge with, but not for long."""
        from concurrent.futures import TimeoutError as TooLate

        first = self._begin(now)
        try:
            if first is not None and not first.done():
                first.result(self._patience())
        except TooLate:
            return
        self.is_ready = True

    async def wait_async(self, now: int) -> None:
        """Do as :meth:`wait` without blocking the event loop."""
        import asyncio

        first = self._begin(now)
        if first is not None and not first.done():
            patience = self._patience()
            if not patience:
                return  # nothing is left behind in the future by those who cannot wait any more
            try:
                await asyncio.wait_for(asyncio.wrap_future(first), patience)
            except TimeoutError:
                return
        self.is_ready = True

    def _begin(self, now: int) -> "Future[None] | None":
        self.keys.refresh(now)
        return None if self.follower is None else self.follower.start()

    def _patience(self) -> float:
        return 0.0 if self.follower is None else self.follower.must_wait()

    def require(self, now: int) -> None:
        """Raise ``KeysUnavailable`` or ``RevocationsUnavailable`` where there is nothing to judge with."""
        if now == self.good_at:
            return
        self.keys.refresh(now)
        self.keys.require(now)
        if self.follower is not None:
            self.follower.require(now)
        self.good_at = now


class Upstreams:
    """Makes the upstream of each process; takes what they share."""

    def __init__(
        self,
        *,
        issuer: str,
        keys: Callable[[], KeySet],
        replace_keys: Callable[[KeySet], None],
        revocations: RevocationSet | None,
        patience: Patience | None,
        on_feed_change: Callable[[FeedStatus], None] | None,
        clock: Clock,
        jwks_url: str | None,
        revocations_url: str | None,
        ca_file: str | None,
        private_networks: Iterable[str],
        allow_http_on_loopback: bool,
    ) -> None:
        """Read the addresses; raises :class:`~doorward.errors.Misconfigured`. Without ``patience`` no feed."""
        below = issuer.rstrip("/")
        self._jwks = Address.of(
            below + WELL_KNOWN if jwks_url is None else jwks_url, allow_http_on_loopback=allow_http_on_loopback
        )
        self._feed = Address.of(
            below + PATH if revocations_url is None else revocations_url,
            allow_http_on_loopback=allow_http_on_loopback,
        )
        self._private = networks(private_networks)
        self._issuer = issuer
        self._keys = keys
        self._replace_keys = replace_keys
        self._revocations = revocations
        self._patience = patience
        self._on_feed_change = on_feed_change
        self._clock = clock
        self._ca_file = ca_file
        self._by_process: dict[int, Upstream] = {}

    def here(self) -> Upstream:
        """Return the upstream of this process."""
        return self._by_process.get(os.getpid()) or self._make()

    def _make(self) -> Upstream:
        """Of threads that come at the same time, the first one's is kept; nothing has been started by then."""
        made = self._by_process.setdefault(os.getpid(), self._new())
        for other in [process for process in self._by_process if process != os.getpid()]:
            self._by_process.pop(other, None)
        return made

    def _new(self) -> Upstream:
        keys = IssuerKeys(
            self._jwks, clock=self._clock, on_change=self._replace_keys, ca_file=self._ca_file, private=self._private
        )
        if self._patience is None:
            return Upstream(keys, self._revocations, None)
        revocations = RevocationSet() if self._revocations is None else self._revocations
        follower = Follower(
            Line(self._feed, ca_file=self._ca_file, private=self._private),
            issuer=self._issuer,
            keys=self._keys,
            issuer_keys=keys,
            revocations=revocations,
            patience=self._patience,
            clock=self._clock,
            entropy=system_entropy,
            on_change=self._on_feed_change,
        )
        return Upstream(keys, revocations, follower)
