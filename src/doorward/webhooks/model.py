"""What a webhook says, how it is signed, when it is tried again, when an endpoint is given up. Pure.

Messages are those of Standard Webhooks (https://www.standardwebhooks.com, 1.0): three headers, and HMAC-SHA256 over id,
time and body, so that receivers find a library in their language, or write the five lines of
``docs/how-to/receive-webhooks.md``. The secret of an endpoint is derived, not stored: who has the database cannot sign.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from doorward.core.secret import SecretRing

PURPOSE: Final = "webhook"
SECRET_PREFIX: Final = "whsec_"
TEST_EVENT: Final = "webhook.test"
FORMER_SECRET_LIFETIME: Final = 86_400
"""Seconds for which a message also carries the signature of the secret before."""

LEASE: Final = 60
"""Seconds after which a claimed delivery is due again: its process has died. Far longer than a request may take."""

FIRST_RETRY: Final = 5
LONGEST_RETRY: Final = 6 * 3600
MAX_URL: Final = 2048
MAX_EVENTS: Final = 64

_PATTERN: Final = re.compile(r"\*|[a-z][a-z0-9_.]{0,63}(\.\*)?")
_MESSAGE_TAG: Final = b"doorward/message/"

State = Literal["pending", "delivered", "failed"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who is told. Times are whole seconds since 1970 UTC; ``events`` are names, ``name.*`` or ``*``."""

    id: str
    url: str
    events: tuple[str, ...]
    key_id: bytes
    generation: int
    former_key_id: bytes | None
    former_until: int
    cursor: int
    created_at: int
    failing_since: int | None
    disabled_at: int | None

    def wants(self, event: str) -> bool:
        """Tell whether it is to be told of an event of that name."""
        return any(
            pattern in ("*", event) or (pattern.endswith(".*") and event.startswith(pattern[:-1]))
            for pattern in self.events
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. ``attempts`` counts this one too once it is claimed."""

    id: int
    endpoint_id: str
    message_id: str
    event: str
    body: str = field(repr=False)
    state: State
    attempts: int
    due_at: int
    created_at: int
    finished_at: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at ``due_at``."""

    due_at: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """This one is not tried again; with ``disable`` the endpoint is given up as well."""

    disable: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status, or 0 and in a word why there was none."""

    status: int
    why: str

    def __str__(self) -> str:
        """Write it for operators."""
        return str(self.status) if self.status else self.why


def decide_outcome(
    delivery: Delivery, endpoint: Endpoint, answer: Answer, *, now: int, give_up_after: int, chance: float
) -> Delivered | Again | GivenUp:
    """Decide what an answer means. ``chance`` (0 to 1) spreads retries, so that an endpoint is not hit by all at once.

    2xx is success and nothing else: a redirect could lead anywhere. 410 says that nobody wants it any more. The pauses
    double, so whoever has been silent since a message was new has been so for more than a third of its age limit.
    """
    if 200 <= answer.status < 300:
        return Delivered()
    failing_since = now if endpoint.failing_since is None else endpoint.failing_since
    if answer.status == 410:
        return GivenUp(disable=True)
    delay = min(FIRST_RETRY << min(delivery.attempts - 1, 20), LONGEST_RETRY)
    due_at = now + round(delay * (0.8 + 0.4 * chance))
    if due_at - delivery.created_at > give_up_after:
        return GivenUp(disable=now - failing_since >= give_up_after // 3)
    return Again(due_at)


def secret_of(ring: SecretRing, endpoint: Endpoint, *, key_id: bytes, generation: int) -> bytes | None:
    """Derive an endpoint's secret; ``None`` when the instance secret behind it is not set any more."""
    key = ring.key(key_id, PURPOSE)
    if key is None:
        return None
    return hmac.digest(key, f"{endpoint.id}\0{generation}".encode(), hashlib.sha256)


def spell_secret(secret: bytes) -> str:
    """Write a secret as receivers' libraries take it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def signatures(ring: SecretRing, endpoint: Endpoint, message_id: str, body: bytes, *, now: int) -> list[str]:
    """Sign a message, for a day after a rotation with both secrets; empty when no secret can be derived."""
    generations = [(endpoint.key_id, endpoint.generation)]
    if endpoint.former_key_id is not None and now < endpoint.former_until:
        generations.append((endpoint.former_key_id, endpoint.generation - 1))
    content = f"{message_id}.{now}.".encode() + body
    signed = []
    for key_id, generation in generations:
        secret = secret_of(ring, endpoint, key_id=key_id, generation=generation)
        if secret is not None:
            mac = hmac.digest(secret, content, hashlib.sha256)
            signed.append("v1," + base64.b64encode(mac).decode("ascii"))
    return signed


def message_id_of(digest: bytes) -> str:
    """Name a message after the sealed line it tells of: the same at every attempt and to every endpoint."""
    raw = hashlib.sha256(_MESSAGE_TAG + digest).digest()[:16]
    return "msg_" + base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def body_of(
    *, event: str, at: str, account_id: str | None, session_id: str | None, detail: Mapping[str, Any], issuer: str
) -> str:
    """Write the body. Members may be added to it, never taken away."""
    data = {"account_id": account_id, "session_id": session_id, **detail}
    return json.dumps({"type": event, "timestamp": at, "issuer": issuer, "data": data}, separators=(",", ":"))


def check_url(url: str) -> str | None:
    """Say what is wrong with an endpoint's address; ``None``: nothing."""
    if len(url) > MAX_URL or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return "is too long, or has characters that no URL has"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read"
    if parts.scheme != "https":
        return "is not https"
    if not parts.hostname or "@" in parts.netloc or parts.fragment or port == 0:
        return "is more or less than https, host, port, path and query"
    return None


def check_events(events: Sequence[str]) -> str | None:
    """Say what is wrong with a list of names; ``None``: nothing."""
    if not 1 <= len(events) <= MAX_EVENTS:
        return f"Name 1 to {MAX_EVENTS} events, or '*'."
    wrong = [each for each in events if _PATTERN.fullmatch(each) is None]
    return f"{wrong[0][:64]!r} is no name of an event, no 'name.*' and not '*'." if wrong else None


def may_connect(address: str, allowed: Sequence[Network]) -> bool:
    """Tell whether an address may be spoken to: a public one, or one that is listed.

    Addresses that carry an IPv4 address within (mapped, 6to4, Teredo, NAT64) are judged by that too. Of IPv6 only what
    is given out for the internet is public: not site-local addresses, nor a NAT64 of one's own (RFC 8215).
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(ip in network for network in allowed):
        return True
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(each is not None and not each.is_global for each in inner):
            return False
        if ip.ipv4_mapped is not None:
            return True
        if ip not in _NAT64 and ip not in _INTERNET:
            return False
    return ip.is_global and not ip.is_multicast


_INTERNET: Final = ipaddress.IPv6Network("2000::/3")
"""What addresses of the internet begin with (RFC 4291 §2.4); the standard library takes all that is unknown for it."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
