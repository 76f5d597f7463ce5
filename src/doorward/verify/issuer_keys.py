"""The keys of one issuer, fetched: the schedule of :mod:`doorward.verify.jwks` with a thread, a lock and a line out.

A fetch runs in a daemon thread of its own, one at most; whoever has to wait for it waits, blocking or not, and
everybody else goes on with the keys that are there. So there is one fetch for threads and for coroutines.
"""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from doorward.core.clock import Clock
from doorward.errors import KeysUnavailable
from doorward.jose.jwt import parse_strict
from doorward.jose.keys import KeySet
from doorward.verify.fetching import TIME_LIMIT, Address, FetchFailed, fetch
from doorward.verify.jwks import KeySchedule

if TYPE_CHECKING:
    from concurrent.futures import Future
    from ipaddress import IPv4Network, IPv6Network

WELL_KNOWN: Final = "/.well-known/jwks.json"
"""Where an issuer publishes its keys, below its own address."""

HOPE: Final = 1.0
"""Seconds from the start of a fetch in which those wait for it whose key id is unknown, while there are good keys: long
enough for a key that was made a moment ago, too short for a flood of forged key ids to hold every thread."""

_log = logging.getLogger("doorward.verify")


class IssuerKeys:
    """Fetched keys of one issuer, for one verifier."""

    def __init__(
        self,
        address: Address,
        *,
        clock: Clock,
        on_change: Callable[[KeySet], None],
        ca_file: str | None = None,
        private: "Sequence[IPv4Network | IPv6Network]" = (),
    ) -> None:
        """Fetch nothing yet. ``on_change`` is called, in the fetching thread, with every set that differs."""
        self._address = address
        self._clock = clock
        self._on_change = on_change
        self._ca_file = ca_file
        self._private = private
        self._lock = Lock()
        self._schedule = KeySchedule()
        self._flight: Future[None] | None = None
        self._took_off = 0.0

    def require(self, now: int) -> None:
        """Raise :class:`~doorward.errors.KeysUnavailable` when there are no keys that are still good."""
        if self._schedule.usable(now) is None:
            raise KeysUnavailable("no keys of the issuer", retry_after=1)

    def refresh(self, now: int) -> None:
        """Start a fetch in the background when one is due. Costs two comparisons when none is."""
        if self._schedule.is_due(now):
            self.start(now)

    def start(self, now: int) -> "Future[None] | None":
        """Start a fetch, or join the one under way; ``None`` when it is too early for another.

        The future never fails and cannot be cancelled: what came of it is seen in :meth:`require`.
        """
        from concurrent.futures import Future

        with self._lock:
            if self._flight is not None:
                return self._flight
            if not self._schedule.may_ask(now):
                return None
            flight = self._flight = Future()
            flight.set_running_or_notify_cancel()  # from here on, one waiter who gives up cannot cancel it for all
            self._schedule.started(now)
            self._took_off = time.monotonic()
        try:
            Thread(target=self._fly, args=(flight,), name="doorward-keys", daemon=True).start()
        except RuntimeError:
            self._land(flight, None, "no thread could be started")
        return flight

    def wait(self, now: int) -> bool:
        """Block until a fetch has ended; return ``False`` when none may start or it is long in coming.

        That is ten seconds for those who have no keys, and :data:`HOPE` from the start of the fetch for those who do.
        """
        flight = self.start(now)
        if flight is None:
            return False
        from concurrent.futures import TimeoutError as TooLate

        try:
            flight.result(self._patience(now))
        except TooLate:
            self._give_up(now)
            return False
        return True

    async def wait_async(self, now: int) -> bool:
        """Do as :meth:`wait` without blocking the event loop."""
        flight = self.start(now)
        if flight is None:
            return False
        import asyncio

        try:
            await asyncio.wait_for(asyncio.wrap_future(flight), self._patience(now))
        except TimeoutError:
            self._give_up(now)
            return False
        return True

    def _patience(self, now: int) -> float:
        if self._schedule.usable(now) is None:
            return 2 * TIME_LIMIT
        return max(0.0, self._took_off + HOPE - time.monotonic())

    def _give_up(self, now: int) -> None:
        if self._schedule.usable(now) is None:
            _log.warning("the keys of the issuer are long in coming")

    def _fly(self, flight: "Future[None]") -> None:
        try:
            document = fetch(self._address, ca_file=self._ca_file, private=self._private)
            self._land(flight, KeySet.from_jwks(parse_strict(document)), "")
        except Exception as error:
            self._land(flight, None, str(error) if isinstance(error, FetchFailed | ValueError) else repr(error))

    def _land(self, flight: "Future[None]", keys: KeySet | None, why: str) -> None:
        with self._lock:
            if keys is None:
                self._schedule.failed()
                _log.warning("the keys of the issuer could not be fetched: %s", why)
            elif self._schedule.succeeded(keys, self._clock()):
                self._on_change(keys)
            self._flight = None
        flight.set_result(None)
