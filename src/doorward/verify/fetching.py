"""Fetching a small document over HTTPS from a fixed address, with nothing that can be talked into more.

Standard library only. HTTPS only (HTTP to this machine itself where that was allowed in so many words), no redirects,
no proxies from the environment, at most 64 KiB, at most five seconds in all (PyJWT CVE-2026-48522, -102267). The
address comes from the configuration and never from a token.
"""

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from doorward.errors import Finding, Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from socket import socket
    from ssl import SSLSocket
    from threading import Event

MAX_SIZE: Final = 64 * 1024
TIME_LIMIT: Final = 5.0
"""Seconds from the open connection to the last byte, whatever the other side does; as many to connect."""


_JSON: Final = {"Accept": "application/json"}


class FetchFailed(Exception):  # noqa: N818 - reads as what has happened
    """The document could not be had. The message is a fixed phrase, or the name of an exception."""


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


def fetch(
    address: Address,
    *,
    ca_file: str | None = None,
    time_limit: float = TIME_LIMIT,
    max_size: int = MAX_SIZE,
    headers: "Mapping[str, str]" = _JSON,
) -> bytes:
    """Return the body of a 200 answer, or raise :class:`FetchFailed`. Blocks; call it in a thread of its own.

    ``ca_file`` is a PEM file of the only authorities to trust, for a private or a development authority.
    """
    from http.client import HTTPException  # imported when needed: a verifier that was given its keys never does

    try:
        with _connect(address, time_limit) as plain, plain.dup() as handle, _cut_after(time_limit, handle) as late:
            status, body = _get(plain, address, ca_file, max_size, headers)
            if late.is_set():
                raise FetchFailed("it took too long")
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(type(error).__name__) from error
    if status != 200:
        raise FetchFailed("the status was not 200")
    if len(body) > max_size:
        raise FetchFailed("the answer is too large")
    return body


def _connect(address: Address, time_limit: float) -> "socket":
    from socket import create_connection

    return create_connection((address.host, address.port), timeout=time_limit)


@contextmanager
def _cut_after(time_limit: float, handle: "socket") -> "Iterator[Event]":
    """Cut the line when time is up: the time-outs of a socket start anew with every byte, so they bound nothing."""
    from socket import SHUT_RDWR
    from threading import Event, Timer

    late = Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            handle.shutdown(SHUT_RDWR)

    timer = Timer(time_limit, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _get(
    plain: "socket", address: Address, ca_file: str | None, max_size: int, headers: "Mapping[str, str]"
) -> tuple[int, bytes]:
    from http.client import HTTPConnection

    connection = HTTPConnection(address.host, address.port)
    try:
        connection.sock = _tls(plain, address.host, ca_file) if address.secure else plain
        connection.request("GET", address.target, headers=dict(headers))
        with connection.getresponse() as response:
            return response.status, response.read(max_size + 1)
    finally:
        connection.close()


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
