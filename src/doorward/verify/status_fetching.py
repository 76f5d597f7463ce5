"""The status lists of one issuer, fetched when a token names them and kept for their ``ttl``.

A list that is half as old as it may be is renewed in the background; one that is older is waited for, and when it
cannot be had nobody passes: a token without its status is not known to be good. One fetch a list is under way at most,
failures are not repeated within a second, and the number of lists is bounded.

Each process has its own: after a fork a fetch that was under way in the parent would never end in the child.
"""

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from doorward.core.clock import Clock
from doorward.errors import InvalidToken, Misconfigured, Unavailable
from doorward.jose.keys import KeySet
from doorward.verify.address import Address, FetchFailed, networks
from doorward.verify.fetching import TIME_LIMIT, fetch
from doorward.verify.model import StatusReference
from doorward.verify.status_list import LIST_TYPE, StatusList, check_address, read_list

if TYPE_CHECKING:
    from concurrent.futures import Future

MAX_LISTS: Final = 64
"""Lists that are kept: a million sessions of ours, 2 KiB each."""

IMPATIENCE: Final = 1
"""Seconds after a fetch in which there is no other of the same list."""

_log = logging.getLogger("doorward.verify")


class StatusUnavailable(Unavailable):
    """A service behind asks the status lists of the issuer, and cannot get the one that the token names."""

    code = "status_unavailable"
    title = "The status of the token is unavailable"
    detail = "The service cannot reach its authentication server. Try again in a moment."


class StatusMissing(StatusUnavailable):
    """A list has to be fetched first: who can wait asks ``lists`` for it. To a caller it is a ``StatusUnavailable``."""

    def __init__(self, uri: str, lists: "FetchedStatusLists") -> None:
        """Keep the address and who fetches."""
        self.uri = uri
        self.lists = lists
        super().__init__("the status list is not at hand", retry_after=1)


@dataclass(frozen=True, slots=True)
class _Held:
    listed: StatusList
    fetched_at: int


@dataclass(slots=True)
class _Shelf:
    """What one process holds, and what it is fetching."""

    lock: Lock = field(default_factory=Lock)
    held: dict[str, _Held] = field(default_factory=dict)
    asked_at: dict[str, int] = field(default_factory=dict)
    flights: "dict[str, Future[None]]" = field(default_factory=dict)


class FetchedStatusLists:
    """Asks the lists that tokens name. Safe under threads and in any number of event loops."""

    def __init__(
        self,
        *,
        issuer: str,
        keys: Callable[[], KeySet],
        clock: Clock,
        leeway: int,
        ca_file: str | None,
        private_networks: Iterable[str],
        allow_http_on_loopback: bool,
    ) -> None:
        """Fetch nothing yet; ``keys`` returns those of the issuer at that moment."""
        self._issuer = issuer
        self._keys = keys
        self._clock = clock
        self._leeway = leeway
        self._ca_file = ca_file
        self._private = networks(private_networks)
        self._allow_http = allow_http_on_loopback
        self._by_process: dict[int, _Shelf] = {}

    def check(self, reference: StatusReference | None, *, now: int) -> None:
        """Refuse a token whose place says so, or that names none.

        Raises :class:`~doorward.errors.InvalidToken`, and :class:`StatusMissing` where the list must be fetched first.
        """
        if reference is None:
            raise InvalidToken("no status")
        check_address(reference, issuer=self._issuer)
        held = self._here().held.get(reference.uri)
        age = -1 if held is None else now - held.fetched_at
        if held is None or not 0 <= age < held.listed.ttl or now >= held.listed.expires_at + self._leeway:
            raise StatusMissing(reference.uri, self)
        if age * 2 >= held.listed.ttl:
            self._start(reference.uri, now)
        held.listed.check(reference.index)

    def wait(self, missing: StatusMissing) -> None:
        """Block until the list was fetched, or could not be; raises ``missing`` when there was a try just now."""
        flight = self._start(missing.uri, self._clock())
        if flight is None:
            raise missing
        from concurrent.futures import TimeoutError as TooLate

        try:
            flight.result(2 * TIME_LIMIT)
        except TooLate:
            raise missing from None

    async def wait_async(self, missing: StatusMissing) -> None:
        """Do as :meth:`wait` without blocking the event loop."""
        flight = self._start(missing.uri, self._clock())
        if flight is None:
            raise missing
        import asyncio

        try:
            await asyncio.wait_for(asyncio.wrap_future(flight), 2 * TIME_LIMIT)
        except TimeoutError:
            raise missing from None

    def _start(self, uri: str, now: int) -> "Future[None] | None":
        """Start a fetch, or join the one under way; ``None`` right after another."""
        from concurrent.futures import Future

        shelf = self._here()
        with shelf.lock:
            if uri in shelf.flights:
                return shelf.flights[uri]
            if uri in shelf.asked_at and 0 <= now - shelf.asked_at[uri] < IMPATIENCE:
                return None
            while len(shelf.asked_at) >= MAX_LISTS:
                oldest = min(shelf.asked_at, key=shelf.asked_at.__getitem__)
                shelf.asked_at.pop(oldest)
                shelf.held.pop(oldest, None)
            shelf.asked_at[uri] = now
            flight = shelf.flights[uri] = Future()
            flight.set_running_or_notify_cancel()
        try:
            Thread(target=self._fly, args=(shelf, uri, flight), name="doorward-status", daemon=True).start()
        except RuntimeError:
            self._land(shelf, uri, flight, None, "no thread could be started")
        return flight

    def _fly(self, shelf: _Shelf, uri: str, flight: "Future[None]") -> None:
        try:
            address = Address.of(uri, allow_http_on_loopback=self._allow_http)
            body = fetch(
                address, ca_file=self._ca_file, private=self._private, headers={"Accept": f"application/{LIST_TYPE}"}
            )
            listed = read_list(body.decode("ascii"), keys=self._keys(), uri=uri, now=self._clock(), leeway=self._leeway)
            self._land(shelf, uri, flight, listed, "")
        except (FetchFailed, InvalidToken, Misconfigured, UnicodeDecodeError) as error:
            why = error.why if isinstance(error, InvalidToken) else type(error).__name__
            self._land(shelf, uri, flight, None, why)
        except Exception as error:
            self._land(shelf, uri, flight, None, repr(error))

    def _land(self, shelf: _Shelf, uri: str, flight: "Future[None]", listed: StatusList | None, why: str) -> None:
        with shelf.lock:
            held = shelf.held.get(uri)
            if listed is None:
                _log.warning("a status list of the issuer could not be fetched: %s", why)
            elif held is not None and listed.issued_at < held.listed.issued_at:
                _log.warning("a status list of the issuer is older than the one before, and is not taken")
            else:
                shelf.held[uri] = _Held(listed, self._clock())
            shelf.flights.pop(uri, None)
        flight.set_result(None)

    def _here(self) -> _Shelf:
        """Return what this process holds; of threads that come at the same time, the first one's is kept."""
        return self._by_process.get(os.getpid()) or self._make()

    def _make(self) -> _Shelf:
        made = self._by_process.setdefault(os.getpid(), _Shelf())
        for other in [process for process in self._by_process if process != os.getpid()]:
            self._by_process.pop(other, None)
        return made
