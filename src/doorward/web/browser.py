"""The browser's side: the session cookie as it was sent, and where a request with it comes from.

Cookies are read from the raw header: names are compared byte for byte after stripping only space and tab, because a
parser that is more generous turns ``\\xa0__Host-doorward`` into a name that the browser never protected. Two matches
mean that somebody has tossed one in from a sibling domain: nobody is logged in then (``security.md`` section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.errors import CrossSiteRequest
from doorward.settings import Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Headers = Iterable[tuple[bytes, bytes]]

CLEAR_SITE_DATA: Final = '"cache", "storage"'
"""What a log-out takes away beside the session cookie, which is cleared by name (ASVS 14.3.1).

Not ``"cookies"``: that empties the whole domain, sibling applications included, and with them the cookie by which the
account knows this browser.
"""

DEVICE_HEADER: Final = b"doorward-device"
"""What a program has in place of the device cookie, in both directions."""
PROOF_HEADER: Final = b"doorward-proof"
"""An answer to a challenge."""


def values_of_cookie(wanted: bytes, headers: Headers) -> list[str]:
    """Return every value sent under exactly this name, in any Cookie header. Quotes are left as they are."""
    values = []
    for name, value in headers:
        if name != b"cookie":
            continue
        for pair in value.split(b";"):
            cookie, equals, content = pair.lstrip(b" \t").partition(b"=")
            if equals and cookie == wanted:
                values.append(content.rstrip(b" \t").decode("latin-1"))
    return values


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """A cookie that opens something: its name and what the browser must do with it. Each instance has one for sessions.

    Everybody who reads, sets or clears it asks the instance's own, see :func:`cookie_of`; of the other kind an instance
    knows nothing, so that neither ever passes for the other.
    """

    name: bytes
    attributes: str

    def values(self, headers: Headers) -> list[str]:
        """Return every value sent under exactly this name; more than one means tossing."""
        return values_of_cookie(self.name, headers)

    def set(self, value: str, *, max_age: int | None) -> str:
        """Write ``Set-Cookie``; without ``max_age`` the browser forgets the cookie when it is closed."""
        lifetime = "" if max_age is None else f"; Max-Age={max_age}"
        return f"{self.name.decode()}={value}; {self.attributes}{lifetime}"

    def clear(self) -> str:
        """Write the ``Set-Cookie`` that removes it."""
        return self.set("", max_age=0)


HOST_COOKIE: Final = SessionCookie(b"__Host-doorward", "Path=/; Secure; HttpOnly; SameSite=Lax")
"""The prefix makes the browser insist on Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2)."""

LOOPBACK_COOKIE: Final = SessionCookie(b"doorward-insecure-loopback", "Path=/; HttpOnly; SameSite=Lax")
"""For plain HTTP on this machine alone, where no browser takes the prefix; its name says what it is."""


DEVICE_COOKIE: Final = SessionCookie(b"__Host-doorward-device", HOST_COOKIE.attributes)
"""By which an account knows a browser (``limits/devices.py``); not for plain HTTP."""


def device_of(headers: Headers) -> str:
    """Return what an account may know this device by: the header of a program, or the one cookie of a browser."""
    given = header_of(DEVICE_HEADER, headers)
    cookies = [] if given else DEVICE_COOKIE.values(headers)
    return cookies[0] if len(cookies) == 1 else given


def header_of(wanted: bytes, headers: Headers) -> str:
    """Return the value of a header that is sent once; nothing and more than one are both nothing."""
    values = [value for name, value in headers if name == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def device_cookie(token: str, *, max_age: int) -> str:
    """Write the ``Set-Cookie`` by which an account knows this browser. Seconds."""
    return DEVICE_COOKIE.set(token, max_age=max_age)


def cookie_of(settings: Settings) -> SessionCookie:
    """Return the instance's cookie."""
    return LOOPBACK_COOKIE if settings.serving.insecure_loopback else HOST_COOKIE


def check_same_origin(method: str, headers: Headers, *, origin: str, lenient: bool = False) -> None:
    """Refuse an unsafe method that does not come from a page of this origin (OWASP CSRF, Fetch Metadata first).

    ``Sec-Fetch-Site`` decides where it is sent. Older browsers send ``Origin`` at least; a request with neither is
    refused, because nobody knows where it comes from; ``lenient`` lets it pass, for a caller that has no cookie yet.
    What is said twice must be right twice. Raises :class:`CrossSiteRequest`.
    """
    if method in SAFE_METHODS:
        return
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    origins = [value for name, value in headers if name == b"origin"]
    if sites:
        # "none" is a person typing an address or opening a bookmark: never an unsafe method of a page of others.
        if not all(site in (b"same-origin", b"none") for site in sites):
            raise CrossSiteRequest("Sec-Fetch-Site is not same-origin")
    elif lenient and not origins:
        return
    elif not origins or any(sent != origin.encode() for sent in origins):
        raise CrossSiteRequest("neither Sec-Fetch-Site nor an Origin of ours")
