"""Decisions about token families and signing keys. Pure.

A family is one row, and a refresh token is derived from it: handle, generation, MAC. What a presented token means
follows from the row alone, so every racer and everybody whose reply was lost gets the same answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from doorward.jose.algorithms import Algorithm
from doorward.jose.keys import VerifyingKey
from doorward.settings import Tokens as TokenSettings

REFRESH_PREFIX: Final = "dwr_"
ACCESS_TOKEN_TYPE: Final = "at+jwt"
"""RFC 9068 §2.1."""


@dataclass(frozen=True, slots=True)
class Family:
    """One token family with the state of its session and account. Times are whole seconds since 1970 UTC."""

    id: bytes = field(repr=False)
    session_id: str
    account_id: str
    client_id: str
    scope: str
    generation: int
    rotated_at: int
    expires_at: int
    revoked: bool
    """Whether the family, its session or its account is over."""
    auth_time: int
    amr: tuple[str, ...]
    roles: tuple[str, ...]
    email_verified: bool
    status_serial: int | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A racer, or somebody whose reply was lost: give the same successor again."""

    family: Family


@dataclass(frozen=True, slots=True)
class Reuse:
    """A spent token after the window: end the family and its session, tell the owner (RFC 9700 §4.14.2)."""

    family: Family


@dataclass(frozen=True, slots=True)
class Dead:
    """Expired, revoked or unknown. ``why`` is for logs only."""

    why: str


def decide_stale(family: Family | None, *, presented: int, now: int, settings: TokenSettings) -> Replay | Reuse | Dead:
    """Decide about a genuine refresh token for which the rotation found no row to rotate."""
    if family is None:
        return Dead("unknown family")
    over = why_over(family, now=now, settings=settings)
    if over is not None:
        return Dead(over)
    if presented >= family.generation:
        # Not spent, not current a moment ago: another request rotated to here in between, or the database is older
        # than the token (a restored backup). Neither is theft.
        return Dead("generation is not known yet")
    return Replay(family) if is_replay(family, presented=presented, now=now, settings=settings) else Reuse(family)


def why_over(family: Family, *, now: int, settings: TokenSettings) -> str | None:
    """Say why no token of the family is worth anything any more; ``None`` while one is."""
    if family.revoked:
        return "family, session or account is over"
    if now >= family.expires_at:
        return "family has expired"
    if now >= family.rotated_at + settings.refresh_idle_lifetime:
        return "family was idle for too long"
    return None


def is_replay(family: Family, *, presented: int, now: int, settings: TokenSettings) -> bool:
    """Tell whether a token was spent only a moment ago."""
    return presented == family.generation - 1 and now - family.rotated_at <= settings.replay_window


class KeyState(StrEnum):
    """The life of a signing key."""

    STAGED = "staged"
    """Published, so that verifiers know it before it signs."""
    ACTIVE = "active"
    """Signs. There is one."""
    VERIFY_ONLY = "verify-only"
    """Signs no more; what it signed is believed until that has expired."""
    RETIRED = "retired"
    """Believed no more; its private half is erased."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A signing key as it is stored. Times are whole seconds since 1970 UTC."""

    kid: str
    algorithm: Algorithm
    state: KeyState
    sealed: bytes = field(repr=False)
    created_at: int
    activated_at: int | None
    verify_until: int | None


@dataclass(frozen=True, slots=True)
class SurveyedKey:
    """A key as somebody finds it who only looks; ``public`` is ``None`` where it is retired or cannot be opened."""

    record: KeyRecord
    public: VerifyingKey | None
    is_sealed_with_newest: bool


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """What has to happen to the keys: which one retires, whether the staged one takes over, whether one is missing."""

    retire: tuple[str, ...] = ()
    promote: bool = False
    create_active: bool = False
    create_staged: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self == KeyPlan()


def plan_keys(records: Iterable[KeyRecord], *, now: int, settings: TokenSettings) -> KeyPlan:
    """Decide what age demands: staged → active → verify-only → retired (NIST SP 800-57 part 1 §5.3.6, cryptoperiods).

    A staged key of another algorithm than the one now set is replaced, so that a changed setting takes effect with
    the next rotation.
    """
    by_state: dict[KeyState, list[KeyRecord]] = {state: [] for state in KeyState}
    for record in records:
        by_state[record.state].append(record)
    outlived = tuple(
        record.kid
        for record in by_state[KeyState.VERIFY_ONLY]
        if record.verify_until is not None and now >= record.verify_until
    )
    unwanted = tuple(record.kid for record in by_state[KeyState.STAGED] if record.algorithm != settings.algorithm)
    staged = next((record for record in by_state[KeyState.STAGED] if record.kid not in unwanted), None)
    active = next(iter(by_state[KeyState.ACTIVE]), None)
    is_due = (
        active is not None
        and staged is not None
        and now - (active.activated_at or active.created_at) >= settings.key_lifetime
        and now - staged.created_at >= settings.key_publication
    )
    return KeyPlan(
        retire=outlived + unwanted,
        promote=is_due,
        create_active=active is None,
        create_staged=staged is None or is_due,
    )
