"""Signatures that are not what they seem: psychic, DER, twins, trailing bytes, malleable (rows 10 to 13)."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from doorward.jose import jwt
from doorward.jose.algorithms import P256PublicKey
from doorward.jose.keys import VerifyingKey
from tests.jose.forge import TYPE, accepted, b64, key_set, refused, signing_key, token, unb64

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
L = 2**252 + 27742317777372353535851937790883648493


def parts(genuine: str) -> tuple[str, int, int]:
    """Take an ES256 token apart: signing input, r, s."""
    signing_input, _, signature = genuine.rpartition(".")
    raw = unb64(signature)
    return signing_input, int.from_bytes(raw[:32]), int.from_bytes(raw[32:])


@pytest.mark.parametrize("r", [0, 1, N - 1, N, N + 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, N - 1, N, N + 1, 2**256 - 1])
def test_a_psychic_signature_is_refused(r: int, s: int) -> None:
    """Row 10: r or s of nothing, or beyond the order (CVE-2022-21449)."""
    assert refused(token(signature=r.to_bytes(32) + s.to_bytes(32))) == "signature"


def test_a_component_plus_the_order_is_refused() -> None:
    """Row 10: the same number modulo n is another spelling."""
    for _ in range(200):
        signing_input, r, s = parts(token())
        for twin in ((r + N, s), (r, s + N)):
            if max(twin) < 2**256:
                raw = twin[0].to_bytes(32) + twin[1].to_bytes(32)

                assert refused(f"{signing_input}.{b64(raw)}") == "signature"


@pytest.mark.parametrize("length", [0, 1, 31, 32, 63, 65, 66, 96, 128, 132])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    """Rows 10 and 11: 64 bytes, no more and no fewer."""
    for algorithm in ("ES256", "EdDSA"):
        assert refused(token(key=signing_key(algorithm), signature=bytes([1]) * length)) == "signature"


def test_a_der_signature_is_refused() -> None:
    """Row 11: the encoding of X.509 has no place in a JWS."""
    signing_input, r, s = parts(token())

    assert refused(f"{signing_input}.{b64(encode_dss_signature(r, s))}") == "signature"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
@pytest.mark.parametrize("extra", [b"\0", b"\0\0\0", b"garbage"])
def test_bytes_around_a_good_signature_are_refused(algorithm: str, extra: bytes) -> None:
    """Row 11: nothing may follow or go before."""
    signing_input, _, signature = token(key=signing_key(algorithm)).rpartition(".")
    raw = unb64(signature)

    for longer in (raw + extra, extra + raw):
        assert refused(f"{signing_input}.{b64(longer)}") == "signature"


def test_a_zero_between_the_two_numbers_is_refused() -> None:
    """Row 11: 65 bytes can hold the same two numbers."""
    signing_input, r, s = parts(token())

    assert refused(f"{signing_input}.{b64(r.to_bytes(32) + s.to_bytes(33))}") == "signature"


class Credulous:
    """A library that believes every signature, as Java once did those of nothing."""

    curve = SECP256R1()

    def verify(self, *_: object) -> None:
        """Believe."""


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (N, 1), (1, N), (2**256 - 1, 1)])
def test_a_psychic_signature_does_not_reach_the_library(r: int, s: int) -> None:
    """Row 10: the range is checked here, so a library that forgets it does no harm."""
    key = P256PublicKey(Credulous())  # type: ignore[arg-type]
    key.verify(b"message", (1).to_bytes(32) + (N - 1).to_bytes(32))

    with pytest.raises(InvalidSignature):
        key.verify(b"message", r.to_bytes(32) + s.to_bytes(32))


def test_the_twin_of_a_token_says_the_same_as_the_token() -> None:
    """Row 12: (r, n−s) verifies too, so a denylist must be kept by claims and never by the token's text."""
    genuine = token()
    signing_input, r, s = parts(genuine)
    twin = f"{signing_input}.{b64(r.to_bytes(32) + (N - s).to_bytes(32))}"

    assert twin != genuine
    assert jwt.decode(twin, key_set(), typ=TYPE).claims["jti"] == jwt.decode(genuine, key_set(), typ=TYPE).claims["jti"]


def test_an_ed25519_signature_with_a_large_s_is_refused() -> None:
    """Row 13: S + L is the same number modulo L; RFC 8032 §5.1.7 wants it below."""
    genuine = token(key=signing_key("EdDSA"))
    signing_input, _, signature = genuine.rpartition(".")
    raw = unb64(signature)
    malleated = raw[:32] + (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")

    assert accepted(genuine)
    assert refused(f"{signing_input}.{b64(malleated)}") == "signature"


@pytest.mark.parametrize(
    "point",
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ],
)
def test_an_ed25519_key_of_small_order_cannot_be_loaded(point: str) -> None:
    """Row 13: under such a key one signature fits many messages; all eight points, in all their spellings."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes.fromhex(point)), "alg": "EdDSA", "kid": "k"}

    with pytest.raises(ValueError, match="Ed25519 point"):
        VerifyingKey.from_jwk(jwk)
