"""A form that must be sent once more, with the answer to a challenge; and the password that waits in it, sealed.

A password that was typed is not asked for again because of others' guessing. It goes back to the browser it came from,
in a hidden field that only this instance can read: under AES-256-GCM, tied to that browser and that form, and for no
longer than the challenge is good for. Nothing is stored here, and nothing readable is shown.
"""

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request

from doorward.core.clock import Entropy
from doorward.core.secret import KEY_ID_BYTES, SecretRing
from doorward.core.source import Source
from doorward.gate import source_of
from doorward.web.forms import Form

PROOF_FIELD: Final = "proof"
"""The hidden field with the answer: the token alone at first, which is right after a while of waiting."""
KEPT_FIELD: Final = "kept"
"""The hidden field with the sealed password."""

_PURPOSE: Final = "kept-password"
_NONCE_BYTES: Final = 12
_UNTIL: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Challenged:
    """The challenge of a form that comes back, as its template shows it."""

    token: str = field(repr=False)
    bits: int
    """How hard the work is; 0 where it is not ours but that of a provider of the host's."""
    parts: int
    wait: int
    """Seconds after which having waited is an answer; 0 where it is none."""
    secret: str = ""
    """The field whose text is kept; empty where none is."""
    kept: str = field(default="", repr=False)
    by_itself: bool = False
    """Whether the script sends the form when the work is done: once, and only if there is nothing to type."""

    @classmethod
    def of(cls, shown: Mapping[str, Any], *, secret: str, kept: str, by_itself: bool) -> "Challenged":
        """Read the member ``challenge`` of a refusal; a provider of the host's may leave out what is our own."""
        return cls(
            token=shown["token"],
            bits=shown.get("bits", 0),
            parts=shown.get("parts", 0),
            wait=shown.get("wait", 0),
            secret=secret if kept else "",
            kept=kept,
            by_itself=by_itself,
        )

    @property
    def time(self) -> str:
        """How long to wait, in minutes and seconds, which needs no plural in any language."""
        return f"{self.wait // 60}:{self.wait % 60:02}"


def sender_of(request: Request, form: Form) -> Source:
    """Tell where a form comes from, with the answer to a challenge that it brings along."""
    return replace(source_of(request), proof=form[PROOF_FIELD])


def seal_password(ring: SecretRing, password: str, *, bound_to: str, until: int, entropy: Entropy) -> str:
    """Seal a password for the browser and the form that ``bound_to`` names, until a time in seconds since 1970."""
    nonce = entropy(_NONCE_BYTES)
    sealed = AESGCM(ring.newest_key(_PURPOSE)).encrypt(nonce, _UNTIL.pack(until) + password.encode(), bound_to.encode())
    return base64.urlsafe_b64encode(ring.newest_id + nonce + sealed).decode("ascii")


def unseal_password(ring: SecretRing, text: str, *, bound_to: str, now: int) -> str:
    """Read a password back; empty for what was sealed elsewhere, for others, or too long ago."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return ""
    key = ring.key(raw[:KEY_ID_BYTES], _PURPOSE)
    if key is None:
        return ""
    nonce, sealed = raw[KEY_ID_BYTES:][:_NONCE_BYTES], raw[KEY_ID_BYTES + _NONCE_BYTES :]
    try:
        plain = AESGCM(key).decrypt(nonce, sealed, bound_to.encode())
    except (InvalidTag, ValueError):
        return ""
    (until,) = _UNTIL.unpack_from(plain)
    return plain[_UNTIL.size :].decode() if now < until else ""
