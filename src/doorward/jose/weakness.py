"""Keys that compute and do not protect: each check refuses one kind, when a key is loaded and never later.

The libraries below read such keys without complaint, because they are well-formed. The figures come from NIST
SP 800-131A and FIPS 186-5, the fingerprint from CVE-2017-15361 (ROCA), the points from RFC 7748 §7 and RFC 8032.
"""

from typing import Final

RSA_MIN_BITS: Final = 2048
"""What we still verify (NIST SP 800-131A); our own keys have ``RSA_OWN_BITS``."""

RSA_OWN_BITS: Final = 3072
"""128-bit security, as ASVS 11.2.3 asks."""

RSA_MAX_BITS: Final = 8192
"""Longer ones only cost time: verification grows with the square of the length."""

RSA_MIN_EXPONENT: Final = 65537
"""FIPS 186-5 §5.4. With 1 everything is a signature; small ones forgive sloppy padding checks (Bleichenbacher 2006)."""

_ED25519_PRIME: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_PRIME) % _ED25519_PRIME


def check_rsa(modulus: int, exponent: int) -> None:
    """Refuse a short, oversized or even modulus, a small or even exponent, and a ROCA key. Raises ``ValueError``."""
    if not RSA_MIN_BITS <= modulus.bit_length() <= RSA_MAX_BITS or modulus % 2 == 0:
        raise ValueError("the RSA modulus is not acceptable")
    if not RSA_MIN_EXPONENT <= exponent < 2**32 or exponent % 2 == 0:
        raise ValueError("the RSA exponent is not acceptable")
    if has_roca_fingerprint(modulus):
        raise ValueError("the RSA key was made by a broken generator (CVE-2017-15361)")


def has_roca_fingerprint(modulus: int) -> bool:
    """Tell whether a modulus has the form that Infineon's RSALib gave its keys.

    Their primes are a power of 65537 modulo a product of small primes, hence so is the modulus. A random one is in all
    those subgroups once in about 2¹⁵⁴ keys.
    """
    # The multiplicative group modulo a prime is cyclic, so its subgroup of size h is exactly the elements with x^h = 1.
    return all(pow(modulus, size, prime) == 1 for prime, size in _ROCA_SUBGROUPS)


def check_ed25519(point: bytes) -> None:
    """Refuse 32 bytes that are no point, are spelled twice, or are of small order. Raises ``ValueError``.

    With a point of small order one signature fits (nearly) every message, and the library does not look.
    """
    y = int.from_bytes(point, "little") & (2**255 - 1)
    denominator = _ED25519_D * y * y + 1
    x_squared = (y * y - 1) * pow(denominator, -1, _ED25519_PRIME) % _ED25519_PRIME
    is_square = pow(x_squared, (_ED25519_PRIME - 1) // 2, _ED25519_PRIME) == 1
    if y >= _ED25519_PRIME or not is_square or _has_small_order(y, x_squared):
        raise ValueError("the Ed25519 point is not acceptable")


def _has_small_order(y: int, x_squared: int) -> bool:
    # Orders 1 and 2 have x = 0, which is no square above; order 4 has y = 0; order 8 doubles to order 4, where doubling
    # gives y' = (y² + x²) / (2 + x² − y²) (RFC 8032 §5.1.4).
    return y == 0 or (y * y + x_squared) % _ED25519_PRIME == 0


def _order(base: int, prime: int) -> int:
    power, size = base % prime, 1
    while power != 1:
        power, size = power * base % prime, size + 1
    return size


_SMALL_PRIMES: Final = [n for n in range(3, 168) if all(n % divisor for divisor in range(2, n))]
_ROCA_SUBGROUPS: Final = [(prime, _order(65537, prime)) for prime in _SMALL_PRIMES]
