"""Where documents may be fetched from: an address of the configuration, and what its name leads to.

HTTPS only (HTTP to this machine itself where that was allowed in so many words), and no private address unless it is
listed. Nothing here comes from a token.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from doorward.errors import Finding, Misconfigured

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network
    from socket import socket

MAX_ADDRESSES: Final = 3
"""Addresses of a host that are tried, one after the other."""


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


def networks(texts: Iterable[str]) -> tuple["IPv4Network | IPv6Network", ...]:
    """Read networks such as ``10.0.0.0/8``. Raises :class:`~doorward.errors.Misconfigured`."""
    import ipaddress

    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        finding = Finding(f"Verifier: private_networks: {error}.", "List networks such as '10.0.0.0/8'.")
        raise Misconfigured(finding) from error


def connect(address: Address, time_limit: float, private: Sequence["IPv4Network | IPv6Network"]) -> "socket":
    """Connect to the first of the host's addresses that may be spoken to and answers.

    The address is judged and used in one breath, so a name that changes its mind in between (DNS rebinding) wins
    nothing.
    """
    from socket import SOCK_STREAM, create_connection, getaddrinfo

    found = {str(entry[4][0]): None for entry in getaddrinfo(address.host, address.port, type=SOCK_STREAM)}
    allowed = [ip for ip in found if may_be_spoken_to(ip, address.host, private)][:MAX_ADDRESSES]
    if not allowed:
        raise FetchFailed("the name leads to a private address that private_networks does not list")
    for ip in allowed[:-1]:
        with suppress(OSError):
            return create_connection((ip, address.port), timeout=time_limit)
    return create_connection((allowed[-1], address.port), timeout=time_limit)


def may_be_spoken_to(ip: str, host: str, private: Sequence["IPv4Network | IPv6Network"]) -> bool:
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
    judged = mapped or address
    return bool(judged.is_global and not judged.is_multicast)


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
