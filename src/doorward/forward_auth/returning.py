"""The way to the log-in page and back: nowhere but to our own origin and the listed ones. Pure.

The address to come back to is what the proxy was asked for, let through by the rule of the log-in page itself
(``web/return_to.py``), so that none is offered which that page would drop.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from doorward.forward_auth.model import Target
from doorward.web.return_to import check_return_to


def return_to(target: Target | None, *, own_origin: str, origins: Sequence[str]) -> str | None:
    """Say where the log-in page should come back to: a path of our origin, an address of a listed one, or nowhere."""
    if target is None:
        return None
    there = target.path + (f"?{target.query}" if target.query else "")
    elsewhere = target.origin is not None and target.origin != own_origin
    return check_return_to(f"{target.origin}{there}" if elsewhere else there, origins=origins)


def login_address(issuer: str, back: str | None) -> str:
    """Write the address of the log-in page."""
    return f"{issuer}/login" + ("" if back is None else "?return_to=" + quote(back, safe="/"))


def own_origin(origin: str) -> str:
    """Write our origin as :class:`Target` has them: in lower case, without the usual port."""
    return f"https://{urlsplit(origin).netloc.lower().removesuffix(':443')}"
