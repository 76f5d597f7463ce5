"""The first screen: what runs, where everything goes, and the next thing to type. Printed once, for people."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from doorward.mail.model import FOLDER, read_server
from doorward.settings import Settings

_BCRYPT_KIB: Final = 4
_INSECURE: Final = (
    "  WARNING: serving.insecure_loopback is on. Passwords and cookies travel in clear, and every program on this\n"
    "  machine can read them. For development only: never in front of other people, and no sign of what HTTPS does."
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def first_screen(settings: Settings, *, authority: Path | None, application: str | None = None) -> str:
    """Return the text. ``authority`` is the local authority's certificate, or ``None`` when a real one is served.

    ``application`` is the host's application (``module:name``) that is served, if it is not doorward alone.
    """
    serving = settings.serving
    listens = f"{serving.host}:{serving.port}"
    facts = {
        "Address": f"{settings.issuer}  ({_spoken(settings)} on {listens})",
        "Database": _database(settings),
        "Mail": where_mail_goes(settings),
        "Hashing": _hashing(settings),
        "Workers": str(serving.workers),
    }
    if application:
        facts["Application"] = f"{application} on {settings.origin}/"
    if serving.behind_proxy:
        facts["Proxies"] = ", ".join(serving.trusted_proxies)
    elif serving.http_port and not serving.insecure_loopback:
        facts["HTTP"] = f"{serving.host}:{serving.http_port} points pages to HTTPS and refuses the API"
    if serving.management_port is not None:
        facts["Metrics"] = f"http://{serving.management_host}:{serving.management_port}/metrics"
    if authority is not None:
        facts["Certificate"] = f"for development, signed by {authority}"
        facts["Trust it"] = f"curl --cacert {authority} …, or import it in your browser (docs/how-to)"
    reached = urlsplit(settings.origin)
    if reached.hostname in _LOOPBACK and (reached.port or 443) != serving.port and not serving.behind_proxy:
        facts["Note"] = (
            f"the origin says port {reached.port or 443}; set DOORWARD_ORIGIN if browsers use {serving.port}"
        )
    width = max(map(len, facts)) + 2
    warning = [_INSECURE, ""] if serving.insecure_loopback else []
    lines = ["doorward is serving.", "", *warning, *(f"  {name.ljust(width)}{value}" for name, value in facts.items())]
    return "\n".join([*lines, "", "Try next:", "", _next(settings, authority), ""])


def where_mail_goes(settings: Settings) -> str:
    """Say in a few words where mail goes, without any password."""
    mail = settings.mail
    verified = settings.accounts.email_verification == "required"
    match mail.delivery:
        case "file":
            folder = settings.data_dir / FOLDER
            return f"into {folder}, for development: 'doorward mail last', or {settings.issuer}/dev/mail"
        case "console":
            return "onto the terminal, for development"
        case "host":
            return "by the host's own mailer"
        case _ if mail.smtp_url:
            server = read_server(mail.smtp_url)
            secured = {"tls": "TLS", "starttls": "STARTTLS", "none": "without TLS, on this machine"}[server.security]
            return f"from {mail.from_} by {server.host}:{server.port} ({secured})"
        case _:
            return "nowhere" if verified else "nowhere: e-mail verification is off, and passwords cannot be reset"


def _spoken(settings: Settings) -> str:
    if settings.serving.insecure_loopback:
        return "PLAIN HTTP"
    return "plain HTTP for the proxy" if settings.serving.behind_proxy else "TLS"


def _database(settings: Settings) -> str:
    url = urlsplit(settings.database_url)
    if url.scheme == "sqlite":
        return f"SQLite, {settings.database_url.removeprefix('sqlite:///')}"
    return f"PostgreSQL, {url.path.lstrip('/') or 'default database'} on {url.hostname or 'the local socket'}"


def _hashing(settings: Settings) -> str:
    passwords = settings.passwords
    threads = passwords.hash_threads or min(4, os.cpu_count() or 1)
    cost = passwords.argon2_memory if passwords.algorithm == "argon2id" else _BCRYPT_KIB
    total = threads * cost * settings.serving.workers / 1024
    per = f"{threads} threads × {cost / 1024:.0f} MiB" if cost >= 1024 else f"{threads} threads × {cost} KiB"
    return f"{passwords.algorithm}, at most {total:.0f} MiB ({per} × {settings.serving.workers} workers)"


def _next(settings: Settings, authority: Path | None) -> str:
    trust = f"--cacert {authority} " if authority else ""
    body = '{"email": "ada@example.org", "password": "seven otters paint a bridge"}'
    return (
        f"  curl {trust}{settings.issuer}/v1/accounts \\\n    -H 'Content-Type: application/json' \\\n    -d '{body}'"
    )
