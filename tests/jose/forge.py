"""Tokens made by hand, for tests that need what the library refuses to make."""

import base64
import json
from collections.abc import Mapping
from functools import cache

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jws
from doorward.jose.algorithms import Algorithm
from doorward.jose.keys import KeySet, SigningKey

ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "EdDSA", "RS256")
TYPE = "at+jwt"
NOW = 1_800_000_000
ISSUER = "https://auth.example"
AUDIENCE = "https://api.example"


def signing_key(algorithm: Algorithm = "ES256") -> SigningKey:
    """One key an algorithm for the whole run: making RSA keys takes a second."""
    return _signing_key(algorithm)


@cache
def _signing_key(algorithm: Algorithm) -> SigningKey:
    return SigningKey.generate(algorithm)


@cache
def key_set() -> KeySet:
    """The three of them."""
    return KeySet(signing_key(algorithm).public for algorithm in ALGORITHMS)


def claims(**changes: object) -> dict[str, object]:
    """Claims that hold at ``NOW``; a change to ``...`` takes one away."""
    body: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "acc_4x6ztwv3cnb7pplmeq5ia2dj7u",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def header(key: SigningKey | None = None, **changes: object) -> dict[str, object]:
    """Our header for that key; a change to ``...`` takes a member away."""
    key = key or signing_key()
    body: dict[str, object] = {"alg": key.algorithm, "kid": key.kid, "typ": TYPE}
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The reverse, as lenient as the standard library is."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(
    head: Mapping[str, object] | bytes | None = None,
    body: Mapping[str, object] | bytes | None = None,
    *,
    key: SigningKey | None = None,
    signature: bytes | None = None,
) -> str:
    """Any header and any payload, signed with a real key unless a signature is given: only the forgery is wrong."""
    key = key or signing_key()
    head = header(key) if head is None else head
    body = claims() if body is None else body
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, body))
    signing_input = ".".join(b64(part) for part in parts)
    return f"{signing_input}.{b64(key.sign(signing_input.encode()) if signature is None else signature)}"


def refused(forged: str, keys: KeySet | None = None, *, typ: str = TYPE) -> str:
    """Assert that the verifier refuses a token, and tell the reason that goes to the log."""
    with pytest.raises(InvalidToken) as caught:
        jws.verify(forged, key_set() if keys is None else keys, typ=typ)
    return caught.value.why


def accepted(genuine: str, keys: KeySet | None = None, *, typ: str = TYPE) -> bytes:
    """Assert that the verifier takes a token, and return its payload."""
    return jws.verify(genuine, key_set() if keys is None else keys, typ=typ).payload
