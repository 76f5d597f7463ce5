"""What a proxy was asked for, how far that is believed, and what it is told about the caller. Pure.

A proxy tells method and address of the original request in headers. Only those of a listed proxy are believed
(``serving.trusted_proxies``, which ``serving/proxy.py`` judges); anything else is a claim that makes the request more
suspicious and never less: a method nobody vouches for counts as unsafe, an address nobody vouches for leads nowhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from doorward.accounts.model import Account
from doorward.verify.model import Principal

ORIGINAL: Final = "doorward.original"
"""Where in the scope the :class:`Claim` stands, if the server in front of the app has judged one."""

UNKNOWN_METHOD: Final = "UNKNOWN"
"""Counts as unsafe, because it is none of the safe ones."""

HEADERS: Final = (
    "X-Auth-Subject",
    "X-Auth-Session",
    "X-Auth-Email",
    "X-Auth-Email-Verified",
    "X-Auth-Roles",
    "X-Auth-Scope",
)
"""What an application behind the proxy is told. All are sent, also the empty ones: for one that is missing, Caddy up to
2.9 passes the name of its own placeholder on."""

_METHODS: Final = (b"x-forwarded-method", b"x-original-method")
_TARGETS: Final = (b"x-forwarded-uri", b"x-original-uri")
_HOSTS: Final = (b"x-forwarded-host",)
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_TARGET: Final = re.compile(r"(?P<path>/(?!/)[A-Za-z0-9._~!$&'()*+,=:@%/-]*)(?:\?(?P<query>[\x21-\x7e]*))?")
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,")


@dataclass(frozen=True, slots=True)
class Claim:
    """The forwarded headers of a request, and whether the peer that sent them is a listed proxy."""

    values: Mapping[bytes, Sequence[str]]
    is_trusted: bool


@dataclass(frozen=True, slots=True)
class Original:
    """The request that the proxy has to decide about; ``None`` where nobody knows."""

    method: str
    target: "Target | None"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the original request goes: its origin, and path and query as they were sent."""

    origin: str | None
    path: str
    query: str


def claim_of(headers: Iterable[tuple[bytes, bytes]]) -> Claim:
    """Make the claim of a request that no server of ours has judged, as in an application of a host: not believed."""
    names = {*_METHODS, *_TARGETS, *_HOSTS}
    return Claim({name: [value.decode("latin-1")] for name, value in headers if name in names}, is_trusted=False)


def is_handshake(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether the original request opens a WebSocket, from what proxies pass on: some drop ``Upgrade``."""
    return any(
        name.startswith(b"sec-websocket-") or name == b"upgrade" or (name, value) == (b"sec-fetch-mode", b"websocket")
        for name, value in headers
    )


def read_original(claim: Claim, *, asked_with: str) -> Original:
    """Read what the proxy was asked for.

    Who says nothing of another request asks for itself, so its own method counts. Where two headers disagree, one of
    them came from the client: then neither is believed.
    """
    if not any(name in claim.values for name in (*_METHODS, *_TARGETS)):
        return Original(asked_with, None)
    if not claim.is_trusted:
        return Original(UNKNOWN_METHOD, None)
    method = _one(claim, _METHODS)
    return Original(method if _METHOD.fullmatch(method) else UNKNOWN_METHOD, _target(claim))


def identity(principal: Principal, account: Account) -> dict[str, str]:
    """Write the headers for the application. Roles and address are those of now, not those of the token."""
    said = (
        principal.subject,
        principal.session_id,
        account.email,
        "true" if account.email_verified else "false",
        ",".join(map(encode, account.roles)),
        " ".join(map(encode, sorted(principal.scope))),
    )
    values = dict(zip(HEADERS, said, strict=True))
    return {name: value if name in _LISTS else encode(value) for name, value in values.items()}


def encode(text: str) -> str:
    """Write a text so that no reader of headers can take it for more than one value: percent-encoded UTF-8.

    Printable ASCII stays as it is, but for the per cent sign and the comma.
    """
    return quote(text, safe=_SAFE)


_LISTS: Final = frozenset(("X-Auth-Roles", "X-Auth-Scope"))


def _one(claim: Claim, names: Sequence[bytes]) -> str:
    """Return what all of the headers agree on, or the empty text."""
    said = {value for name in names for value in claim.values.get(name, ())}
    count = sum(len(claim.values.get(name, ())) for name in names)
    return said.pop() if len(said) == 1 and count <= len(names) else ""


def _target(claim: Claim) -> Target | None:
    match = _TARGET.fullmatch(_one(claim, _TARGETS))
    if match is None:
        return None
    origin = None
    if any(name in claim.values for name in _HOSTS):
        host = _one(claim, _HOSTS).lower()
        if _HOST.fullmatch(host) is None:
            return None
        origin = f"https://{host.removesuffix(':443')}"
    return Target(origin, match["path"], match["query"] or "")
