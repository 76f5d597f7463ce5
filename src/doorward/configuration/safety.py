"""Whether settings are safe to start with: every rule, every finding at once, each with its fix.

A rule names the settings it looks at, so that what could not be read is not judged by its default. The rules are pure
but for two: the modes of files are looked up. Nothing here opens a certificate; ``serving/`` does that at start.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from doorward.configuration.catalogue import entries, value_of
from doorward.configuration.files import check_files, open_to_others
from doorward.configuration.origins import check_allowed_origins, check_insecure_loopback, wrong_origin
from doorward.configuration.pages import check_pages
from doorward.configuration.strength import weakness
from doorward.configuration.values import convert
from doorward.core.secret import Secret
from doorward.errors import Finding
from doorward.mail.model import is_loopback, is_recipient, read_server
from doorward.settings import Settings

Rule = Callable[[Settings], Iterator[Finding]]

_MOUNT_PATH: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_NARROWEST: Final = {4: 8, 6: 16}
"""A trusted network must have at least so many fixed bits, by IP version: wider ones hold other people."""


def check_settings(settings: Settings, *, unread: frozenset[str] = frozenset()) -> list[Finding]:
    """Return everything that makes the settings unsafe; an empty list means that the start may go on.

    ``unread`` names settings that have a finding already because they could not be read (see ``Reading``).
    """
    return [finding for names, rule in RULES if unread.isdisjoint(names) for finding in rule(settings)]


def _bounds(settings: Settings) -> Iterator[Finding]:
    """Hold settings made in Python to the bounds that those read from text have met already."""
    for entry in entries().values():
        try:
            convert(entry, value_of(settings, entry))
        except ValueError as wrong:
            yield Finding(f"{entry.dotted} {wrong}.", f"Correct it; it is {entry.variable} in the environment.")


def _secret(settings: Settings) -> Iterator[Finding]:
    if not settings.secret:
        yield Finding("No secret is set.", "Run 'doorward init', or set DOORWARD_SECRET or DOORWARD_SECRET_FILE.")
    yield from _weak("secret", settings.secret)


def _pepper(settings: Settings) -> Iterator[Finding]:
    yield from _weak("passwords.pepper", settings.passwords.pepper)
    if set(settings.secret) & set(settings.passwords.pepper):
        yield Finding("secret and passwords.pepper share a value.", "Give each its own: openssl rand -base64 32")


def _weak(name: str, secrets: tuple[Secret, ...]) -> Iterator[Finding]:
    for place, secret in enumerate(secrets, 1):
        weak = weakness(secret)
        which = f"{name} number {place}" if len(secrets) > 1 else name
        if weak:
            yield Finding(f"{which} {weak}.", "Make one: openssl rand -base64 32")
    if len(set(secrets)) < len(secrets):
        yield Finding(f"{name} lists the same value twice.", "Remove one of them.")


def _origin(settings: Settings) -> Iterator[Finding]:
    wrong = None if settings.serving.insecure_loopback else wrong_origin(settings.origin)
    if wrong:
        fix = "Set DOORWARD_ORIGIN to what browsers show, for example https://auth.example.com"
        yield Finding(f"origin {wrong}.", fix)


def _pages(settings: Settings) -> Iterator[Finding]:
    for origin in settings.pages.return_origins:
        wrong = wrong_origin(origin)
        if wrong:
            fix = "List origins like https://app.example.com; paths of this origin need no listing."
            yield Finding(f"pages.return_origins: {origin!r} {wrong}.", fix)
    yield from check_pages(settings.pages)


def _mount_path(settings: Settings) -> Iterator[Finding]:
    if not _MOUNT_PATH.fullmatch(settings.mount_path):
        what = "mount_path must be empty, or begin with a slash and end without one, in plain characters."
        yield Finding(what, "Write it like /auth")


def _mail(settings: Settings) -> Iterator[Finding]:
    mail = settings.mail
    if settings.accounts.email_verification == "required" and not mail.is_configured:
        what = "accounts.email_verification is 'required', and nothing says where mail goes."
        yield Finding(
            what,
            "Set DOORWARD_MAIL__SMTP_URL (smtps://user:password@host) and DOORWARD_MAIL__FROM; on your own machine "
            "DOORWARD_MAIL__DELIVERY=file; or DOORWARD_ACCOUNTS__EMAIL_VERIFICATION=off to leave addresses unproved.",
        )
    if settings.verification.sign_in_links and not mail.is_configured:
        yield Finding(
            "verification.sign_in_links is on, and nothing says where mail goes.", "Set DOORWARD_MAIL__SMTP_URL."
        )
    if mail.smtp_url:
        try:
            read_server(mail.smtp_url)
        except ValueError as wrong:
            yield Finding(f"mail.smtp_url {wrong}.", "Write it like smtps://user:password@mail.example.com:465")
    if mail.delivery == "smtp" and mail.smtp_url and not mail.from_:
        yield Finding("mail.from is empty, so that mails have no sender.", "Set DOORWARD_MAIL__FROM.")
    if mail.from_ and not is_recipient(mail.from_):
        yield Finding("mail.from is not a plain e-mail address.", "Write it like door@example.com, without a name.")
    if mail.delivery in ("file", "console") and not is_loopback(urlsplit(settings.origin).hostname or ""):
        what = f"mail.delivery is '{mail.delivery}', which is for development, and the origin is not this machine."
        yield Finding(what, "Set DOORWARD_MAIL__DELIVERY=smtp and DOORWARD_MAIL__SMTP_URL.")
    if mail.ca_file is not None and not mail.ca_file.is_file():
        yield Finding(f"mail.ca_file, {mail.ca_file}, is not a file that can be seen.", "Correct the path.")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database.url and not settings.database.url.startswith(("sqlite:///", "postgresql://")):
        what = "database.url names no database that is known here."
        yield Finding(what, "Write sqlite:///data/doorward.db or postgresql://user@host/name")
    if settings.database.timeout < 1:
        yield Finding("database.timeout is 0, so that nothing could ever finish.", "Set it to 10s.")


def _lifetimes(settings: Settings) -> Iterator[Finding]:
    tokens, sessions = settings.tokens, settings.sessions
    ordered = (
        ("tokens.replay_window", tokens.replay_window, "tokens.access_lifetime", tokens.access_lifetime),
        ("tokens.access_lifetime", tokens.access_lifetime, "tokens.refresh_lifetime", tokens.refresh_lifetime),
        ("tokens.access_lifetime", tokens.access_lifetime, "tokens.key_lifetime", tokens.key_lifetime),
        ("tokens.key_publication", tokens.key_publication, "tokens.key_lifetime", tokens.key_lifetime),
        ("sessions.fresh_lifetime", sessions.fresh_lifetime, "sessions.lifetime", sessions.lifetime),
    )
    bounded = (
        ("tokens.refresh_idle_lifetime", tokens.refresh_idle_lifetime, "tokens.refresh_lifetime",
         tokens.refresh_lifetime),
        ("sessions.idle_lifetime", sessions.idle_lifetime, "sessions.lifetime", sessions.lifetime),
        ("sessions.remembered_idle_lifetime", sessions.remembered_idle_lifetime, "sessions.remembered_lifetime",
         sessions.remembered_lifetime),
    )  # fmt: skip
    for shorter, short, longer, long in ordered:
        if short >= long:
            yield Finding(f"{shorter} ({short} s) must be shorter than {longer} ({long} s).", f"Lower {shorter}.")
    for idle, short, absolute, long in bounded:
        if short > long:
            yield Finding(f"{idle} ({short} s) is longer than {absolute} ({long} s).", f"Lower {idle}.")


def _proxies(settings: Settings) -> Iterator[Finding]:
    serving = settings.serving
    if serving.behind_proxy and not serving.trusted_proxies:
        what = "serving.behind_proxy is on and no proxy is listed, so that nobody could be answered."
        yield Finding(what, "Set DOORWARD_SERVING__TRUSTED_PROXIES to the proxy's address, for example 10.0.0.5")
    for text in serving.trusted_proxies:
        wrong = _wrong_network(text)
        if wrong:
            yield Finding(f"serving.trusted_proxies: {text!r} {wrong}.", "List the proxies' own addresses.")


def _wrong_network(text: str) -> str | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return "is not an address or a network like 10.0.0.0/24 (bits beyond the prefix must be zero)"
    if network.prefixlen < _NARROWEST[network.version]:
        return "is so wide that strangers could forge their address"
    return None


def _ports(settings: Settings) -> Iterator[Finding]:
    serving = settings.serving
    used = [port for port in (serving.port, serving.http_port, serving.management_port) if port]
    if len(set(used)) < len(used):
        yield Finding("serving.port, http_port and management_port must differ.", "Change one of them.")


def _certificate(settings: Settings) -> Iterator[Finding]:
    certificate, key = settings.serving.certificate, settings.serving.private_key
    if (certificate is None) != (key is None):
        there, missing = ("private_key", "certificate") if certificate is None else ("certificate", "private_key")
        yield Finding(f"serving.{there} is set without serving.{missing}.", "Set both, or neither.")
    for name, path in (("certificate", certificate), ("private_key", key)):
        if path is not None and not path.is_file():
            yield Finding(f"serving.{name}, {path}, is not a file that can be seen.", "Correct the path.")
    if key is not None and key.is_file():
        # Debian gives keys to the group ssl-cert, so reading by a group is left to the administrator.
        mode = open_to_others(key, allowed=0o740)
        if mode:
            what = f"serving.private_key, {key}, can be read by everybody or changed by others (mode {mode})."
            yield Finding(what, f"Run: chmod 600 {key}")


def _webhooks(settings: Settings) -> Iterator[Finding]:
    for text in settings.webhooks.allowed_networks:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            what = f"webhooks.allowed_networks: {text!r} is not an address or a network like 10.0.0.0/24."
            yield Finding(what, "List the networks of your own endpoints; bits beyond the prefix must be zero.")
    ca_file = settings.webhooks.ca_file
    if ca_file is not None and not ca_file.is_file():
        yield Finding(f"webhooks.ca_file, {ca_file}, is not a file that can be seen.", "Correct the path.")


_LIFETIMES: Final = (
    "tokens.replay_window tokens.access_lifetime tokens.refresh_lifetime tokens.refresh_idle_lifetime "
    "tokens.key_lifetime tokens.key_publication sessions.lifetime sessions.idle_lifetime "
    "sessions.remembered_lifetime sessions.remembered_idle_lifetime sessions.fresh_lifetime"
)

_MAIL: Final = (
    "accounts.email_verification verification.sign_in_links mail.delivery mail.smtp_url mail.from mail.ca_file origin"
)
_PAGES: Final = (
    "pages.home pages.return_origins pages.accent pages.font pages.logo pages.templates "
    "pages.imprint_url pages.privacy_url pages.terms_url pages.support_url"
)
_LOOPBACK: Final = (
    "serving.insecure_loopback serving.host serving.behind_proxy serving.trusted_proxies serving.certificate "
    "serving.private_key origin"
)

RULES: Final[tuple[tuple[frozenset[str], Rule], ...]] = tuple(
    (frozenset(names.split()), rule)
    for names, rule in (
        ("", _bounds),
        ("secret", _secret),
        ("passwords.pepper", _pepper),
        ("origin serving.insecure_loopback", _origin),
        (_LOOPBACK, check_insecure_loopback),
        ("browser.allowed_origins origin serving.insecure_loopback", check_allowed_origins),
        ("mount_path", _mount_path),
        (_MAIL, _mail),
        ("database.url", _database),
        (_LIFETIMES, _lifetimes),
        ("serving.trusted_proxies serving.behind_proxy", _proxies),
        ("serving.port serving.http_port serving.management_port", _ports),
        ("serving.certificate serving.private_key", _certificate),
        ("webhooks.allowed_networks webhooks.ca_file", _webhooks),
        ("data_dir database.url", check_files),
        (_PAGES, _pages),
    )
)
"""Each rule with the settings it looks at."""
