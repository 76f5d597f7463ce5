"""A second spelling of the same token (row 30; PyJWT CVE-2026-102269; JWS vectors 360 to 375)."""

import string

import pytest

from tests.jose.forge import ALGORITHMS, accepted, refused, signing_key, token

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_other_last_character_of_a_signature_is_refused(algorithm: str) -> None:
    """The unused bits of the last character must be zero: of 64 spellings one is accepted."""
    genuine = token(key=signing_key(algorithm))

    good = [last for last in ALPHABET if last == genuine[-1] or not refused(genuine[:-1] + last)]

    assert good == [genuine[-1]]


@pytest.mark.parametrize("payload", [b'{"a":1}', b'{"a":11}', b'{"a":111}'])
@pytest.mark.parametrize("segment", [0, 1, 2])
@pytest.mark.parametrize("extra", ["=", "==", "===", "A=", "\n", " ", "!", "?", "+", "/", "%3D", "é"])
def test_padding_and_foreign_characters_are_refused_in_every_segment(payload: bytes, segment: int, extra: str) -> None:
    """The standard library's decoder would skip them all."""
    parts = token(body=payload).split(".")
    parts[segment] += extra

    assert refused(".".join(parts)) == "alphabet"


def test_trailing_bits_are_refused_in_a_payload() -> None:
    """QQ and QR are the same byte to a lenient reader."""
    head, _, signature = token().split(".")

    assert refused(f"{head}.QR.{signature}") == "encoding"
    assert refused(f"{head}.QQ.{signature}") == "signature"


def test_trailing_bits_are_refused_in_a_header() -> None:
    """The same, before the header is read."""
    _, payload, signature = token().split(".")

    assert refused(f"QR.{payload}.{signature}") == "encoding"
    assert refused(f"QQ.{payload}.{signature}") == "header"


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_a_single_character_is_no_byte(segment: int) -> None:
    """Lengths of one modulo four cannot come from any bytes."""
    parts = token().split(".")
    parts[segment] = "A"

    assert refused(".".join(parts)) == "encoding"


def test_the_standard_alphabet_is_refused() -> None:
    """RFC 4648 §4 writes + and / where §5 writes - and _."""
    genuine = next(made for made in iter(token, "") if {"-", "_"} & set(made.rpartition(".")[2]))
    signing_input, _, signature = genuine.rpartition(".")

    assert accepted(genuine)
    assert refused(f"{signing_input}.{signature.replace('-', '+').replace('_', '/')}") == "alphabet"
