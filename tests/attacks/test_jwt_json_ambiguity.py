"""JSON that two readers understand differently (rows 27, 29, 31 and 32)."""

import codecs
import json

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from tests.jose.forge import TYPE, b64, claims, header, key_set, refused, signing_key, token


def payload_refused(body: bytes) -> None:
    """Assert that a well signed token with this payload is refused."""
    with pytest.raises(InvalidToken) as caught:
        jwt.decode(token(body=body), key_set(), typ=TYPE)
    assert caught.value.why == "payload"


def header_refused(head: bytes) -> None:
    """Assert that a well signed token with this header is refused."""
    assert refused(token(head)) in {"header", "header members"}


HEAD = json.dumps(header()).encode()
BODY = json.dumps(claims()).encode()


def test_a_member_that_stands_twice_is_refused() -> None:
    """Row 27: the first reader takes the first, the second the last; also when an escape hides the name."""
    for member in (b'"alg":"none"', b'"\\u0061lg":"none"', b'"alg":"ES256"'):
        header_refused(HEAD[:-1] + b"," + member + b"}")
    for member in (
        b'"sub":"acc_root"',
        b'"\\u0073ub":"acc_root"',
        b'"nested":{"a":1,"a":2}',
        b'"list":[{"a":1,"a":2}]',
    ):
        payload_refused(BODY[:-1] + b"," + member + b"}")


@pytest.mark.parametrize("depth", [9, 10, 100, 500])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_deep_nesting_is_refused(depth: int, opening: str, closing: str) -> None:
    """Row 29: PyJWT CVE-2026-102265 and -101918 let a RecursionError out."""
    nested = (opening * depth + "1" + closing * depth).encode()

    payload_refused(b'{"a":' + nested + b"}")
    header_refused(b'{"a":' + nested[:500] + b"}")


def test_a_hundred_thousand_brackets_raise_nothing_else() -> None:
    """Row 29: neither the parser nor the check before it recurses."""
    for body in (b"[" * 100_000, b'{"a":' * 20_000, b'{"a":' + b"[" * 100_000, b'"' + b"[" * 100_000):
        with pytest.raises(ValueError, match=r"^not a strict JSON object$"):
            jwt.parse_strict(body)


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + BODY,
        BODY.decode().encode("utf-16"),
        BODY.decode().encode("utf-16-le"),
        BODY.decode().encode("utf-32"),
        BODY[:-1] + b',"name":"\xff"}',
        BODY[:-1] + b',"name":"\xc0\xaf"}',
        BODY[:-1] + b',"name":"\xed\xa0\x80"}',
        BODY + b"\0",
        b"\xa0" + BODY,
        BODY + b" x",
        BODY + BODY,
        BODY[:-1] + b',"name":"a\nb"}',
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{'a':1}",
        b'{"a":1,}',
        b"{a:1}",
        b"/**/{}",
    ],
)
def test_what_is_not_one_plain_json_object_is_refused(encoded: bytes) -> None:
    """Row 31: byte order marks, other encodings, over-long UTF-8, garbage behind, other kinds of value."""
    payload_refused(encoded)


def test_whitespace_inside_the_json_is_legal() -> None:
    """Row 31: RFC 8259 §2 allows it, and the signature covers it."""
    spaced = json.dumps(claims(), indent=2).encode()

    assert jwt.decode(token(body=spaced), key_set(), typ=TYPE).claims == claims()


@pytest.mark.parametrize("space", [" ", "\n", "\t", "\r", "\u00a0", "\ufeff", "\u200b", "\0", "%20", "+", "/", "="])
def test_whitespace_around_or_in_a_token_is_refused(space: str) -> None:
    """Row 31: a token is 65 characters of alphabet and nothing else."""
    genuine = token()
    for position in (0, 5, genuine.index("."), genuine.index(".") + 1, len(genuine)):
        assert refused(genuine[:position] + space + genuine[position:]) == "alphabet"


@pytest.mark.parametrize("escape", [b"\\ud800", b"\\udfff", b"\\ud800x", b"\\udc00\\ud800", b"\\uD800\\u0041"])
def test_a_lone_surrogate_is_refused(escape: bytes) -> None:
    """Row 32: it parses, and breaks UTF-8 later, in the database or in the log."""
    payload_refused(BODY[:-1] + b',"name":"' + escape + b'"}')
    payload_refused(BODY[:-1] + b',"' + escape + b'":1}')
    header_refused(HEAD[:-1] + b',"x":"' + escape + b'"}')


def test_a_pair_of_surrogates_is_a_character() -> None:
    """Row 32: that is how JSON escapes what lies beyond sixteen bits."""
    body = BODY[:-1] + b',"name":"\\ud83d\\udeaa"}'

    assert jwt.decode(token(body=body), key_set(), typ=TYPE).claims["name"] == "\N{DOOR}"


def test_texts_are_compared_without_normalisation() -> None:
    """Row 32: a composed and a decomposed letter are two texts."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    read = jwt.decode(jwt.encode(claims(name=decomposed), signing_key(), typ=TYPE), key_set(), typ=TYPE)

    assert read.claims["name"] == decomposed != composed


def test_a_token_that_is_json_is_refused() -> None:
    """Row 31: a header segment that is not base64url at all."""
    assert refused(f"{HEAD.decode()}.{b64(BODY)}.AAAA") == "alphabet"
