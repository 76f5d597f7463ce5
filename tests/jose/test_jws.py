"""Compact JWS: what is made, and the order in which it is checked."""

import json

import pytest

from doorward.jose import jws
from tests.jose.forge import ALGORITHMS, accepted, b64, header, key_set, refused, signing_key, token, unb64


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("payload", [b"", b"{}", b"\x00\xff", b"x" * 4000])
def test_what_is_signed_is_verified(algorithm: str, payload: bytes) -> None:
    """The payload is any bytes, also none."""
    key = signing_key(algorithm)

    verified = jws.verify(jws.sign(payload, key, typ="at+jwt"), key_set(), typ="at+jwt")

    assert verified == jws.Verified(payload, key.kid)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_header_has_exactly_three_members(algorithm: str) -> None:
    """As http-api promises."""
    key = signing_key(algorithm)

    head, _, _ = jws.sign(b"", key, typ="at+jwt").split(".")

    assert json.loads(unb64(head)) == {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        ("!" * 8193, "length"),
        ("!", "alphabet"),
        ("", "alphabet"),
        ("A.A", "segments"),
        ("A.A.A.A", "segments"),
        ("!.A.A", "alphabet"),
        ("A.AA.AA", "encoding"),
        ("AA.A.AA", "encoding"),
        ("AA.AA.A", "encoding"),
        ("..", "header"),
        (f"{b64(b'[]')}..", "header"),
        (f"{b64(b'{}')}..", "header members"),
    ],
)
def test_the_cheap_refusals_come_first(forged: str, why: str) -> None:
    """Each is reached only by what has passed those above."""
    assert refused(forged) == why


def test_the_dear_refusals_come_last() -> None:
    """Type, then key, then algorithm, then signature: a token that is wrong in all is refused for the first."""
    wrong: dict[str, object] = {"typ": "x", "kid": "x", "alg": "x"}

    assert refused(token(header(**wrong), signature=b"x")) == "type"
    assert refused(token(header(**(wrong | {"typ": "at+jwt"})), signature=b"x")) == "key"
    assert refused(token(header(alg="x"), signature=b"x")) == "algorithm"
    assert refused(token(signature=b"x")) == "signature"


def test_a_header_of_another_spelling_is_read_the_same() -> None:
    """Other libraries order the members in another way."""
    spelled = json.dumps(dict(reversed(header().items())), indent=1).encode()

    assert accepted(token(spelled, b"x")) == b"x"


def test_the_memory_of_headers_is_bounded() -> None:
    """What others send can push an entry out and cannot make it grow."""
    for number in range(200):
        refused(token(header(kid=f"k{number}"), signature=bytes(64)))

    assert jws._read_own_header.cache_info().currsize <= 64
    assert accepted(token())
