"""Fetching small documents over HTTPS from a fixed address, with nothing that can be talked into more.

Standard library only. HTTPS only (HTTP to this machine itself where that was allowed in so many words), no redirects,
no proxies from the environment, no private address unless it is listed, at most 64 KiB, at most five seconds in all
(PyJWT CVE-2026-48522, -102267). The address comes from the configuration and never from a token.
"""

from collections.abc import Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from doorward.errors import Finding, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPConnection
    from ipaddress import IPv4Network, IPv6Network
    from socket import socket
    from ssl import SSLSocket

MAX_SIZE: Final = 64 * 1024
TIME_LIMIT: Final = 5.0
"""Seconds from the open connection to the last byte, whatever the other side does; as many to connect."""


class FetchFailed(Exception):  # noqa: N818 - reads as what has happened
    """The document could not be had. The message is a fixed phrase, or the name of an exception."""


class Busy(FetchFailed):
    """The other side is there and asks to be left alone for a while (503 with ``Retry-After``)."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the other side is busy")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the document is."""

    host: str
    port: int
    target: str
    secure: bool

    @classmethod
    def of(cls, url: str, *, allow_http_on_loopback: bool) -> "Address":
        """Read a URL. Raises :class:`~doorward.errors.Misconfigured` for any that must not be fetched."""
        if not url.isascii() or any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
            raise _refused(url, "has characters that no URL has")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _refused(url, "cannot be read") from None
        if not host or "@" in parts.netloc or parts.fragment or "?" in url or port == 0:
            raise _refused(url, "is more or less than scheme, host, port and path")
        secure = parts.scheme == "https"
        if not secure and not (parts.scheme == "http" and allow_http_on_loopback and _is_loopback(host)):
            raise _refused(url, "is not https")
        return cls(host, port or (443 if secure else 80), parts.path or "/", secure)


class Line:
    """A connection to one address that is kept for the next question. One thread asks at a time; any may cut it."""

    def __init__(
        self, address: Address, *, ca_file: str | None = None, private: Sequence["IPv4Network | IPv6Network"] = ()
    ) -> None:
        """Connect when first asked.

        ``ca_file`` is a PEM file of the only authorities to trust, for a private or a development authority.
        ``private`` lists networks that are not public and may be spoken to all the same.
        """
        self._address = address
        self._ca_file = ca_file
        self._private = private
        self._connection: HTTPConnection | None = None
        self._handle: socket | None = None
        self._late = False
        self._severed = False

    def get(self, query: str = "", *, time_limit: float = TIME_LIMIT) -> bytes:
        """Return the body of a 200 answer, or raise :class:`FetchFailed`. Blocks; call it in a thread of its own.

        A kept connection that the other side has closed meanwhile is replaced once.
        """
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

    def close(self) -> None:
        """Hang up; by the thread that asks."""
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

    def _is_late(self) -> None:
        self._late = True
        self._hang_up()

    def _exchange(self, query: str, time_limit: float) -> tuple[int, bool, bytes]:
        """Ask once; whatever goes wrong, and an answer that is not read to its end, ends the connection."""
        plain = None
        whole = False
        try:
            if self._connection is None:
                plain = _connect(self._address, time_limit, self._private)
                self._handle = plain.dup()
            if self._severed:
                raise FetchFailed("cut off")
            with _cut_after(time_limit, self._is_late):
                if plain is not None:
                    self._open(plain)
                answer, whole = self._ask(query, time_limit)
            if self._late:
                raise FetchFailed("it took too long")
            return answer
        finally:
            if not whole or self._late:
                self.close()
                if plain is not None:
                    plain.close()

    def _open(self, plain: "socket") -> None:
        """Time-outs of the socket are the upper bound of one step; ``_cut_after`` bounds all steps together."""
        from http.client import HTTPConnection

        connection = HTTPConnection(self._address.host, self._address.port)
        connection.sock = _tls(plain, self._address.host, self._ca_file) if self._address.secure else plain
        connection.auto_open = 0  # it would connect again by itself, in clear and to wherever the name leads by then
        self._connection = connection

    def _ask(self, query: str, time_limit: float) -> tuple[tuple[int, bool, bytes], bool]:
        connection = self._connection
        if connection is None:
            raise FetchFailed("cut off")
        connection.sock.settimeout(time_limit)
        connection.request("GET", self._address.target + query, headers=_HEADERS)
        with connection.getresponse() as response:
            body = response.read(MAX_SIZE + 1)
            whole = response.isclosed() and not response.will_close
            return (response.status, response.getheader("Retry-After") is not None, body), whole


_HEADERS: Final = {"Accept": "application/json", "Cache-Control": "no-cache"}


def fetch(
    address: Address,
    *,
    ca_file: str | None = None,
    private: Sequence["IPv4Network | IPv6Network"] = (),
    time_limit: float = TIME_LIMIT,
) -> bytes:
    """Ask once over a connection of its own; see :meth:`Line.get`."""
    line = Line(address, ca_file=ca_file, private=private)
    try:
        return line.get(time_limit=time_limit)
    finally:
        line.close()


def networks(texts: Iterable[str]) -> tuple["IPv4Network | IPv6Network", ...]:
    """Read networks such as ``10.0.0.0/8``. Raises :class:`~doorward.errors.Misconfigured`."""
    import ipaddress

    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        finding = Finding(f"Verifier: private_networks: {error}.", "List networks such as '10.0.0.0/8'.")
        raise Misconfigured(finding) from error


def _connect(address: Address, time_limit: float, private: Sequence["IPv4Network | IPv6Network"]) -> "socket":
    """Connect to the first of the host's addresses that may be spoken to and answers.

    The address is judged and used in one breath, so a name that changes its mind in between (DNS rebinding) wins
    nothing.
    """
    from socket import SOCK_STREAM, create_connection, getaddrinfo

    found = {str(entry[4][0]): None for entry in getaddrinfo(address.host, address.port, type=SOCK_STREAM)}
    allowed = [ip for ip in found if _may_be_spoken_to(ip, address.host, private)]
    if not allowed:
        raise FetchFailed("the name leads to a private address that private_networks does not list")
    for ip in allowed[:-1]:
        with suppress(OSError):
            return create_connection((ip, address.port), timeout=time_limit)
    return create_connection((allowed[-1], address.port), timeout=time_limit)


def _may_be_spoken_to(ip: str, host: str, private: Sequence["IPv4Network | IPv6Network"]) -> bool:
    """A public address, a listed one, or one that the configuration has written itself: as a number or ``localhost``.

    Otherwise a name server could turn the verifier against machines behind the firewall.
    """
    import ipaddress

    address = ipaddress.ip_address(ip.partition("%")[0])
    if _is_loopback(host):
        return address.is_loopback
    with suppress(ValueError):
        if ipaddress.ip_address(host.partition("%")[0]) == address:
            return True
    if any(address in network for network in private):
        return True
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:10.0.0.1 is 10.0.0.1
    return bool((mapped or address).is_global)


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


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(url: str, why: str) -> Misconfigured:
    return Misconfigured(
        Finding(f"Verifier: the address of the key set, {url!r}, {why}.", "Give the https URL of the issuer.")
    )
