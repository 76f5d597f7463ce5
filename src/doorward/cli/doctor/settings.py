"""What the settings alone can tell: the rules of a start, and what it allows but nobody should forget. Pure."""

import ipaddress
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from doorward.cli.doctor.results import Result, advice, fine, must_fix_all
from doorward.errors import Finding
from doorward.serving.screen import where_mail_goes
from doorward.settings import Settings

RECOMMENDED_LENGTH: Final = 15
"""NIST SP 800-63B-4 §3.1.1.2, where the password is the only factor."""

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_ENCRYPTED: Final = ("verify-ca", "verify-full")
_FEWEST_FIXED_BITS: Final = {4: 24, 6: 64}
"""A trusted network with fewer fixed bits, by IP version, holds more than a few proxies."""


def is_loopback(settings: Settings) -> bool:
    """Tell whether only this machine can reach the origin."""
    return urlsplit(settings.origin).hostname in _LOOPBACK


def check_rules(findings: Sequence[Finding]) -> list[Result]:
    """Report what would stop a start: unreadable settings, weak secrets, files that others can read."""
    return must_fix_all("settings", findings) or [
        fine("settings", "Secrets are strong, their files are private, and the settings fit together.")
    ]


def check_origin(settings: Settings) -> list[Result]:
    """Point out the address that only this machine can reach: the default, good for development."""
    if is_loopback(settings):
        what = f"The origin is {settings.origin}, which only this machine can reach."
        return [advice("origin", what, "Set DOORWARD_ORIGIN to what browsers show before other people log in.")]
    return [fine("origin", f"Browsers know this server as {settings.origin}.")]


def check_mail(settings: Settings) -> list[Result]:
    """Say where mail goes, and what cannot be done without."""
    mail = settings.mail
    if not mail.is_configured:
        what = "Mail goes nowhere: addresses stay unproved, passwords cannot be reset, and nobody is warned."
        return [advice("mail", what, "Set DOORWARD_MAIL__SMTP_URL and DOORWARD_MAIL__FROM.")]
    if mail.delivery in ("file", "console"):
        what = "Mail reaches nobody: it stays on this machine, for development."
        return [advice("mail", what, "Set DOORWARD_MAIL__DELIVERY=smtp and DOORWARD_MAIL__SMTP_URL for other people.")]
    return [fine("mail", f"Mail goes {where_mail_goes(settings)}; 'doorward mail test ADDRESS' tries it.")]


def check_password_length(settings: Settings) -> list[Result]:
    """Recommend what NIST asks for where no second factor follows; the floor of 8 is allowed."""
    least = settings.passwords.min_length
    if least < RECOMMENDED_LENGTH:
        what = f"Passwords may have {least} characters; NIST recommends {RECOMMENDED_LENGTH} without a second factor."
        return [advice("passwords", what, f"Set DOORWARD_PASSWORDS__MIN_LENGTH={RECOMMENDED_LENGTH}.")]
    return [fine("passwords", f"Passwords have at least {least} characters.")]


def check_proxies(settings: Settings) -> list[Result]:
    """Ask whose forwarded headers are believed, and over which way they come."""
    serving, results = settings.serving, []
    if serving.trusted_proxies and not serving.behind_proxy:
        what = "Forwarded headers of trusted proxies are believed, but doorward is not told that it is behind one."
        fix = "Set DOORWARD_SERVING__BEHIND_PROXY=true if the proxy ends TLS; otherwise it may encrypt to us, or go."
        results.append(advice("proxy", what, fix))
    for network in _networks(serving.trusted_proxies):
        if network.prefixlen < _FEWEST_FIXED_BITS[network.version]:
            what = f"Any of the {network.num_addresses} addresses in {network} may say who a client is."
            results.append(
                advice("proxy", what, "List the proxies' own addresses in DOORWARD_SERVING__TRUSTED_PROXIES.")
            )
        if serving.behind_proxy and not network.is_loopback:
            what = f"Passwords and tokens cross the network from {network} to here without encryption."
            results.append(
                advice("proxy", what, "Keep that network to these machines alone, or run the proxy on this one.")
            )
    if not results:
        believed = ", ".join(serving.trusted_proxies) or "nobody"
        results.append(fine("proxy", f"Forwarded headers are believed from {believed}."))
    return results


def check_database_link(settings: Settings) -> list[Result]:
    """Ask whether the way to a database on another machine is encrypted and its server proved."""
    url = urlsplit(settings.database_url)
    if not url.scheme.startswith("postgres") or url.hostname in (None, *_LOOPBACK):
        return [fine("database link", "The database is on this machine.")]
    mode = parse_qs(url.query).get("sslmode", ["prefer"])[-1]
    if mode in _ENCRYPTED:
        return [fine("database link", f"The connection to {url.hostname} is encrypted and its certificate is checked.")]
    what = f"The connection to {url.hostname} uses sslmode={mode}: it may be read, or answered by somebody else."
    fix = "Append ?sslmode=verify-full to DOORWARD_DATABASE__URL, and give sslrootcert if the authority is your own."
    return [advice("database link", what, fix)]


def _networks(texts: Sequence[str]) -> "list[ipaddress.IPv4Network | ipaddress.IPv6Network]":
    """Read those that can be read; the others are a finding of the rules already."""
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            continue
    return networks
