"""Forwarded headers: believed from listed proxies, dropped from everybody else (ASVS 4.1.3).

``X-Forwarded-For`` and ``Forwarded`` (RFC 7239) are lists to which each proxy appends, so only their right end was
written by somebody we know: the client is the rightmost address that is not a listed proxy, and what is further left
is the client's own invention. A proxy that writes one of the two passes the other on as the client sent it; where both
are there and disagree, nobody can tell which is which, and the request is refused (authentik CVE-2024-47070: a header
that could not be parsed must never become a way around something).

This layer holds requests to one Host header, too (RFC 9112 §3.2): Granian takes two, and makes an empty one up.

The app behind sees a scope with the real client and no forwarded header at all, so it cannot believe one by mistake.
Only forward authentication is told what a listed proxy was asked for, by a name of its own in the scope; and what is
for this machine alone is told that there was a proxy.
"""

import ipaddress
import logging
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from doorward.errors import MalformedRequest, Problem, ProxyRequired
from doorward.forward_auth.model import ORIGINAL, Claim
from doorward.serving.lifespan import App
from doorward.serving.redirect import decide, dressed
from doorward.verify.answers import DEFAULT_REALM, DOCS_PATH, Answer, refusal
from doorward.verify.sockets import POLICY_VIOLATION
from doorward.web.loopback import FORWARDED

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOPS: Final = 32
MAX_ADDRESS: Final = 64
"""Longer than any address with brackets and port, and short enough to be remembered."""
_PREFIXES: Final = (b"x-forwarded-", b"x-original-")
_CLIENT_HEADERS: Final = frozenset(
    (b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip", b"x-original-forwarded-for")
)
_WITH_PORT: Final = re.compile(r"(?:\[(?P<bracketed>[^\]]*)\]|(?P<plain>[^:\[\]]*)(?=:))(?::[0-9]{1,5})?")
_PAIR: Final = re.compile(r'\s*(?P<name>[A-Za-z]+)=(?:"(?P<quoted>[^"\\]*)"|(?P<token>[^\s;,"]+))\s*')

_log = logging.getLogger("doorward.serving")


class _Ambiguous(ValueError):  # noqa: N818 - reads as what it is
    """The forwarded headers cannot be believed; the text says why, for logs."""


class ForwardedHeaders:
    """ASGI middleware around the app that ``doorward serve`` serves.

    ``required``: behind a proxy, where others than the listed proxies are refused with 403 and what reached a proxy
    over plain HTTP is answered like on the plain listener.
    """

    def __init__(self, app: App, *, trusted: Iterable[str], required: bool, origin: str, mount_path: str = "") -> None:
        """Wrap ``app``; ``trusted`` are addresses or networks, checked before (``configuration/safety.py``)."""
        self._app = app
        self._trusted = tuple(ipaddress.ip_network(each) for each in trusted)
        self._required = required
        self._origin = origin
        self._mount_path = mount_path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or pass it on with a scope that tells the truth."""
        answer = None if scope["type"] == "lifespan" else self._refusal_or_rewrite(scope)
        if answer is None:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})

    def _refusal_or_rewrite(self, scope: Any) -> Answer | None:
        forwarded, scope["headers"], hosts = _separate(scope["headers"])
        if len(hosts) > 1 or (not any(hosts) and scope.get("http_version") == "1.1"):
            return self._refuse(scope, MalformedRequest(detail="A request has one Host header."))  # RFC 9112 §3.2
        peer = _address(scope["client"][0]) if scope.get("client") else None
        is_trusted = peer is not None and _within(peer, self._trusted)
        scope[ORIGINAL] = Claim(forwarded, is_trusted=is_trusted)
        scope[FORWARDED] = bool(forwarded)
        if peer is None or not is_trusted:
            return self._refuse(scope, ProxyRequired()) if self._required else None
        try:
            client = _client(forwarded, self._trusted) or peer
            scheme = _scheme(forwarded) or "https"
        except _Ambiguous as why:
            _log.warning("a forwarded header from %s was refused: %s", peer, why)
            detail = "The forwarded headers are malformed or contradict each other."
            return self._refuse(scope, MalformedRequest(detail=detail))
        scope["client"] = (str(client), 0)
        scope["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        if scheme == "https":
            return None
        target = scope.get("raw_path") or scope["path"].encode()
        if scope.get("query_string"):
            target += b"?" + scope["query_string"]
        headers, method = scope["headers"], scope.get("method", "GET").encode()
        answer = decide(method, target, headers, origin=self._origin, mount_path=self._mount_path)
        return dressed(answer, headers, in_clear=True)

    def _refuse(self, scope: Any, problem: Problem) -> Answer:
        documentation = self._origin + self._mount_path + DOCS_PATH
        answer = refusal(problem, realm=DEFAULT_REALM, documentation=documentation)
        return dressed(answer, scope["headers"], in_clear=False)


def _separate(
    headers: Iterable[tuple[bytes, bytes]],
) -> tuple[dict[bytes, list[str]], list[tuple[bytes, bytes]], list[bytes]]:
    """Return the forwarded headers, the others, and what is said in Host, which is among the others."""
    forwarded: dict[bytes, list[str]] = {}
    kept, hosts = [], []
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(_PREFIXES) or lower in _CLIENT_HEADERS:
            forwarded.setdefault(lower, []).append(value.decode("latin-1"))
        else:
            kept.append((name, value))
            if lower == b"host":
                hosts.append(value)
    return forwarded, kept, hosts


def _client(forwarded: dict[bytes, list[str]], trusted: Sequence[Network]) -> Ip | None:
    """Return who the proxies say is asking, or ``None`` when they say nothing. Raises ``_Ambiguous``."""
    found = set()
    if b"x-forwarded-for" in forwarded:
        found.add(_rightmost(",".join(forwarded[b"x-forwarded-for"]).split(","), trusted))
    if b"forwarded" in forwarded:
        found.add(_rightmost([hop.get("for", "") for hop in _hops(forwarded[b"forwarded"])], trusted))
    if len(found) > 1:
        raise _Ambiguous("X-Forwarded-For and Forwarded disagree")
    return found.pop() if found else None


def _rightmost(hops: list[str], trusted: Sequence[Network]) -> Ip:
    """Walk from the right over the listed proxies to the first other address; if all are listed, it is the leftmost."""
    client: Ip | None = None
    for hop in hops[: -MAX_HOPS - 1 : -1]:
        client = _address(hop.strip())
        if client is None or not _within(client, trusted):
            break
    if client is None:
        raise _Ambiguous("an entry written by a proxy is not an address")
    return client


def _scheme(forwarded: dict[bytes, list[str]]) -> str | None:
    """Return the scheme that the nearest proxy was asked with, or ``None`` when it does not say."""
    found = set()
    if b"x-forwarded-proto" in forwarded:
        found.add(forwarded[b"x-forwarded-proto"][-1].rpartition(",")[2].strip().lower())
    protos = [hop["proto"].lower() for hop in _hops(forwarded.get(b"forwarded", [])) if "proto" in hop]
    found.update(protos[-1:])
    found = {{"wss": "https", "ws": "http"}.get(scheme, scheme) for scheme in found}
    if len(found) > 1 or not found <= {"http", "https"}:
        raise _Ambiguous("the scheme is unknown or told in two ways")
    return found.pop() if found else None


def _hops(values: list[str]) -> list[dict[str, str]]:
    """Parse ``Forwarded`` (RFC 7239 §4) strictly: no escapes, no parameter twice in a hop."""
    hops: list[dict[str, str]] = []
    for element in ",".join(values).split(",")[-MAX_HOPS:] if values else ():
        hop: dict[str, str] = {}
        for pair in element.split(";"):
            match = _PAIR.fullmatch(pair)
            if match is None or match["name"].lower() in hop:
                raise _Ambiguous("Forwarded cannot be parsed")
            hop[match["name"].lower()] = match["quoted"] if match["quoted"] is not None else match["token"]
        hops.append(hop)
    return hops


def _address(text: str) -> Ip | None:
    """Read an address, with or without a port, brackets or the IPv4-mapped form; ``None`` for anything else."""
    return _parse_address(text) if len(text) <= MAX_ADDRESS else None


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> Ip | None:
    match = _WITH_PORT.fullmatch(text)
    bare = (match["bracketed"] or match["plain"] or "") if match else text
    if "%" in bare:
        return None
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _within(address: Ip, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
