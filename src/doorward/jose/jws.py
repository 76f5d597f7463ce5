"""Compact JWS (RFC 7515 §7.1) with one header form: exactly ``alg``, ``kid`` and ``typ``.

The order of the checks is that of RFC 8725 and its successor: what is cheap and cannot be argued with comes first, and
nothing of the payload is read before the signature is good. Each refusal is an :class:`~doorward.errors.InvalidToken`
with a fixed word for the log. There are no options, and ``crit``, ``jku``, ``jwk``, ``x5u``, ``b64``, ``zip`` and
``cty`` are refused by not being one of the three. What a payload means is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from doorward.errors import InvalidToken, UnknownKey
from doorward.jose.algorithms import Algorithm
from doorward.jose.keys import KeySet, SigningKey, VerifyingKey, is_kid
from doorward.jose.spelling import base64url_decode, base64url_encode, parse_strict, write_json

MAX_TOKEN_LENGTH: Final = 8192
"""Characters, looked at before anything else. Servers take about as much in one header line (h11: 16 KiB for all)."""

LONGER: Final = {"revocations+jwt": 60_000}
"""Characters of the types that travel in bodies and not in header lines. The reader names the type, so this is no
option: a token cannot choose its own bound."""

MAX_HEADER_BYTES: Final = 1024

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_.-]+")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
_MEMBERS: Final = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True)
class Compact:
    """The three parts of a token. Nothing is verified yet."""

    header: str
    payload: bytes
    signature: bytes
    signing_input: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A header with exactly our three members. What it says is a claim until the signature is good."""

    alg: str
    kid: str
    typ: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The payload of a good token and the key that signed it."""

    payload: bytes
    kid: str


def sign(payload: bytes, key: SigningKey, *, typ: str) -> str:
    """Make a token. ``typ`` is a media type without ``application/``, such as ``at+jwt`` (RFC 9068 §2.1).

    Raises ``ValueError`` for another form of ``typ`` or when the token would be too long to be verified.
    """
    signing_input = f"{_write_header(key.algorithm, key.kid, typ)}.{base64url_encode(payload)}"
    token = f"{signing_input}.{base64url_encode(key.sign(signing_input.encode('ascii')))}"
    if len(token) > max_length(typ):
        raise ValueError("the token is too long")
    return token


def verify(token: str, keys: KeySet, *, typ: str) -> Verified:
    """Return what a good token carries; raise ``InvalidToken`` for everything else, and never anything else.

    It is not yet known whether the token is meant for us and still holds: see :mod:`doorward.jose.jwt`.
    """
    compact = split(token, max_length=max_length(typ))
    header = _read_own_header(compact.header)
    check_type(header, typ)
    key = choose_key(header, keys)
    key.verify(compact.signing_input, compact.signature)
    return Verified(compact.payload, key.kid)


def max_length(typ: str) -> int:
    """Return how many characters a token of this type may have."""
    return LONGER.get(typ, MAX_TOKEN_LENGTH)


def split(token: str, *, max_length: int = MAX_TOKEN_LENGTH) -> Compact:
    """Take a token apart: length, alphabet, exactly two dots, canonical base64url (RFC 7515 §5.2 steps 1, 2, 7, 8)."""
    if len(token) > max_length:
        raise InvalidToken("length")
    if _ALPHABET.fullmatch(token) is None:
        raise InvalidToken("alphabet")
    segments = token.split(".", 3)
    if len(segments) != 3:
        raise InvalidToken("segments")
    header, payload, signature = segments
    signing_input = token[: len(header) + 1 + len(payload)].encode("ascii")
    return Compact(header, _decode(payload), _decode(signature), signing_input)


def read_header(segment: str) -> dict[str, object]:
    """Read any header as strict JSON of at most 1 KiB (RFC 7515 §5.2 steps 3, 4)."""
    data = _decode(segment)
    if len(data) > MAX_HEADER_BYTES:
        raise InvalidToken("header")
    try:
        return parse_strict(data)
    except ValueError:
        raise InvalidToken("header") from None


def check_members(members: Mapping[str, object]) -> Header:
    """Refuse a header that has not exactly our three members, each of its form."""
    if members.keys() != _MEMBERS:
        raise InvalidToken("header members")
    alg, kid, typ = members["alg"], members["kid"], members["typ"]
    if not (isinstance(alg, str) and isinstance(kid, str) and isinstance(typ, str) and is_kid(kid)):
        raise InvalidToken("header members")
    return Header(alg, kid, typ)


def check_type(header: Header, typ: str) -> None:
    """Compare the type as RFC 7515 §4.1.9 says: in lower case, ``application/`` understood where there is no slash."""
    # Beyond ASCII, other letters have ASCII ones as their lower case (U+212A becomes k).
    found = header.typ.lower() if header.typ.isascii() else ""
    if found not in (typ, f"application/{typ}"):
        raise InvalidToken("type")


def choose_key(header: Header, keys: KeySet) -> VerifyingKey:
    """Find the key by its id alone, and insist that the token names the key's own algorithm (RFC 8725 §3.1)."""
    key = keys.get(header.kid)
    if key is None:
        raise UnknownKey
    check_algorithm(header.alg, key)
    return key


def check_algorithm(alg: object, key: VerifyingKey) -> None:
    """Compare case-sensitively. The key decides, the token may only agree; ``none`` agrees with no key."""
    if alg != key.algorithm:
        raise InvalidToken("algorithm")


# Tokens of one issuer have a handful of headers between them; the same text always reads the same, and a refusal is
# not kept. What others send can only push an entry out.
@lru_cache(maxsize=64)
def _read_own_header(segment: str) -> Header:
    return check_members(read_header(segment))


@lru_cache(maxsize=64)
def _write_header(algorithm: Algorithm, kid: str, typ: str) -> str:
    if _TYPE.fullmatch(typ) is None:
        raise ValueError("typ is not the name of a media type")
    return base64url_encode(write_json({"alg": algorithm, "kid": kid, "typ": typ}))


def _decode(segment: str) -> bytes:
    try:
        return base64url_decode(segment)
    except ValueError:
        raise InvalidToken("encoding") from None
