"""The last mails as a page, for development: ``/dev/mail``.

Whoever reads it can reset every password, so it is there only where nobody else can come: with the file or console
mailer, with a loopback origin, listening on loopback, asked by a loopback peer, by exactly the configured host name (a
rebound DNS name is another), and through no proxy. Everywhere else there is nothing at this path.
"""

import base64
import hashlib
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from doorward.errors import NotFound
from doorward.mail.compose import render_page
from doorward.mail.mailer import KeepsMail, Mailer
from doorward.mail.model import is_loopback
from doorward.settings import Settings
from doorward.web.loopback import was_forwarded
from doorward.web.routing import Operation

PATH: Final = "/dev/mail"

STYLE: Final = (
    "body{margin:0 auto;max-width:46em;padding:1.5em 1em;font:16px/1.5 system-ui,sans-serif;color-scheme:light dark}"
    "article{margin:1.5em 0;padding:1em 1.25em;border:1px solid #8886;border-radius:8px}"
    "h2{margin:0;font-size:1.1em}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}"
)
_FORWARDED: Final = ("x-real-ip", "via")
"""What proxies say beside the forwarded headers."""


def development_page(mailer: Mailer | None, settings: Settings) -> str:
    """Return the page's address, or nothing where there is no such page."""
    shown = (
        settings.mail.delivery in ("file", "console")
        and hasattr(mailer, "recent")
        and is_loopback(urlsplit(settings.origin).hostname or "")
        and is_loopback(settings.serving.host)
        and not settings.serving.behind_proxy
    )
    return settings.issuer + PATH if shown else ""


def operations(mailer: Mailer | None, settings: Settings) -> list[Operation]:
    """List the operation of this page, where there is one."""
    if not development_page(mailer, settings):
        return []

    async def show(request: Request) -> Response:
        _check_nearby(request, settings)
        keeper: KeepsMail = mailer  # type: ignore[assignment]
        page = render_page(keeper.recent(), style=STYLE)
        return HTMLResponse(page, headers={"Content-Security-Policy": _policy()})

    return [Operation("GET", PATH, show, "Show the last mails", documented=False, media_type="text/html")]


def _check_nearby(request: Request, settings: Settings) -> None:
    host = request.headers.getlist("host")
    peer = "" if request.client is None else request.client.host
    if host != [urlsplit(settings.origin).netloc] or not is_loopback(peer):
        raise NotFound("not from this machine")
    if was_forwarded(request.scope) or any(name in request.headers for name in _FORWARDED):
        raise NotFound("through a proxy")


@cache
def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
