"""Fetching small documents over HTTPS from a fixed address, with nothing that can be talked into more.

Standard library only. No redirects, no proxies from the environment, at most 64 KiB, at most five seconds in all
(PyJWT CVE-2026-48522, -102267). The address comes from the configuration and never from a token; what it may be is
decided in :mod:`doorward.verify.address`.
"""

from collections.abc import Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from doorward.verify.address import Address, FetchFailed, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPConnection
    from ipaddress import IPv4Network, IPv6Network
    from socket import socket
    from ssl import SSLSocket

__all__ = ["MAX_SIZE", "TIME_LIMIT", "Address", "Busy", "FetchFailed", "Line", "fetch"]

MAX_SIZE: Final = 64 * 1024
TIME_LIMIT: Final = 5.0
"""Seconds to the last byte, whatever the other side does; only connecting may take a few times as long in all."""


class Busy(FetchFailed):
    """The other side is there and asks to be left alone for a while (503 with ``Retry-After``)."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the other side is busy")


class Line:
    """A connection to one address that is kept for the next question. One thread asks at a time; any may cut it."""

    def __init__(
        self,
        address: Address,
        *,
        ca_file: str | None = None,
        private: Sequence["IPv4Network | IPv6Network"] = (),
        accept: str = "application/json",
    ) -> None:
        """Connect when first asked.

        ``ca_file`` is a PEM file of the only authorities to trust, for a private or a development authority.
        ``private`` lists networks that are not public and may be spoken to all the same.
        """
        self._address = address
        self._ca_file = ca_file
        self._private = private
        self._headers = {"Accept": accept, "Cache-Control": "no-cache"}
        self._connection: HTTPConnection | None = None
        self._handle: socket | None = None
        self._asking = Lock()
        self._late = False
        self._severed = False

    def get(self, query: str = "", *, time_limit: float = TIME_LIMIT) -> bytes:
        """Return the body of a 200 answer, or raise :class:`FetchFailed`. Blocks; call it in a thread of its own.

        A kept connection that the other side has closed meanwhile is replaced once.
        """
        with self._asking:
            try:
                return self._get(query, time_limit)
            finally:
                if self._severed:
                    self.close()

    def _get(self, query: str, time_limit: float) -> bytes:
        from http.client import HTTPException  # imported when needed: a verifier that was given its keys never does

        kept = self._connection is not None
        self._late = False
        try:
            try:
                status, wait, body = self._exchange(query, time_limit)
            except (ConnectionError, HTTPException):
                if not kept or self._late or self._severed:
                    raise
                status, wait, body = self._exchange(query, time_limit)
        except (OSError, HTTPException, ValueError) as error:
            raise FetchFailed("it took too long" if self._late else type(error).__name__) from error
        if status == 503 and wait:
            raise Busy
        if status != 200:
            raise FetchFailed("the status was not 200")
        if len(body) > MAX_SIZE:
            raise FetchFailed("the answer is too large")
        return body

    def cut(self) -> None:
        """Hang up for good, also on a thread that waits for an answer: it gets a :class:`FetchFailed`."""
        self._severed = True
        self._hang_up()
        if self._asking.acquire(blocking=False):
            self.close()
            self._asking.release()

    def close(self) -> None:
        """Hang up, by the thread that asks, until the next question."""
        connection, self._connection = self._connection, None
        handle, self._handle = self._handle, None
        if connection is not None:
            connection.close()
        if handle is not None:
            handle.close()

    def _hang_up(self) -> None:
        from socket import SHUT_RDWR

        handle = self._handle
        if handle is not None:
            with suppress(OSError):
                handle.shutdown(SHUT_RDWR)

    def give_up(self) -> None:
        """End the question under way as if its time were up."""
        self._late = True
        self._hang_up()

    def _exchange(self, query: str, time_limit: float) -> tuple[int, bool, bytes]:
        """Ask once; whatever goes wrong, and an answer that is not read to its end, ends the connection."""
        whole = False
        try:
            with _cut_after(time_limit, self.give_up):
                connection = self._connection or self._open(time_limit)
                answer, whole = _ask(connection, self._address.target + query, self._headers, time_limit)
            if self._late:
                raise FetchFailed("it took too long")
            return answer
        finally:
            if not whole or self._late:
                self.close()

    def _open(self, time_limit: float) -> "HTTPConnection":
        """Time-outs of the socket are the upper bound of one step; ``_cut_after`` bounds all steps together."""
        from http.client import HTTPConnection

        plain = connect(self._address, time_limit, self._private)
        try:
            self._handle = plain.dup()
            if self._severed or self._late:
                raise FetchFailed("cut off")
            connection = HTTPConnection(self._address.host, self._address.port)
            connection.sock = _tls(plain, self._address.host, self._ca_file) if self._address.secure else plain
        except BaseException:
            plain.close()
            raise
        connection.auto_open = 0  # it would connect again by itself, in clear and to wherever the name leads by then
        self._connection = connection
        return connection


def _ask(
    connection: "HTTPConnection", target: str, headers: dict[str, str], time_limit: float
) -> tuple[tuple[int, bool, bytes], bool]:
    """Return status, whether ``Retry-After`` was said, and the body; and whether the connection may be kept."""
    connection.sock.settimeout(time_limit)
    connection.request("GET", target, headers=headers)
    with connection.getresponse() as response:
        body = response.read(MAX_SIZE + 1)
        kept = response.isclosed() and not response.will_close
        return (response.status, response.getheader("Retry-After") is not None, body), kept


def fetch(
    address: Address,
    *,
    ca_file: str | None = None,
    private: Sequence["IPv4Network | IPv6Network"] = (),
    time_limit: float = TIME_LIMIT,
    accept: str = "application/json",
) -> bytes:
    """Ask once over a connection of its own; see :meth:`Line.get`."""
    line = Line(address, ca_file=ca_file, private=private, accept=accept)
    try:
        return line.get(time_limit=time_limit)
    finally:
        line.close()


@contextmanager
def _cut_after(time_limit: float, cut: "Callable[[], None]") -> "Iterator[None]":
    """Cut the line when time is up: the time-outs of a socket start anew with every byte, so they bound nothing."""
    from threading import Timer

    timer = Timer(time_limit, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tls(plain: "socket", host: str, ca_file: str | None) -> "SSLSocket":
    from ssl import create_default_context

    return create_default_context(cafile=ca_file).wrap_socket(plain, server_hostname=host)
