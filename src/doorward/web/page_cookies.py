"""The small cookies of pages: whose browser this is before a log-in, its language, a notice, what had been typed.

Each has a ``__Host-`` name of its own and is read as strictly as the session's: from the raw header, by its exact
name, and two of a name are none, because somebody has tossed one in (``security.md`` section 5).
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doorward.core.clock import Entropy
from doorward.core.secret import SecretRing
from doorward.web.browser import Headers, values_of_cookie

_DRAFT: Final = "form-draft"
_NONCE_BYTES: Final = 12
_VALUE: Final = re.compile(r"[A-Za-z0-9._=-]{1,3500}")


@dataclass(frozen=True, slots=True)
class PageCookie:
    """One cookie by its name."""

    name: str
    max_age: int | None = None
    """Seconds; ``None``: until the browser is closed."""
    secure: bool = True

    def read(self, headers: Headers) -> str:
        """Return the value of the only cookie of this name, or the empty text."""
        values = values_of_cookie(self.name.encode(), headers)
        return values[0] if len(values) == 1 and _VALUE.fullmatch(values[0]) else ""

    def write(self, value: str) -> str:
        """Write ``Set-Cookie``."""
        lifetime = "" if self.max_age is None else f"; Max-Age={self.max_age}"
        secure = " Secure;" if self.secure else ""
        return f"{self.name}={value}; Path=/;{secure} HttpOnly; SameSite=Lax{lifetime}"

    def clear(self) -> str:
        """Write the ``Set-Cookie`` that removes it."""
        return replace(self, max_age=0).write("")


@dataclass(frozen=True, slots=True)
class PageCookies:
    """The cookies of one instance's pages."""

    visitor: PageCookie
    """A random value that forms are bound to before there is a session; it never becomes one (session fixation)."""
    language: PageCookie
    notice: PageCookie
    """The name of a sentence to be shown on the next page; the sentences are ours, so nobody else writes one."""
    draft: PageCookie
    """What was typed into a form whose session had ended."""

    @classmethod
    def of(cls, origin: str) -> "PageCookies":
        """Name the cookies of an origin; over plain HTTP, on this machine alone, browsers refuse the prefix."""
        secure = origin.startswith("https://")
        start = "__Host-doorward-" if secure else "doorward-insecure-"
        return cls(
            visitor=PageCookie(start + "visitor", None, secure),
            language=PageCookie(start + "language", 365 * 86400, secure),
            notice=PageCookie(start + "notice", 60, secure),
            draft=PageCookie(start + "draft", 600, secure),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed into a form whose session had ended. Never a password."""

    owner: str
    """The mark of the account whose form it was: nobody else gets to see it."""
    path: str
    values: dict[str, str]


def owner_mark(ring: SecretRing, account_id: str) -> str:
    """Name an account to its own forms without naming it to others."""
    mac = hmac.digest(ring.newest_key("form-owner"), account_id.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac[:18]).decode("ascii")


def seal_draft(ring: SecretRing, draft: Draft, *, entropy: Entropy) -> str:
    """Write a draft for its cookie, readable to nobody who opens the cookies of a shared computer.

    Empty where it is too long for one.
    """
    nonce = entropy(_NONCE_BYTES)
    sealed = AESGCM(ring.newest_key(_DRAFT)).encrypt(nonce, msgspec.json.encode(draft), None)
    value = base64.urlsafe_b64encode(nonce + sealed).decode("ascii")
    return value if _VALUE.fullmatch(value) else ""


def unseal_draft(ring: SecretRing, value: str) -> Draft | None:
    """Read a draft back, or return ``None`` for anything that was not written here."""
    try:
        raw = base64.b64decode(value, altchars=b"-_", validate=True)
        text = AESGCM(ring.newest_key(_DRAFT)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return None
    return msgspec.json.decode(text, type=Draft)
