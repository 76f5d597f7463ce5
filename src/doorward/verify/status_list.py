"""Token Status List (draft-ietf-oauth-status-list-21) as a reader knows it. Pure.

The token itself is verified first; only then is its place looked up (section 8.3). A list is believed when the issuer
signed it under its own type, its ``sub`` is the very ``uri`` that the token names, and it has not expired. What comes
out of the decompressor is capped, whatever went in (jwcrypto CVE-2026-39373).
"""

import zlib
from dataclasses import dataclass, field
from typing import Final

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.keys import KeySet
from doorward.jose.spelling import base64url_decode
from doorward.verify.model import StatusReference

LIST_TYPE: Final = "statuslist+jwt"
"""Section 5.1: an access token never passes as a list, nor a list as an access token."""

MAX_LIST_BYTES: Final = 1 << 20
"""Bytes of a list after decompression: a million places of a byte. Ours have 2,048."""

DEFAULT_TTL: Final = 60
"""Seconds for which a list that says nothing of it is kept."""

MAX_TTL: Final = 3_600
VALID: Final = 0


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list that was verified. Times are whole seconds since 1970 UTC."""

    bits: int
    packed: bytes = field(repr=False)
    issued_at: int
    ttl: int
    expires_at: int

    def check(self, index: int) -> None:
        """Refuse a token whose place is not 0, and one whose place is outside of the list (section 8.3 step 6)."""
        if not 0 <= index < len(self.packed) * 8 // self.bits:
            raise InvalidToken("status index")
        if status_at(self.packed, bits=self.bits, index=index) != VALID:
            raise InvalidToken("revoked")


def read_list(token: str, *, keys: KeySet, uri: str, now: int, leeway: int) -> StatusList:
    """Verify a list for one address. Raises :class:`~doorward.errors.InvalidToken` for any other."""
    claims = jwt.decode(token, keys, typ=LIST_TYPE).claims
    if claims.get("sub") != uri:
        raise InvalidToken("status list of another address")
    issued_at, expires_at = jwt.time_claim(claims, "iat"), jwt.time_claim(claims, "exp")
    if issued_at > now + leeway:
        raise InvalidToken("status list issued in the future")
    if now >= expires_at + leeway:
        raise InvalidToken("status list expired")
    ttl = jwt.time_claim(claims, "ttl") if "ttl" in claims else DEFAULT_TTL
    body = claims.get("status_list")
    if not isinstance(body, dict) or not isinstance(body.get("lst"), str):
        raise InvalidToken("claim status_list")
    bits = body.get("bits")
    if type(bits) is not int or bits not in (1, 2, 4, 8):
        raise InvalidToken("claim status_list")
    return StatusList(bits, unpack(body["lst"]), issued_at, min(max(ttl, 1), MAX_TTL), expires_at)


def unpack(lst: str) -> bytes:
    """Decompress a list (section 4.1), and never to more than :data:`MAX_LIST_BYTES`, nor with anything behind it."""
    try:
        inflater = zlib.decompressobj()
        packed = inflater.decompress(base64url_decode(lst), MAX_LIST_BYTES + 1)
    except (ValueError, zlib.error):
        raise InvalidToken("status list cannot be decompressed") from None
    if len(packed) > MAX_LIST_BYTES or not inflater.eof or inflater.unused_data:
        raise InvalidToken("status list is too large or cut off")
    return packed


def status_at(packed: bytes, *, bits: int, index: int) -> int:
    """Read one status: places are counted from the lowest bits of the first byte (section 4.1)."""
    per_byte = 8 // bits
    return packed[index // per_byte] >> (index % per_byte * bits) & ((1 << bits) - 1)


def check_address(reference: StatusReference, *, issuer: str) -> None:
    """Refuse a list that is not the issuer's own: nobody is sent elsewhere by a token."""
    if not reference.uri.startswith(issuer.rstrip("/") + "/"):
        raise InvalidToken("status list elsewhere")
