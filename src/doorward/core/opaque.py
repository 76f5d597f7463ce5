"""Opaque tokens that are derived, not stored: refresh tokens and session cookies.

A token is ``prefix`` + base64url(key id ‖ handle ‖ generation ‖ HMAC-SHA256(K, prefix ‖ handle ‖ generation)), with K
derived from the instance's secret for that prefix. The handle (128 random bits) is nowhere but in the database and in
the token; the secret is never in the database. So a leaked database cannot make a token, and neither can a leaked
secret. A forged token is refused here, in constant time, before the database is asked (``architecture.md`` section 3).
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from typing import Final

from doorward.core.secret import KEY_ID_BYTES, SecretRing

HANDLE_BYTES: Final = 16
_LAYOUT = struct.Struct(f">{KEY_ID_BYTES}s{HANDLE_BYTES}sI")
_MAC_BYTES: Final = 32
MAX_TEXT: Final = 128
"""Characters after the prefix that are looked at; a token has 75."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """What a genuine token says: which row, and which generation of it."""

    handle: bytes = field(repr=False)
    generation: int


def seal(ring: SecretRing, prefix: str, opaque: Opaque, *, bound_to: bytes = b"") -> str:
    """Write the token. The same input gives the same token, which is what makes a rotation repeatable.

    ``bound_to`` goes into the MAC and not into the token: who presents it must know what it was made for.
    """
    body = _LAYOUT.pack(ring.newest_id, opaque.handle, opaque.generation)
    return _write(prefix, body, ring.newest_key(prefix), bound_to)


def unseal(ring: SecretRing, prefix: str, token: str, *, bound_to: bytes = b"") -> Opaque | None:
    """Read a token back, or return ``None`` for anything that this instance did not make for this purpose."""
    text = token.removeprefix(prefix)
    if len(text) == len(token) or len(text) > MAX_TEXT or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _LAYOUT.size + _MAC_BYTES:
        return None
    identifier, handle, generation = _LAYOUT.unpack_from(raw)
    key = ring.key(identifier, prefix)
    if key is None:
        return None
    # Comparing the whole spelling, not only the MAC, leaves a token exactly one spelling.
    expected = _write(prefix, raw[: _LAYOUT.size], key, bound_to)
    if not hmac.compare_digest(expected.encode(), token.encode()):
        return None
    return Opaque(handle=handle, generation=generation)


def _write(prefix: str, body: bytes, key: bytes, bound_to: bytes) -> str:
    mac = hmac.digest(key, prefix.encode() + body + bound_to, hashlib.sha256)  # the body has one length
    return prefix + base64.urlsafe_b64encode(body + mac).decode("ascii").rstrip("=")
