"""Is this access token to be believed, now? The rules of RFC 9068 section 4, and nothing else. Pure.

The order is the standard's: type and signature (``jose`` does both), issuer, audience, times, then the types of the
claims, then whether anything the token stands on has been revoked. No option switches a check off (``security.md``
section 3, row 37). What a caller may *do* is not decided here: :mod:`doorward.verify.fastapi` asks for scope and role.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.keys import KeySet

TOKEN_TYPE: Final = "at+jwt"
"""RFC 9068 section 2.1: an ID token or an OAuth state never passes as an access token."""

MAX_LIFETIME: Final = 86_400
"""Seconds between ``iat`` and ``exp`` that are believed by default: the longest that the server can be set to."""

MAX_SCOPE_LENGTH: Final = 1024
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 section 3.3: tokens of printable ASCII without quote and backslash, one space between them."""

DIGEST_BYTES: Final = 16

MAX_STATUS_URI: Final = 512


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller: what the token said when it was believed.

    Times are whole seconds since 1970 UTC. ``subject`` is the account (``acc_…``), unique within the issuer only.
    """

    subject: str
    session_id: str
    client_id: str
    token_id: str
    issued_at: int
    expires_at: int
    auth_time: int
    amr: tuple[str, ...]
    scope: frozenset[str]
    roles: frozenset[str]
    email_verified: bool | None


def digest(kind: Literal["session", "token", "key"], identifier: str) -> bytes:
    """Name what is revoked: 16 bytes of SHA-256(kind NUL identifier), which tell an outsider nothing.

    Never made of a token's text or its hash, because a token can be spelled in more than one way (rows 12 and 30).
    """
    return hashlib.sha256(f"{kind}\0{identifier}".encode()).digest()[:DIGEST_BYTES]


class RevocationSet:
    """What is no longer to be believed, as digests. Asking is O(1) whatever the size; forgetting bounds the size."""

    __slots__ = ("_crowded", "_forget_at", "_lock")

    def __init__(self) -> None:
        """Start empty."""
        self._forget_at: dict[bytes, int] = {}
        self._lock = Lock()
        self._crowded = _ROOM

    def add(self, digest: bytes, forget_at: int) -> None:
        """Refuse from now on what ``digest`` names; it may be forgotten once no token can name it any more.

        ``forget_at`` is a time in seconds since 1970 UTC. Raises ``ValueError`` unless the digest has 16 bytes.
        """
        if len(digest) != DIGEST_BYTES:
            raise ValueError("a digest has 16 bytes")
        with self._lock:
            self._forget_at[digest] = max(forget_at, self._forget_at.get(digest, 0))

    def covers(self, *digests: bytes) -> bool:
        """Tell whether one of the digests is revoked. There is no leeway here."""
        known = self._forget_at
        return any(name in known for name in digests)

    def forget(self, now: int) -> None:
        """Discard what no token can say any more. Call it as often as you like: it works only when the set has doubled.

        The largest leeway is added, so that no verifier's clock skew outlives the memory (TOB-PYPI26-1).
        """
        if len(self._forget_at) < self._crowded:
            return
        with self._lock:
            self._forget_at = {name: until for name, until in self._forget_at.items() if until + jwt.MAX_LEEWAY > now}
            self._crowded = max(_ROOM, 2 * len(self._forget_at))

    def __len__(self) -> int:
        """Count the digests held."""
        return len(self._forget_at)


_ROOM: Final = 1024
"""Entries below which forgetting is not worth the walk; about 100 KB."""


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of a token stands (draft-ietf-oauth-status-list section 6.1)."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Believed:
    """A principal, when the token holds, and the names under which what it stands on could be revoked.

    ``starts_at`` and ``ends_at`` are seconds since 1970 UTC, without leeway. The digests are of the session, of this
    one token and of the key that signed it.
    """

    principal: Principal
    starts_at: int
    ends_at: int
    digests: tuple[bytes, bytes, bytes]
    status: StatusReference | None = None


def check(
    token: str,
    *,
    keys: KeySet,
    issuer: str,
    audience: str,
    now: int,
    revocations: RevocationSet | None,
    leeway: int,
    max_lifetime: int,
) -> Principal:
    """Return who sent the token, or raise :class:`~doorward.errors.InvalidToken`. All times are seconds."""
    believed = examine(
        token, keys=keys, issuer=issuer, audience=audience, now=now, leeway=leeway, max_lifetime=max_lifetime
    )
    check_not_revoked(believed, revocations)
    return believed.principal


def examine(
    token: str, *, keys: KeySet, issuer: str, audience: str, now: int, leeway: int, max_lifetime: int
) -> Believed:
    """Check everything that the token itself can tell (RFC 9068 section 4); revocation is asked separately."""
    decoded = jwt.decode(token, keys, typ=TOKEN_TYPE)
    claims = decoded.claims
    jwt.check_issuer(claims, issuer)
    jwt.check_audience(claims, audience)
    issued_at, expires_at = jwt.check_times(claims, now=now, leeway=leeway, max_lifetime=max_lifetime)
    check_unbound(claims)
    principal = Principal(
        subject=jwt.text_claim(claims, "sub"),
        session_id=jwt.text_claim(claims, "sid"),
        client_id=jwt.text_claim(claims, "client_id"),
        token_id=jwt.text_claim(claims, "jti"),
        issued_at=issued_at,
        expires_at=expires_at,
        auth_time=auth_time_claim(claims, issued_at=issued_at, leeway=leeway),
        amr=amr_claim(claims),
        scope=scope_claim(claims),
        roles=frozenset(jwt.texts_claim(claims, "roles")),
        email_verified=flag_claim(claims, "email_verified"),
    )
    return Believed(
        principal,
        starts_at=max(issued_at, jwt.time_claim(claims, "nbf")) if "nbf" in claims else issued_at,
        ends_at=expires_at,
        digests=(
            digest("session", principal.session_id),
            digest("token", principal.token_id),
            digest("key", decoded.kid),
        ),
        status=status_claim(claims),
    )


def check_still_holds(believed: Believed, *, now: int, leeway: int) -> None:
    """Ask the time again of a token that was verified before: the same bounds as ``jwt.check_times``."""
    if now >= believed.ends_at + leeway:
        raise InvalidToken("expired")
    if now < believed.starts_at - leeway:
        raise InvalidToken("not yet valid")


def check_not_revoked(believed: Believed, revocations: RevocationSet | None) -> None:
    """Refuse what has been revoked: the session, this one token, or the key that signed it."""
    if revocations is not None and revocations.covers(*believed.digests):
        raise InvalidToken("revoked")


def check_unbound(claims: Mapping[str, object]) -> None:
    """Refuse a token bound to a key of the client: no proof is asked for here, so it must not pass (row 43)."""
    if "cnf" in claims:
        raise InvalidToken("bound to a key without proof")


def auth_time_claim(claims: Mapping[str, object], *, issued_at: int, leeway: int) -> int:
    """Read when the account last proved itself; later than ``iat`` would make every log-in look fresh."""
    auth_time = jwt.time_claim(claims, "auth_time")
    if auth_time > issued_at + leeway:
        raise InvalidToken("auth_time after iat")
    return auth_time


def amr_claim(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Read how the account has proved itself (RFC 8176); required, and at least one."""
    amr = jwt.texts_claim(claims, "amr")
    if not amr:
        raise InvalidToken("claim amr")
    return amr


def scope_claim(claims: Mapping[str, object]) -> frozenset[str]:
    """Read ``scope`` (RFC 9068 section 2.2.3); absent means none."""
    if "scope" not in claims:
        return frozenset()
    value = claims["scope"]
    if not isinstance(value, str) or len(value) > MAX_SCOPE_LENGTH or _SCOPE.fullmatch(value) is None:
        raise InvalidToken("claim scope")
    return frozenset(value.split(" "))


def status_claim(claims: Mapping[str, object]) -> StatusReference | None:
    """Read where the token's status stands; other ways of telling it, which we do not know, are no such place."""
    status = claims.get("status")
    place = status.get("status_list") if isinstance(status, dict) else status
    if "status" in claims and not isinstance(status, dict):
        raise InvalidToken("claim status")
    if place is None:
        return None
    index, uri = (place.get("idx"), place.get("uri")) if isinstance(place, dict) else (None, None)
    if type(index) is not int or index < 0 or not isinstance(uri, str) or not 0 < len(uri) <= MAX_STATUS_URI:
        raise InvalidToken("claim status")
    return StatusReference(uri, index)


def flag_claim(claims: Mapping[str, object], name: str) -> bool | None:
    """Read an optional truth value. The text "true" is none: what is merely truthy has opened doors elsewhere."""
    value = claims.get(name)
    if name in claims and not isinstance(value, bool):
        raise InvalidToken(f"claim {name}")
    return value if isinstance(value, bool) else None
