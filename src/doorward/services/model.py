"""What a service and its key are, how it shows the key, and whether that is good enough. Pure.

A key is ``dwk_`` and 256 random bits in base64url. Only its SHA-256 is stored: with that much entropy nothing slower is
needed (ASVS 6.5.2), and a prefix lets scanners find keys that were committed by mistake.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote_plus

KEY_PREFIX: Final = "dwk_"
KEY_BYTES: Final = 32
OVERLAP: Final = 7 * 86_400
"""Seconds for which the former key is believed after a rotation; the next rotation ends it earlier."""

Permission = Literal["introspect", "introspect-refresh", "revoke"]

PERMISSIONS: Final[tuple[Permission, ...]] = ("introspect", "introspect-refresh", "revoke")
"""What a service may do. A refresh token is shown as active only to who may ask for that by name, so that nobody takes
one for an access token merely because it is active."""

ASKS_ALL: Final = "introspect-refresh"
"""Asking about refresh tokens includes asking about access tokens."""

USUAL: Final[tuple[Permission, ...]] = ("introspect", "revoke")

MAX_AUDIENCE: Final = 512
_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,62}[a-z0-9])?")
_AUDIENCE: Final = re.compile(r"[\x21-\x7e]{0,512}")
_MAX_CREDENTIALS: Final = 512
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_B64TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Service:
    """One service. Times are whole seconds since 1970 UTC; ``audience`` is the ``aud`` of the tokens it is shown."""

    name: str
    audience: str
    may: tuple[Permission, ...]
    digest: bytes = field(repr=False)
    former_digest: bytes | None = field(repr=False)
    former_until: int | None
    created_at: int
    rotated_at: int | None


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic credentials, decoded (RFC 6749 §2.3.1)."""

    name: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A key alone; it says itself whose it is."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Nothing:
    """No credential, or one of a scheme that is not understood."""


Credential = Basic | Bearer | Nothing


def is_name(text: str) -> bool:
    """Tell whether a text can be a name. It has no underscore, so it never looks like the id of an account."""
    return _NAME.fullmatch(text) is not None


def is_audience(text: str) -> bool:
    """Tell whether a text can be an audience: printable ASCII without spaces, or empty for that of the instance."""
    return _AUDIENCE.fullmatch(text) is not None


def write_key(random: bytes) -> str:
    """Write a key of that many random bytes."""
    return KEY_PREFIX + base64.urlsafe_b64encode(random).decode("ascii").rstrip("=")


def digest_of(key: str) -> bytes:
    """Name a key without telling it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def read_credential(headers: Iterable[tuple[bytes, bytes]]) -> Credential:
    """Read the Authorization header; there is at most one, which is checked before.

    What cannot be read is :class:`Nothing`: the answer is the same 401 as for a wrong key.
    """
    sent = next((value for name, value in headers if name == b"authorization"), b"")
    scheme, _, rest = sent.partition(b" ")
    if len(sent) > _MAX_CREDENTIALS:
        return Nothing()
    match scheme.lower():
        case b"basic" if _BASE64.fullmatch(rest):
            return _basic(rest)
        case b"bearer" if _B64TOKEN.fullmatch(rest):
            return Bearer(rest.decode("ascii"))
        case _:
            return Nothing()


def _basic(encoded: bytes) -> Credential:
    try:
        name, colon, key = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Nothing()
    return Basic(unquote_plus(name), unquote_plus(key)) if colon else Nothing()  # RFC 6749 appendix B


def admits(service: Service | None, key: str, *, now: int) -> bool:
    """Tell whether the key is the service's present one, or its former one in the overlap. Constant time."""
    shown = digest_of(key)
    current = hmac.compare_digest(shown, b"" if service is None else service.digest)
    former = hmac.compare_digest(shown, (service and service.former_digest) or b"")
    in_overlap = service is not None and service.former_until is not None and now < service.former_until
    return current or (former and in_overlap)
