"""What an account is, and what a login may look like. Pure.

Logins are compared without regard to letter case. An e-mail address is kept as it was typed (mail goes to exactly
that string) and compared by its key; a username has a small alphabet, so that no two of them look alike and none can
be taken for an address.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from doorward.errors import FieldError

MAX_EMAIL: Final = 254
"""RFC 5321 §4.5.3.1.3: a path has 256 octets, two of them angle brackets."""
MAX_LOCAL_PART: Final = 64
"""RFC 5321 §4.5.3.1.1."""
MAX_PROFILE_BYTES: Final = 8192

# RFC 5321 §4.1.2 dot-string only: quoted local parts and address literals are how parsers are made to disagree
# (next-auth GHSA-5jpx-9hw9-2fx4). The domain has a dot and letters, digits and hyphens (RFC 1123 §2.1).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+{_LABEL})")
_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{1,30}[A-Za-z0-9])")
_ROLE = re.compile(r"[a-z](?:[a-z0-9_.:-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Account:
    """One account. Times are whole seconds since 1970 UTC; ``id`` is the public subject of every token."""

    id: str
    email: str
    email_verified_at: int | None
    username: str | None
    profile: dict[str, Any]
    roles: tuple[str, ...]
    created_at: int
    last_login_at: int | None
    disabled_at: int | None

    @property
    def email_verified(self) -> bool:
        """Whether the owner has proved the address."""
        return self.email_verified_at is not None


def login_key(login: str) -> str:
    """Normalise what is compared: NFKC, then case folded. Redeeming the same key twice is one account."""
    return unicodedata.normalize("NFKC", login).casefold()


def check_email(email: str) -> FieldError | None:
    """Check the form of an address (RFC 5321 §4.1.2, without quoted strings and literals)."""
    match = _EMAIL.fullmatch(email) if len(email) <= MAX_EMAIL else None
    if match is None or len(match[1]) > MAX_LOCAL_PART:
        return FieldError("/email", "invalid_email", "This is not an e-mail address.")
    return None


def check_username(username: str) -> FieldError | None:
    """Check the form of a username: 3 to 32 ASCII letters, digits, dots, hyphens and underscores."""
    if _USERNAME.fullmatch(username) is None:
        detail = "A username has 3 to 32 letters, digits, '.', '-' or '_', and begins and ends with a letter or digit."
        return FieldError("/username", "invalid_username", detail)
    return None


def check_role(role: str) -> bool:
    """Tell whether a role has the form that tokens and headers can carry without quoting."""
    return _ROLE.fullmatch(role) is not None
