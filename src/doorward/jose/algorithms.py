"""What differs between the three algorithms: the key's members, the form of a signature, the call that checks it.

ES256 and RS256 are from RFC 7518 §3.3 and §3.4, EdDSA with Ed25519 from RFC 8037. A key class belongs to exactly one
algorithm (RFC 8725 §3.1), so there is nothing to choose when a signature is checked. Key ids, uses and sets are not
known here. The arithmetic is done by ``cryptography``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from doorward.jose.spelling import base64url_decode, base64url_encode
from doorward.jose.weakness import RSA_OWN_BITS, check_ed25519, check_rsa

Algorithm = Literal["ES256", "EdDSA", "RS256"]

_P256: Final = ec.SECP256R1()
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # NIST SP 800-186 §3.2.1.3
_ECDSA_SHA256: Final = ec.ECDSA(SHA256())
_PKCS1: Final = padding.PKCS1v15()
_SHA256: Final = SHA256()


class PublicKey(Protocol):
    """The checking half of a key: one algorithm, its public members, and the check."""

    @property
    def algorithm(self) -> Algorithm: ...
    def members(self) -> dict[str, str]: ...
    def verify(self, message: bytes, signature: bytes) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class P256PublicKey:
    """A point on P-256, for ES256."""

    algorithm: ClassVar[Algorithm] = "ES256"
    key: ec.EllipticCurvePublicKey

    def __post_init__(self) -> None:
        """Refuse every other curve; the library has refused points that are on none."""
        if self.key.curve.name != _P256.name:
            raise ValueError("the curve is not P-256")

    @classmethod
    def from_members(cls, jwk: Mapping[str, object]) -> "P256PublicKey":
        """Read ``x`` and ``y``, each of exactly 32 bytes (RFC 7518 §6.2.1). Raises ``ValueError``."""
        _check_kind(jwk, "EC", "P-256")
        x, y = (int.from_bytes(_octets(jwk, name, 32)) for name in ("x", "y"))
        return cls(ec.EllipticCurvePublicNumbers(x, y, _P256).public_key())

    def members(self) -> dict[str, str]:
        """Write the members that RFC 7638 §3.2 hashes, which are all the public ones."""
        numbers = self.key.public_numbers()
        x, y = (base64url_encode(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check r ‖ s, 32 bytes each (RFC 7518 §3.4), both in 1 … n−1. Raises ``InvalidSignature``."""
        if len(signature) != 64:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
            raise InvalidSignature  # r = s = 0 once fitted every message (CVE-2022-21449)
        self.key.verify(encode_dss_signature(r, s), message, _ECDSA_SHA256)


@dataclass(frozen=True, slots=True, eq=False)
class Ed25519PublicKey:
    """A point on edwards25519, for EdDSA."""

    algorithm: ClassVar[Algorithm] = "EdDSA"
    key: ed25519.Ed25519PublicKey

    def __post_init__(self) -> None:
        """Refuse what is no point, and points of small order."""
        check_ed25519(self.key.public_bytes_raw())

    @classmethod
    def from_members(cls, jwk: Mapping[str, object]) -> "Ed25519PublicKey":
        """Read ``x``, exactly 32 bytes (RFC 8037 §2). Raises ``ValueError``."""
        _check_kind(jwk, "OKP", "Ed25519")
        return cls(ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x", 32)))

    def members(self) -> dict[str, str]:
        """Write the members that RFC 8037 appendix A.3 hashes, which are all the public ones."""
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url_encode(self.key.public_bytes_raw())}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check 64 bytes (RFC 8032 §5.1.7, with S below the order). Raises ``InvalidSignature``."""
        self.key.verify(signature, message)


@dataclass(frozen=True, slots=True, eq=False)
class RSAPublicKey:
    """A modulus of at least 2048 bits, for RS256."""

    algorithm: ClassVar[Algorithm] = "RS256"
    key: rsa.RSAPublicKey

    def __post_init__(self) -> None:
        """Refuse weak moduli and exponents."""
        numbers = self.key.public_numbers()
        check_rsa(numbers.n, numbers.e)

    @classmethod
    def from_members(cls, jwk: Mapping[str, object]) -> "RSAPublicKey":
        """Read ``n`` and ``e``, each without leading zeros (RFC 7518 §6.3.1). Raises ``ValueError``."""
        _check_kind(jwk, "RSA", None)
        n, e = (_integer(jwk, name) for name in ("n", "e"))
        check_rsa(n, e)
        return cls(rsa.RSAPublicNumbers(e, n).public_key())

    def members(self) -> dict[str, str]:
        """Write the members that RFC 7638 §3.2 hashes, which are all the public ones."""
        numbers = self.key.public_numbers()
        e, n = (base64url_encode(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.e, numbers.n))
        return {"e": e, "kty": "RSA", "n": n}

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check PKCS #1 v1.5 with SHA-256 (RFC 8017 §8.2.2). Raises ``InvalidSignature``."""
        self.key.verify(signature, message, _PKCS1, _SHA256)


PUBLIC_KEYS: Final[Mapping[object, type[P256PublicKey] | type[Ed25519PublicKey] | type[RSAPublicKey]]] = {
    "ES256": P256PublicKey,
    "EdDSA": Ed25519PublicKey,
    "RS256": RSAPublicKey,
}

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def generate(algorithm: Algorithm) -> PrivateKey:
    """Make a private key with the operating system's generator; RSA has 3072 bits."""
    match algorithm:
        case "ES256":
            return ec.generate_private_key(_P256)
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "RS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=RSA_OWN_BITS)
        case _:
            assert_never(algorithm)


def public_key(private: PrivateKey) -> PublicKey:
    """Return the checking half. Raises ``ValueError`` where the key is too weak to sign with."""
    match private:
        case ec.EllipticCurvePrivateKey():
            return P256PublicKey(private.public_key())
        case ed25519.Ed25519PrivateKey():
            return Ed25519PublicKey(private.public_key())
        case rsa.RSAPrivateKey():
            if private.key_size < RSA_OWN_BITS:
                raise ValueError("the RSA key is too short to sign with")
            return RSAPublicKey(private.public_key())
        case _:
            assert_never(private)


def sign(private: PrivateKey, message: bytes) -> bytes:
    """Sign as the key's algorithm says: r ‖ s of 32 bytes each, 64 bytes of Ed25519, or as long as the modulus."""
    match private:
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(private.sign(message, _ECDSA_SHA256))
            return r.to_bytes(32) + s.to_bytes(32)
        case ed25519.Ed25519PrivateKey():
            return private.sign(message)
        case rsa.RSAPrivateKey():
            return private.sign(message, _PKCS1, _SHA256)
        case _:
            assert_never(private)


def _check_kind(jwk: Mapping[str, object], kty: str, crv: str | None) -> None:
    if jwk.get("kty") != kty or jwk.get("crv") != crv:
        raise ValueError("kty and crv do not belong to the algorithm")


def _octets(jwk: Mapping[str, object], name: str, length: int) -> bytes:
    data = _bytes(jwk, name)
    if len(data) != length:
        raise ValueError("a member of the key has the wrong length")
    return data


def _integer(jwk: Mapping[str, object], name: str) -> int:
    data = _bytes(jwk, name)
    if data[:1] in (b"", b"\0"):
        raise ValueError("a member of the key is not a minimal integer")
    return int.from_bytes(data)


def _bytes(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError("a member of the key is missing")
    return base64url_decode(value)
