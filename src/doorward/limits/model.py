"""What is counted for a try, and what it means that a count is full. Pure.

A try is counted in several *buckets* at once, one a layer, and passes only where it passes in all of them:

========= ============================= ==================================================================
layer     one bucket for                when it is full
========= ============================= ==================================================================
network   an IPv4 /32, an IPv6 /64      refused until the window ends
wide      an IPv4 /24, an IPv6 /48      refused until the window ends
pair      a login and a network         a delay that grows from 30 s to 1 h
login     a login, all strangers        a challenge, which gets harder the more has been tried
instance  a share of everybody          a challenge
device    a device the account knows    a delay that grows; nothing else is counted for it
========= ============================= ==================================================================

None of them can be held shut by a stranger: the first three belong to the stranger's own network, a challenge is open
to whoever answers it, and a known device has a bucket of its own. NIST SP 800-63B-4 §3.2.2 names the delays and allows
such bot detection; its bound of 100 failures in a row is kept by ``passwords/``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, assert_never

from doorward.core.source import Source
from doorward.settings import Limits

DELAYS: Final = (30, 60, 120, 240, 480, 960, 1920, 3600)
"""Seconds to wait before the first try beyond what is free, before the second, … (NIST SP 800-63B-4 §3.2.2)."""

DAY: Final = 24 * 3600
"""What is counted for one login alone is remembered for a day: guessing slowly buys nothing. Seconds."""

SKEW: Final = 3600
"""Seconds by which a clock may go back and buy nothing. Beyond that a bucket begins anew, lest it be full for ever."""

SHARES: Final = 8
"""Rows over which the count of the whole instance is spread by network, so that log-ins do not queue for one row."""

QUESTIONS_PER_TRY: Final = 10
"""How often a sign-up form may ask the policy for each registration that the limits allow."""

UNLIMITED: Final = 1 << 62


class Full(Enum):
    """What happens at a full bucket."""

    REFUSES = "refuses"
    DELAYS = "delays"
    CHALLENGES = "challenges"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Something that is counted: how many tries are free, for how long they are remembered (seconds), what then."""

    digest: bytes
    free: int
    span: int
    full: Full = Full.REFUSES
    shared: bool = False
    """Whether others are counted here too: a success then gives back one try, and not all of them."""

    @classmethod
    def of(
        cls, kind: str, name: str, free: int, *, span: int, full: Full = Full.REFUSES, shared: bool = True
    ) -> "Bucket":
        """Name a bucket, for example ``("network", "203.0.113.7/32")``. The digest tells nobody whose it is."""
        return cls(hashlib.sha256(f"{kind}\0{name}".encode()).digest()[:16], free, span, full, shared)

    def allowed(self, *, proved: bool) -> int:
        """Say how many tries pass for somebody who has answered a challenge, or has not."""
        return UNLIMITED if proved and self.full is Full.CHALLENGES else self.free


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: in which buckets it counts, and what an answer to a challenge must have been made for."""

    purpose: str
    subject: str
    source: Source
    buckets: tuple[Bucket, ...]

    @property
    def bound_to(self) -> bytes:
        """What a challenge of this try is good for, and nothing else: purpose, network and login."""
        parts = (self.purpose, self.source.network, self.subject)
        return hashlib.sha256("\0".join(parts).encode()).digest()


@dataclass(frozen=True, slots=True)
class Count:
    """What a bucket holds. Times are whole seconds since 1970 UTC."""

    tries: int
    tried_at: int
    forget_at: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A try that did not pass. ``level`` is the difficulty of a challenge that lets it pass, or ``None``."""

    retry_after: int
    level: int | None = None


# -- which buckets -----------------------------------------------------------------------------------------------------


def stranger(name: str, source: Source, settings: Limits) -> Attempt:
    """Count a log-in from a device that the account does not know. ``name`` is the key of what was typed."""
    pair = Bucket.of("pair", f"{name}\0{source.network}", settings.per_pair, span=DAY, full=Full.DELAYS, shared=False)
    login = Bucket.of("login", name, settings.per_account, span=DAY, full=Full.CHALLENGES, shared=False)
    return Attempt("log-in", name, source, (*_networks(source, settings), *([pair] if source.network else []), login))


def acquaintance(device: str, name: str, source: Source, settings: Limits) -> Attempt:
    """Count a log-in from a device that the account knows, or a confirmation within one of its sessions.

    Nothing else is counted: neither an attack on the account nor one from the same network takes anything from it.
    """
    own = Bucket.of("device", device, settings.per_pair, span=DAY, full=Full.DELAYS, shared=False)
    return Attempt("log-in", name, source, (own,))


def registration(source: Source, settings: Limits) -> Attempt:
    """Count a registration; there is nothing to count for the host itself."""
    return _by_network("registration", "", source, settings)


def recovery(login: str, source: Source, settings: Limits) -> Attempt:
    """Count a request for a mail that gives access back: few for each login before a challenge is due."""
    own = Bucket.of("recovery", login, settings.per_recovery, span=settings.window, full=Full.CHALLENGES)
    by_network = _by_network("recovery", login, source, settings)
    return Attempt("recovery", login, source, (*by_network.buckets, own))


def question(network: str, settings: Limits) -> Bucket:
    """Count for a network that asks about passwords, as a form does at every pause in typing."""
    return Bucket.of("questions", network, QUESTIONS_PER_TRY * settings.per_network, span=settings.window)


def service_key(network: str, settings: Limits) -> Bucket:
    """Count for a network that shows wrong service keys. Right ones are never counted."""
    return Bucket.of("service keys", network, settings.per_network, span=settings.window)


def _by_network(purpose: str, subject: str, source: Source, settings: Limits) -> Attempt:
    few = Bucket.of(purpose, source.network, settings.registrations, span=settings.window, full=Full.CHALLENGES)
    buckets = (*_networks(source, settings), few) if source.network else ()
    return Attempt(purpose, subject, source, buckets)


def network(name: str, settings: Limits) -> Bucket:
    """Count for one address, or for what one subscriber has of IPv6."""
    return Bucket.of("network", name, settings.per_network, span=settings.window)


def _networks(source: Source, settings: Limits) -> tuple[Bucket, ...]:
    if not source.network:
        return ()
    own = network(source.network, settings)
    wide = Bucket.of("wide", source.ip_prefix, settings.per_wide_network, span=settings.window)
    share = str(own.digest[0] % SHARES)
    free = -(-settings.per_instance // SHARES)
    return own, wide, Bucket.of("instance", share, free, span=settings.window, full=Full.CHALLENGES)


# -- what a full one means ---------------------------------------------------------------------------------------------


def delay(beyond: int) -> int:
    """Say how long to wait before a try, in seconds, when ``beyond`` have passed over what is free."""
    return DELAYS[min(max(beyond, 0), len(DELAYS) - 1)]


def begins_anew(bucket: Bucket, count: Count, *, now: int) -> bool:
    """Tell whether a count is over: its time has passed, or the clock has gone back too far to tell."""
    return count.forget_at <= now or count.forget_at > now + bucket.span + SKEW


def explain(attempt: Attempt, counts: Mapping[bytes, Count], *, proved: bool, now: int) -> Refusal:
    """Say why a try did not pass, from the counts as they are now.

    A challenge is offered only where its answer is all that is missing. Where nothing is full any more, somebody's
    success has just given tries back: the next try may pass at once.
    """
    waits, levels, until = [], [], [1]
    for bucket in attempt.buckets:
        count = counts.get(bucket.digest)
        if count is None or begins_anew(bucket, count, now=now) or count.tries < bucket.allowed(proved=proved):
            continue
        match bucket.full:
            case Full.REFUSES:
                waits.append(count.forget_at - now)
            case Full.DELAYS:
                waits.append(_delayed(bucket, count, now=now))
            case Full.CHALLENGES:
                levels.append(_level(bucket, count.tries))
                until.append(count.forget_at - now)
            case _:  # pragma: no cover - mypy proves it
                assert_never(bucket.full)
    waits = [wait for wait in waits if wait > 0]
    level = max(levels) if levels and not waits else None
    return Refusal(max(*waits, *until), level) if waits else Refusal(max(until), level)


def _delayed(bucket: Bucket, count: Count, *, now: int) -> int:
    if now < count.tried_at - SKEW:
        return 0
    return count.tried_at + delay(count.tries - bucket.free) - now


def _level(bucket: Bucket, tries: int) -> int:
    """Choose the difficulty: what others share grows by one with every doubling, lest an attack be felt by everybody.

    What is counted for one login alone grows with every half of what is free: only who attacks it gets that far.
    """
    if bucket.shared:
        return (tries // bucket.free).bit_length() - 1
    return (tries - bucket.free) // max(1, bucket.free // 2)


def in_order(buckets: Sequence[Bucket]) -> list[Bucket]:
    """Sort as every write locks them, so that two writes never wait for each other's rows crosswise."""
    return sorted(buckets, key=lambda bucket: bucket.digest)
