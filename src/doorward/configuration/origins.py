"""Origins: how one is written, plain HTTP for development on this machine, and whose scripts may call the API."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from doorward.errors import Finding
from doorward.settings import Settings

_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_USUAL_PORT: Final = {"https": 443, "http": 80}


def wrong_origin(origin: str, *, scheme: str = "https") -> str | None:
    """Say what keeps a text from being an origin as RFC 6454 §6.2 serialises one; ``None`` when nothing does."""
    try:
        url = urlsplit(origin)
        port = url.port
    except ValueError:
        return "is not a URL"
    if url.scheme != scheme:
        proxy = ", also behind a proxy: it is what browsers see" if scheme == "https" else ""
        return f"must begin with {scheme}://{proxy}"
    if url.username is not None or url.password is not None:
        return "must not carry a user or a password"
    if url.path or url.query or url.fragment or origin.endswith(("?", "#")):
        return "must end after host and port: no path, not even a slash, no query, no fragment"
    host = url.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    canonical = f"{scheme}://{bracketed}" + (f":{port}" if port not in {None, _USUAL_PORT[scheme]} else "")
    if not (_HOST.fullmatch(host) or (":" in host and _is_address(host))):
        return "has no valid host name (write international names in their xn-- form)"
    return f"is not in its plain form, which is {canonical}" if origin != canonical else None


def check_insecure_loopback(settings: Settings) -> Iterator[Finding]:
    """Hold plain HTTP to this machine: everything about it must be loopback, and nothing may stand in front."""
    serving = settings.serving
    if not serving.insecure_loopback:
        return
    if not is_loopback_address(serving.host):
        what = f"serving.insecure_loopback is on, and serving.host, {serving.host!r}, is no loopback address."
        yield Finding(what, "Set DOORWARD_SERVING__HOST=127.0.0.1, or serve HTTPS.")
    wrong = wrong_loopback_origin(settings.origin)
    if wrong:
        what = f"serving.insecure_loopback is on, and origin {wrong}."
        yield Finding(what, "Set DOORWARD_ORIGIN to what browsers show, for example http://localhost:8443")
    given = {
        "behind_proxy": serving.behind_proxy,
        "trusted_proxies": serving.trusted_proxies,
        "certificate": serving.certificate,
        "private_key": serving.private_key,
    }
    for name in (name for name, value in given.items() if value):
        yield Finding(
            f"serving.insecure_loopback is on together with serving.{name}.",
            f"Unset one of them: plain HTTP is for a browser on this machine, {name} for everybody else.",
        )


def check_allowed_origins(settings: Settings) -> Iterator[Finding]:
    """Hold the allow-list to exact origins: no pattern, no ``null``, none that is not HTTPS."""
    allowed = settings.browser.allowed_origins
    for origin in allowed:
        wrong = wrong_origin(origin)
        if wrong and not (settings.serving.insecure_loopback and wrong_loopback_origin(origin) is None):
            yield Finding(
                f"browser.allowed_origins: {origin!r} {wrong}.", "List each origin in full, without patterns."
            )
    if settings.origin in allowed:
        yield Finding("browser.allowed_origins lists the origin itself.", "Remove it: its pages need no permission.")
    if len(set(allowed)) < len(allowed):
        yield Finding("browser.allowed_origins lists an origin twice.", "Remove one of them.")


def wrong_loopback_origin(origin: str) -> str | None:
    """Say what keeps a text from being a plain HTTP origin that only this machine can reach."""
    wrong = wrong_origin(origin, scheme="http")
    host = urlsplit(origin).hostname or "" if wrong is None else ""
    return wrong or (None if host == "localhost" or is_loopback_address(host) else "is not localhost")


def is_loopback_address(text: str) -> bool:
    """Tell whether a text is an address of this machine alone; a name is none, for it can change its meaning."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False
