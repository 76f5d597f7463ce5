"""Weak and misfit keys are refused when they are loaded (rows 15 and 16; JWK vectors 7 to 9 and 19 to 24)."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from doorward.jose.keys import SigningKey, VerifyingKey
from doorward.jose.weakness import has_roca_fingerprint
from tests.jose.forge import ALGORITHMS, b64, signing_key, unb64


def rsa_jwk(n: int, e: int = 65537) -> dict[str, str]:
    """A public RSA JWK of any numbers."""
    n_bytes, e_bytes = (number.to_bytes((number.bit_length() + 7) // 8 or 1) for number in (n, e))
    return {"kty": "RSA", "n": b64(n_bytes), "e": b64(e_bytes), "alg": "RS256", "kid": "k", "use": "sig"}


def modulus() -> int:
    """A good one."""
    return signing_key("RS256").public._public.key.public_numbers().n


def pkcs8(private: object) -> bytes:
    """Any private key as DER."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("bits", [512, 1024, 2047, 8193, 16384])
def test_an_rsa_modulus_of_another_size_is_refused(bits: int) -> None:
    """Row 15: below 2048 bits it can be factored, beyond 8192 it only costs time."""
    with pytest.raises(ValueError, match="modulus"):
        VerifyingKey.from_jwk(rsa_jwk(2**bits - 1))


def test_an_even_rsa_modulus_is_refused() -> None:
    """Row 15: it is no product of two large primes."""
    with pytest.raises(ValueError, match="modulus"):
        VerifyingKey.from_jwk(rsa_jwk(modulus() + 1))


@pytest.mark.parametrize("e", [1, 2, 3, 17, 65535, 65536, 65538, 2**32 + 1, 2**256 + 1])
def test_an_rsa_exponent_that_is_small_even_or_huge_is_refused(e: int) -> None:
    """Row 15: with 1 every message is its own signature."""
    with pytest.raises(ValueError, match="exponent"):
        VerifyingKey.from_jwk(rsa_jwk(modulus(), e))


def test_a_key_of_the_broken_generator_is_refused() -> None:
    """Row 15, CVE-2017-15361: a modulus that is a power of 65537 modulo all small primes."""
    primorial = 1
    for prime in (n for n in range(3, 168) if all(n % d for d in range(2, n))):
        primorial *= prime
    suspicious = pow(65537, 12345, primorial) + 2 * primorial * (2**2047 // primorial)
    suspicious += primorial if suspicious % 2 == 0 else 0

    assert has_roca_fingerprint(suspicious)
    assert not has_roca_fingerprint(modulus())
    with pytest.raises(ValueError, match="CVE-2017-15361"):
        VerifyingKey.from_jwk(rsa_jwk(suspicious))


def test_an_rsa_key_of_2048_bits_verifies_and_does_not_sign() -> None:
    """Row 15: what others have is read, what we make has 3072 bits."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert VerifyingKey.from_jwk(rsa_jwk(private.public_key().public_numbers().n)).algorithm == "RS256"
    with pytest.raises(ValueError, match="too short"):
        SigningKey.from_pkcs8(pkcs8(private), "RS256")


def test_an_rsa_key_with_a_small_exponent_does_not_sign() -> None:
    """Row 15: what is refused of others is refused of our own, long as it may be."""
    private = rsa.generate_private_key(public_exponent=3, key_size=3072)

    with pytest.raises(ValueError, match="exponent"):
        SigningKey.from_pkcs8(pkcs8(private), "RS256")


def test_our_own_rsa_keys_have_3072_bits() -> None:
    """Row 15, ASVS 11.2.3."""
    assert modulus().bit_length() == 3072


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"use": None},
        {"use": "SIG"},
        {"use": ["sig"]},
        {"key_ops": ["encrypt"]},
        {"key_ops": []},
        {"key_ops": ["sign"]},
        {"key_ops": ["verify", "encrypt"]},
        {"key_ops": ["verify", "verify"]},
        {"key_ops": "verify"},
        {"key_ops": None},
    ],
)
def test_a_key_for_another_use_is_refused(change: dict[str, object]) -> None:
    """Row 16: a key for encryption does not verify (JWS vectors 353 to 356)."""
    with pytest.raises(ValueError, match="not meant for verifying"):
        VerifyingKey.from_jwk({**signing_key().public.to_jwk(), **change})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "change", [{"kty": "EC"}, {"kty": "RSA"}, {"kty": "OKP"}, {"kty": "oct"}, {"kty": None}, {"kty": ["EC"]}]
)
def test_a_key_type_of_another_algorithm_is_refused(algorithm: str, change: dict[str, object]) -> None:
    """Row 16: kty must be the one of the algorithm."""
    jwk = signing_key(algorithm).public.to_jwk()
    if change["kty"] == jwk["kty"]:
        assert VerifyingKey.from_jwk(jwk | change).kid
        return

    with pytest.raises(ValueError, match="kty and crv"):
        VerifyingKey.from_jwk({**jwk, **change})


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
@pytest.mark.parametrize("crv", [None, "", "P-384", "P-521", "secp256k1", "p-256", "Ed448", "X25519", "Ed25519 ", 1])
def test_a_curve_of_another_algorithm_is_refused(algorithm: str, crv: object) -> None:
    """Row 16: the curve must be the one of the algorithm."""
    with pytest.raises(ValueError, match="kty and crv"):
        VerifyingKey.from_jwk({**signing_key(algorithm).public.to_jwk(), "crv": crv})


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    """Row 16: invalid-curve attacks start with a point elsewhere."""
    p256 = signing_key().public.to_jwk()
    edwards = signing_key("EdDSA").public.to_jwk()

    for jwk in (
        {**p256, "y": p256["x"]},
        {**p256, "x": b64(bytes(32)), "y": b64(bytes(32))},
        {**p256, "x": b64(b"\xff" * 32)},
        {**edwards, "x": b64(bytes([2]) + bytes(31))},
    ):
        with pytest.raises(ValueError):
            VerifyingKey.from_jwk(jwk)


@pytest.mark.parametrize("value", [..., None, 5, "", "A", "AA==", "AQ", "A" * 44, "!" * 43, "A" * 42 + "B", ["A" * 43]])
def test_a_coordinate_that_is_not_32_bytes_is_refused(value: object) -> None:
    """Row 16: absent, of another type, shorter, longer, or spelled in another way."""
    for algorithm in ("ES256", "EdDSA"):
        jwk = {**signing_key(algorithm).public.to_jwk(), "x": value}

        with pytest.raises(ValueError):
            VerifyingKey.from_jwk({name: member for name, member in jwk.items() if member is not ...})


def test_a_coordinate_without_its_leading_zero_is_refused() -> None:
    """Row 16: the same point in another spelling (RFC 7518 §6.2.1.2)."""
    while unb64((jwk := SigningKey.generate("ES256").public.to_jwk())["x"])[0] != 0:
        pass
    short = b64(unb64(jwk["x"])[1:])

    assert VerifyingKey.from_jwk(jwk)
    with pytest.raises(ValueError, match="wrong length"):
        VerifyingKey.from_jwk({**jwk, "x": short})


@pytest.mark.parametrize("member", ["n", "e"])
@pytest.mark.parametrize("value", ["", "AAEAAQ", "A", "AQAB="])
def test_an_rsa_number_with_another_spelling_is_refused(member: str, value: str) -> None:
    """Row 16: empty, with a leading zero (RFC 7518 §6.3.1.1), not canonical."""
    with pytest.raises(ValueError):
        VerifyingKey.from_jwk({**signing_key("RS256").public.to_jwk(), member: value})


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_member_is_refused(member: str) -> None:
    """A private key among public ones is a leak that somebody must notice; it is refused even when empty."""
    for algorithm in ALGORITHMS:
        with pytest.raises(ValueError, match="private"):
            VerifyingKey.from_jwk({**signing_key(algorithm).public.to_jwk(), member: ""})


@pytest.mark.parametrize(
    "private",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
        dsa.generate_private_key(1024),
    ],
    ids=["P-384", "secp256k1", "Ed448", "X25519", "DSA"],
)
def test_a_private_key_of_another_kind_does_not_sign(private: object) -> None:
    """Row 16: a key that fits none of the three algorithms is refused."""
    for algorithm in ALGORITHMS:
        with pytest.raises(ValueError):
            SigningKey.from_pkcs8(pkcs8(private), algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("stored", ALGORITHMS)
def test_a_private_key_signs_with_its_own_algorithm_only(algorithm: str, stored: str) -> None:
    """Row 16: what was stored as one kind is not read as another."""
    der = signing_key(stored).to_pkcs8()
    if algorithm == stored:
        assert SigningKey.from_pkcs8(der, algorithm).kid == signing_key(stored).kid
        return

    with pytest.raises(ValueError, match="does not belong"):
        SigningKey.from_pkcs8(der, algorithm)


def test_what_is_no_private_key_is_refused_with_a_fixed_text() -> None:
    """Garbage, nothing, an encrypted key, a public key: one text, without the input."""
    private = ec.generate_private_key(ec.SECP256R1())
    encrypted = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))

    for der in (b"", b"garbage", encrypted, signing_key().to_pkcs8()[:-1]):
        with pytest.raises(ValueError, match=r"^not a private key of a known kind$"):
            SigningKey.from_pkcs8(der, "ES256")
