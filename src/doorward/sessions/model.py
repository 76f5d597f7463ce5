"""What a session is and when it is over. Pure.

Expiry is decided here, at use, with the server's clock: the cookie's own expiry enforces nothing
(NIST SP 800-63B-4 §5.1.1, authentik CVE-2025-64708), and clean-up is only housekeeping.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal

from doorward.settings import Sessions as SessionSettings
from doorward.settings import Tokens as TokenSettings

COOKIE_PREFIX: Final = "dws_"
"""Purpose of the opaque value in the cookie; it never passes as a refresh token, nor the other way round."""

SEEN_INTERVAL: Final = 60
"""``last_seen_at`` of a session is written once in so many seconds; more often only for idle lifetimes below 4 min."""

SEEN_SHARE: Final = 4
"""What is not written yet is at most this part of the shortest idle lifetime: a quarter."""

Transport = Literal["bearer", "cookie"]


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Times are whole seconds since 1970 UTC; ``id`` is the ``sid`` of its tokens and is public."""

    id: str
    account_id: str
    handle: bytes = field(repr=False)
    """128 random bits, nowhere but in the database and in the cookie. Never shown."""
    generation: int
    digest: bytes
    transport: Transport
    amr: tuple[str, ...]
    auth_time: int
    created_at: int
    last_seen_at: int
    idle_lifetime: int
    expires_at: int
    remembered: bool
    """Whether the browser keeps the cookie when it is closed."""
    user_agent: str
    ip_prefix: str
    ended_at: int | None = None
    status_serial: int | None = None
    """Its place in the status lists, where those are switched on."""

    def is_live(self, now: int, *, seen_at: int = 0) -> bool:
        """Tell whether the session is still good: not ended, not too old, not idle for too long.

        ``seen_at`` is a use that is known here and not written yet.
        """
        idle_at = max(self.last_seen_at, seen_at) + self.idle_lifetime
        return self.ended_at is None and now < self.expires_at and now < idle_at


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session behind a cookie as it was read, with what its principal needs from the account."""

    session: Session
    roles: tuple[str, ...]
    email_verified: bool


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session may live: altogether, and without being used. Seconds."""

    absolute: int
    idle: int


def decide_lifetimes(
    transport: Transport, *, remember: bool, sessions: SessionSettings, tokens: TokenSettings
) -> Lifetimes:
    """Choose the lifetimes of a new session; a bearer session lives as long as its token family."""
    if transport == "bearer":
        return Lifetimes(tokens.refresh_lifetime, tokens.refresh_idle_lifetime)
    if remember:
        return Lifetimes(sessions.remembered_lifetime, sessions.remembered_idle_lifetime)
    return Lifetimes(sessions.lifetime, sessions.idle_lifetime)


def is_fresh(auth_time: int, *, now: int, sessions: SessionSettings) -> bool:
    """Tell whether the last proof of who somebody is was recent enough for acts that need a fresh log-in."""
    return now - auth_time <= sessions.fresh_lifetime


def decide_seen_interval(sessions: SessionSettings) -> int:
    """Choose after how many seconds the use of sessions is written.

    Another process, or this one after it was killed, knows of a session's use what was written. So it may hold a
    session for idle that was used within the last interval, and end it that much early; never late, because nothing is
    written that has not happened. The process that saw the use knows it to the second. A minute early is nothing beside
    two hours; with an idle lifetime of a minute it would be all of it, hence the share.
    """
    return min(SEEN_INTERVAL, min(sessions.idle_lifetime, sessions.remembered_idle_lifetime) // SEEN_SHARE)


def account_digest(account_id: str) -> bytes:
    """Name every session of an account at once, in what is told about changes."""
    return hashlib.sha256(b"sessions of " + account_id.encode()).digest()[:16]
