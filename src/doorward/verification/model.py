"""What a challenge is, how its secrets are derived, and when it is over. Pure.

A challenge is a one-time secret with a purpose, bound to an account and an address. It leaves by mail in two spellings:
a token in the link, of 128 random bits under a MAC, and a code of eight digits that works together with the challenge's
public id on another device. Each purpose has a key of its own, so a secret of one never passes for another (Keycloak
CVE-2026-4282). Expiry is decided at use (authentik CVE-2025-64708).
"""

import hashlib
import hmac
import struct
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal

from doorward.errors import Problem
from doorward.settings import Verification as VerificationSettings


class ChallengeInvalid(Problem):
    """The link or code from a mail is unknown, used, expired, replaced, or was tried too often: one answer for all."""

    status = 400
    code = "challenge_invalid"
    title = "The link or code is not valid"
    detail = "It is unknown, used up or too old. Ask for another mail."


Purpose = Literal["verify", "change", "undo", "reset", "sign_in", "invite"]

PREFIXES: Final[dict[Purpose, str]] = {
    "verify": "dwv_",
    "change": "dwe_",
    "undo": "dwu_",
    "reset": "dwp_",
    "sign_in": "dwl_",
    "invite": "dwi_",
}
"""How a token begins, which is also what its key is derived for."""

PAGES: Final[dict[Purpose, str]] = {
    "verify": "/verify",
    "change": "/verify",
    "undo": "/undo",
    "reset": "/reset",
    "sign_in": "/sign-in",
    "invite": "/invitation",
}
"""Where the link of a mail leads. Opening it does nothing; the page has a button."""

CODE_DIGITS: Final = 8
"""26 bits, of which five are tried: NIST SP 800-63B-4 §4.2.1 asks for six digits."""

_CODE = struct.Struct(">16sI")


OVERTAKEN: Final = "overtaken, or the account's state has changed"
"""Why a challenge that was live a moment ago could not be redeemed."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge. Times are whole seconds since 1970 UTC. ``id`` is public and useless without the code."""

    id: str
    handle: bytes = field(repr=False)
    generation: int
    """Counts how often it was sent: a newer mail makes the older one's link and code worthless."""
    key_id: bytes
    purpose: Purpose
    account_id: str | None
    address: str
    payload: str | None = field(repr=False)
    """What takes effect when it is redeemed, such as the hash of a password that was chosen with it."""
    tries: int
    created_at: int
    expires_at: int
    ended_at: int | None

    def is_live(self, now: int) -> bool:
        """Tell whether it may still be redeemed."""
        return self.account_id is not None and self.ended_at is None and now < self.expires_at


def lifetime_of(purpose: Purpose, settings: VerificationSettings) -> int:
    """Tell how long a challenge of that purpose lives, in seconds."""
    lifetimes: dict[Purpose, int] = {
        "verify": settings.address_lifetime,
        "change": settings.address_lifetime,
        "undo": settings.undo_lifetime,
        "reset": settings.reset_lifetime,
        "sign_in": settings.sign_in_lifetime,
        "invite": settings.invitation_lifetime,
    }
    return lifetimes[purpose]


def code_purpose(purpose: Purpose) -> str:
    """Name what the key of a purpose's codes is derived for; another one than that of its tokens."""
    return f"code:{PREFIXES[purpose]}"


def derive_code(key: bytes, handle: bytes, generation: int) -> str:
    """Derive the code. 64 bits of the MAC are reduced to eight digits, so that none is likelier than another."""
    mac = hmac.digest(key, _CODE.pack(handle, generation), hashlib.sha256)
    return str(int.from_bytes(mac[:8], "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def read_code(typed: str) -> str | None:
    """Read what somebody typed: digits of any script, with spaces and hyphens between them; ``None`` for all else.

    Normalised before it is counted and compared, so that no spelling is a second try (Vault CVE-2025-6014).
    """
    digits = ""
    for character in typed:
        value = unicodedata.decimal(character, None)
        if value is not None:
            digits += str(value)
        elif not (character.isspace() or unicodedata.category(character) in {"Pd", "Cf"}):
            return None
    return digits if len(digits) == CODE_DIGITS else None
