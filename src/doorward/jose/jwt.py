"""JWT (RFC 7519): claims in a signed token, and the checks that every reader of them owes.

:func:`decode` proves who signed and what was said; the ``check_…`` functions, one rule each and in the order of
RFC 9068 §4, decide whether it is meant for us and still holds. Each returns a value or raises
:class:`~doorward.errors.InvalidToken`; none returns a truth value that could be forgotten. Time is handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import InvalidToken
from doorward.jose import jws
from doorward.jose.keys import KeySet, SigningKey
from doorward.jose.spelling import MAX_INTEGER, parse_strict, write_json

__all__ = [
    "Token",
    "check_audience",
    "check_issuer",
    "check_times",
    "decode",
    "encode",
    "optional_text_claim",
    "parse_strict",
    "text_claim",
    "texts_claim",
    "time_claim",
]

MAX_LEEWAY: Final = 60
"""Seconds that clocks may differ; RFC 7519 §4.1.4 allows "no more than a few minutes"."""

MAX_AUDIENCES: Final = 16
MAX_TEXT: Final = 128
MAX_TEXTS: Final = 64


@dataclass(frozen=True, slots=True)
class Token:
    """Claims that a known key has signed. Whether they hold is not yet known."""

    claims: dict[str, object]
    kid: str


def encode(claims: Mapping[str, object], key: SigningKey, *, typ: str) -> str:
    """Sign claims. Raises ``ValueError`` for NaN, lone surrogates and over-long tokens, which nobody could read."""
    return jws.sign(write_json(dict(claims)), key, typ=typ)


def decode(token: str, keys: KeySet, *, typ: str) -> Token:
    """Verify the signature and read the claims as strict JSON. Raises ``InvalidToken``, and never anything else.

    The claims are **not** checked: issuer, audience and times are still to be asked for.
    """
    verified = jws.verify(token, keys, typ=typ)
    try:
        return Token(parse_strict(verified.payload), verified.kid)
    except ValueError:
        raise InvalidToken("payload") from None


def check_issuer(claims: Mapping[str, object], issuer: str) -> None:
    """Compare ``iss`` character by character (RFC 9068 §4): no prefix, no slash forgiven, no list."""
    if claims.get("iss") != issuer:
        raise InvalidToken("issuer")


def check_audience(claims: Mapping[str, object], audience: str) -> None:
    """Require that ``aud``, a text or a short list of texts (RFC 7519 §4.1.3), names exactly us."""
    aud = claims.get("aud")
    listed = aud if isinstance(aud, list) else [aud]
    if len(listed) > MAX_AUDIENCES or not all(isinstance(entry, str) for entry in listed) or audience not in listed:
        raise InvalidToken("audience")


def check_times(claims: Mapping[str, object], *, now: int, leeway: int, max_lifetime: int) -> tuple[int, int]:
    """Return ``(iat, exp)`` of a token that holds at ``now``; all in whole seconds.

    ``exp`` and ``iat`` are required, ``nbf`` is heeded where present (RFC 7519 §4.1.4 to §4.1.6). The leeway is given
    to another machine's clock here and nowhere else, so memory of used or revoked tokens must last ``exp`` + leeway.
    A token that claims to live longer than ``max_lifetime`` is refused, whoever signed it. Raises ``ValueError`` for a
    leeway beyond ``MAX_LEEWAY``: that is a defect of the caller.
    """
    if not 0 <= leeway <= MAX_LEEWAY:
        raise ValueError("the leeway is not 0 to 60 seconds")
    iat, exp = time_claim(claims, "iat"), time_claim(claims, "exp")
    if now >= exp + leeway:
        raise InvalidToken("expired")
    if iat > now + leeway:
        raise InvalidToken("issued in the future")
    if "nbf" in claims and time_claim(claims, "nbf") > now + leeway:
        raise InvalidToken("not yet valid")
    if not 0 < exp - iat <= max_lifetime:
        raise InvalidToken("lifetime")
    return iat, exp


def time_claim(claims: Mapping[str, object], name: str) -> int:
    """Return a required time in whole seconds since 1970: an integer, so neither a truth value nor a fraction."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise InvalidToken(f"claim {name}")
    return value


def text_claim(claims: Mapping[str, object], name: str, *, max_length: int = MAX_TEXT) -> str:
    """Return a required text of 1 to ``max_length`` printable ASCII characters: identifiers look like nothing else."""
    value = claims.get(name)
    if not isinstance(value, str) or not _is_plain(value, max_length):
        raise InvalidToken(f"claim {name}")
    return value


def optional_text_claim(claims: Mapping[str, object], name: str, *, max_length: int = MAX_TEXT) -> str | None:
    """Return a text as :func:`text_claim` does, or ``None`` where the claim is absent; ``null`` is refused."""
    return text_claim(claims, name, max_length=max_length) if name in claims else None


def texts_claim(claims: Mapping[str, object], name: str, *, max_items: int = MAX_TEXTS) -> tuple[str, ...]:
    """Return a list of plain texts, such as ``amr`` or ``roles``; an absent claim is an empty one."""
    values = claims.get(name, [])
    if not isinstance(values, list) or len(values) > max_items:
        raise InvalidToken(f"claim {name}")
    if not all(isinstance(value, str) and _is_plain(value, MAX_TEXT) for value in values):
        raise InvalidToken(f"claim {name}")
    return tuple(values)


def _is_plain(text: str, max_length: int) -> bool:
    return 0 < len(text) <= max_length and text.isascii() and text.isprintable()
