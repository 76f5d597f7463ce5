"""What a tried password means. Pure.

Whatever went wrong, the caller hears ``invalid_credentials``; only somebody who knows the password is told that the
account is disabled (ASVS 6.3.8).
"""

from dataclasses import dataclass, field
from typing import Literal

from doorward.accounts.model import Account
from doorward.settings import Accounts as AccountSettings
from doorward.settings import Limits as LimitSettings


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was read for a login: the account, its password if it has one, and its number of live sessions."""

    account: Account
    stored: str | None = field(repr=False)
    version: int
    live_sessions: int


@dataclass(frozen=True, slots=True)
class Admit:
    """Let in. ``stored`` is the hash that was verified."""

    candidate: Candidate
    stored: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not let in, and remember it. ``why`` is for logs only."""

    why: str
    account_id: str | None
    answer: Literal["invalid_credentials", "account_disabled", "email_not_verified"] = "invalid_credentials"
    """What the caller hears; anything but the first only after the right password."""


def bound_of_failures(settings: LimitSettings, *, known: bool) -> int:
    """Say how many wrong passwords in a row there may be: for a known device all of them, for strangers half.

    NIST SP 800-63B-4 §3.2.2 disables the authenticator after 100. Kept apart, strangers could use up one count each;
    so there is one count, and its second half is kept for devices that the account knows: a stranger can disable the
    password for strangers, never for its owner. A reset by mail begins anew, as does every success.
    """
    return settings.failures_in_a_row if known else settings.failures_in_a_row // 2


def decide_login(
    candidate: Candidate | None, *, verified: bool, within_bound: bool, settings: AccountSettings
) -> Admit | Refuse:
    """Decide about a password that was verified against the stored hash, or against the decoy.

    Beyond the bound of failures the right password is no better than a wrong one, and nobody hears the difference:
    otherwise a guesser would only have to go on until the answer is another.
    """
    if candidate is None:
        return Refuse("unknown login", None)
    account = candidate.account
    if candidate.stored is None:
        return Refuse("account has no password", account.id)
    if not within_bound:
        return Refuse("too many wrong passwords in a row", account.id)
    if not verified:
        return Refuse("wrong password", account.id)
    if account.disabled_at is not None:
        return Refuse("account is disabled", account.id, "account_disabled")
    if settings.email_verification == "required" and not account.email_verified:
        return Refuse("address is not verified", account.id, "email_not_verified")
    return Admit(candidate, candidate.stored)
