"""What a mail is, where a mail server is, and what its answer means. Pure.

A recipient is an address of the strict grammar of ``accounts/model.py`` and mail goes to exactly that string: nothing
here parses an address (next-auth GHSA-5jpx-9hw9-2fx4, Keycloak CVE-2025-8419).
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from doorward.accounts.model import check_email
from doorward.errors import Forbidden

FOLDER: Final = "mail"
"""Below the data folder, where the file mailer writes."""

FIRST_PAUSE: Final = 30
"""Seconds until the second try; each further pause is twice as long (RFC 5321 §4.5.4.1 wants patience)."""
LONGEST_PAUSE: Final = 3600

Security = Literal["tls", "starttls", "none"]

_SCHEMES: Final[dict[str, tuple[Security, int]]] = {
    "smtps": ("tls", 465),
    "smtp": ("starttls", 587),
    "smtp+plain": ("none", 25),
}


class MailUnavailable(Forbidden):
    """The operator has not said where mail goes, so nothing that needs a mail can be done here."""

    code = "mail_unavailable"
    title = "This server sends no mail"
    detail = "What was asked for needs a mail, and this server is not set up to send any."


@dataclass(frozen=True, slots=True)
class Message:
    """One mail, ready to go. ``message_id`` stays the same however often it is tried."""

    message_id: str
    sender: str
    sender_name: str
    recipient: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    language: str
    written_at: int


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is. With ``starttls`` nothing is said before TLS but the wish for it."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The mail server has taken the mail and answers for it from now on."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now. Whether the mail has arrived is not known when the line was cut after it."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: the mail server does not want this mail."""

    why: str


Outcome = Accepted | Deferred | Refused


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at that time."""

    at: int
    why: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """Do not try again; an operator may."""

    why: str


@dataclass(frozen=True, slots=True)
class Revealed:
    """The secret of a challenge that is still good, as a mail carries it."""

    link: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: int


Revealer = Callable[[str], Awaitable[Revealed | None]]
"""Derives the link and the code of a challenge by its id; ``None`` when it is over."""


def decide_next(
    outcome: Deferred | Refused, *, tries: int, queued_at: int, now: int, max_age: int, chance: int
) -> Again | SetAside:
    """Decide what becomes of a mail that was not taken. ``chance`` is a random byte: it spreads the next tries."""
    if isinstance(outcome, Refused):
        return SetAside(outcome.why)
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 16))
    at = now + pause * (192 + chance // 2) // 256  # between three quarters and one and a quarter of the pause
    if at >= queued_at + max_age:
        return SetAside(f"nobody took it for too long; the last answer was: {outcome.why}")
    return Again(at, outcome.why)


def read_server(url: str) -> Server:
    """Read ``mail.smtp_url``. Raises ``ValueError`` with what is wrong; the password is never part of it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with smtps://, smtp:// or smtp+plain://")
    security, usual = _SCHEMES[parts.scheme]
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must name a host, perhaps a port, and nothing behind them")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("has a user without a password, or a password without a user")
    if security == "none" and (user or not is_loopback(parts.hostname)):
        raise ValueError("may go without TLS only to a relay on this machine, and without a password")
    return Server(parts.hostname, port or usual, security, user, password)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_recipient(address: str) -> bool:
    """Tell whether mail may be sent to an address; asked again right before sending."""
    return check_email(address) is None


def told(text: str) -> str:
    """Make what a mail server says fit for a log line and a table: printable, and not long."""
    return "".join(each if each.isprintable() else " " for each in text)[:200].strip()
