"""Is this access token to be believed, now? The rules of RFC 9068 section 4, and nothing else. Pure.

The order is the standard's: type and signature (``jose`` does both), issuer, audience, times, then the types of the
claims, then whether anything the token stands on has been revoked. No option switches a check off (``security.md``
section 3, row 37). What a caller may *do* is not decided here: :mod:`doorward.verify.fastapi` asks for scope and role.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
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
    key_id: str = field(default="", compare=False, repr=False)
    """Which key of the issuer signed the token; empty for a caller by cookie. Says nothing about who calls."""


Kind = Literal["session", "token", "key", "account"]
"""What can be revoked: a session by ``sid``, one token by ``jti``, a signing key by ``kid``, an account by ``sub``."""


def digest(kind: Kind, identifier: str) -> bytes:
    """Name what is revoked: 16 bytes of SHA-256(kind NUL identifier), which tell an outsider nothing.

    Never made of a token's text or its hash, because a token can be spelled in more than one way (rows 12 and 30).
    """
    return hashlib.sha256(f"{kind}\0{identifier}".encode()).digest()[:DIGEST_BYTES]


def digests_of(principal: Principal) -> tuple[bytes, ...]:
    """Return the names under which what a caller stands on could be revoked: session, token, key, if any, account."""
    named: tuple[tuple[Kind, str], ...] = (
        ("session", principal.session_id),
        ("token", principal.token_id),
        ("key", principal.key_id),
        ("account", principal.subject),
    )
    return tuple(digest(kind, identifier) for kind, identifier in named if identifier)


SPAN: Final = 64
"""Seconds that share a list of what may be forgotten together; an entry is kept that much longer at most."""

STEP: Final = 256
"""Entries that one call forgets at most, some 30 µs: a request never pays for a log-out of everybody an hour ago."""

_NOTHING: Final = -1
_NEVER: Final = 1 << 62
"""Before and after every time."""


class RevocationSet:
    """What is no longer to be believed, as digests. Asking is O(1) whatever the size; forgetting bounds the size.

    Safe under threads; after a fork it belongs to the parent, because its lock may be held for ever in the child.
    """

    __slots__ = ("_ending", "_first", "_known", "_listeners", "_lock")

    def __init__(self) -> None:
        """Start empty."""
        self._known: dict[bytes, int | tuple[int, int]] = {}
        self._ending: dict[int, tuple[int, list[bytes]]] = {}
        self._first = _NEVER
        self._listeners: tuple[Callable[[Collection[bytes]], None], ...] = ()
        self._lock = Lock()

    def add(self, digest: bytes, forget_at: int, not_before: int | None = None) -> None:
        """Refuse from now on what ``digest`` names; it may be forgotten once no token can name it any more.

        With ``not_before`` only tokens that were issued before that time are refused. Both are in seconds since 1970
        UTC. Said twice, the stricter and the longer counts. Raises ``ValueError`` unless the digest has 16 bytes.
        """
        if len(digest) != DIGEST_BYTES:
            raise ValueError("a digest has 16 bytes")
        last, seen, limit = -(-forget_at // SPAN) * SPAN, 0, _NOTHING
        strictest = _NEVER if not_before is None else not_before
        with self._lock:
            before = self._known.get(digest)
            if before is not None:
                seen, limit = before if isinstance(before, tuple) else (before, _NEVER)
            last, names = self._ending.setdefault(max(last, seen), (max(last, seen), []))  # one number for all of them
            if last != seen:
                names.append(digest)
            self._first = min(self._first, last)
            strictest = max(strictest, limit)
            self._known[digest] = last if strictest == _NEVER else (last, strictest)
        if strictest > limit:
            self._tell((digest,))

    def covers(self, *digests: bytes, issued_at: int = 0) -> bool:
        """Tell whether one of the digests is revoked for a token issued at that time. There is no leeway here."""
        known = self._known
        for name in digests:
            found = known.get(name)
            if found is not None and (type(found) is int or issued_at < found[1]):  # type: ignore[index]
                return True
        return False

    def forget(self, now: int, *, at_most: int = STEP) -> None:
        """Discard some of what no token can say any more. Call it as often as you like: mostly it is a comparison.

        The largest leeway is added, so that no verifier's clock skew outlives the memory (TOB-PYPI26-1).
        """
        if now < self._first + jwt.MAX_LEEWAY:
            return
        with self._lock:
            while at_most > 0 and now >= self._first + jwt.MAX_LEEWAY:
                last, names = self._ending[self._first]
                while names and at_most > 0:
                    name, at_most = names.pop(), at_most - 1
                    found = self._known[name]
                    if (found[0] if isinstance(found, tuple) else found) == last:  # else it was said again since
                        del self._known[name]
                if not names:
                    del self._ending[last]
                    self._first = min(self._ending, default=_NEVER)

    def on_news(self, listener: Callable[[Collection[bytes]], None]) -> None:
        """Have ``listener`` called with what was not revoked before, in the thread that adds it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def _tell(self, news: Collection[bytes]) -> None:
        """Pass news on. Never under the lock: a listener may ask this set."""
        for listener in self._listeners:
            listener(news)

    def __len__(self) -> int:
        """Count the digests held."""
        return len(self._known)


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of a token stands (draft-ietf-oauth-status-list section 6.1)."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Believed:
    """A principal, when the token holds, and the names under which what it stands on could be revoked.

    ``starts_at`` and ``ends_at`` are seconds since 1970 UTC, without leeway. The digests are of the session, of this
    one token, of the key that signed it and of the account.
    """

    principal: Principal
    starts_at: int
    ends_at: int
    digests: tuple[bytes, ...]
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
        key_id=decoded.kid,
    )
    return Believed(
        principal,
        starts_at=max(issued_at, jwt.time_claim(claims, "nbf")) if "nbf" in claims else issued_at,
        ends_at=expires_at,
        digests=digests_of(principal),
        status=status_claim(claims),
    )


def check_still_holds(believed: Believed, *, now: int, leeway: int) -> None:
    """Ask the time again of a token that was verified before: the same bounds as ``jwt.check_times``."""
    if now >= believed.ends_at + leeway:
        raise InvalidToken("expired")
    if now < believed.starts_at - leeway:
        raise InvalidToken("not yet valid")


def check_not_revoked(believed: Believed, revocations: RevocationSet | None) -> None:
    """Refuse what has been revoked: the session, this one token, the key that signed it, or the account until then."""
    if revocations is not None and revocations.covers(*believed.digests, issued_at=believed.principal.issued_at):
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
