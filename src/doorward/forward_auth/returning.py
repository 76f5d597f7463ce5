"""The way to the log-in page and back: nowhere but to our own origin and the listed ones. Pure.

The address to come back to is what the proxy was asked for, let through as it was sent or not at all
(Flask-Security-Too CVE-2023-49438; better-auth GHSA-vp58-j275-797x).
"""

from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

from doorward.forward_auth.model import Target
from doorward.verify.answers import MAX_RETURN_TO
from doorward.verify.paths import is_canonical


def return_to(target: Target | None, *, own_origin: str, origins: Sequence[str]) -> str | None:
    """Say where the log-in page should come back to: a path of our origin, an address of a listed one, or nowhere."""
    if target is None or not is_canonical(unquote(target.path)):
        return None
    there = target.path + (f"?{target.query}" if target.query else "")
    if target.origin is not None and target.origin != own_origin:
        if target.origin not in origins:
            return None
        there = target.origin + there
    return there if len(there) <= MAX_RETURN_TO else None


def login_address(issuer: str, back: str | None) -> str:
    """Write the address of the log-in page."""
    return f"{issuer}/login" + ("" if back is None else "?return_to=" + quote(back, safe="/"))


def own_origin(origin: str) -> str:
    """Write our origin as :class:`Target` has them: in lower case, without the usual port."""
    return f"https://{urlsplit(origin).netloc.lower().removesuffix(':443')}"
