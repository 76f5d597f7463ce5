"""bcrypt reads 72 bytes. CVE-2025-22228 (Spring Security): longer passwords with the same beginning were all equal.
Okta, 30 October 2024: with user id and name in front, the password was behind the 72 bytes and any one fitted.
"""

import bcrypt
import pytest

from doorward.passwords.hashing import Hasher
from doorward.passwords.policy import check_length
from doorward.settings import Passwords

BCRYPT = Passwords(algorithm="bcrypt", bcrypt_cost=4)
ARGON2 = Passwords(argon2_memory=64, argon2_iterations=1)
BOTH = pytest.mark.parametrize("hasher", [Hasher(BCRYPT), Hasher(ARGON2)], ids=["bcrypt", "argon2id"])
OPENWALL = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"
OPENWALL_PASSWORD = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored"


@BOTH
@pytest.mark.parametrize("tail", ["x", "y", "chars after 72 are ignored", "\0", " "])
def test_longer_twin_of_a_72_byte_password_is_refused(hasher: Hasher, tail: str) -> None:
    """CVE-2025-22228: 72 bytes fit, the same 72 and one more do not, whatever algorithm is set now."""
    stored = Hasher(BCRYPT).hash("a" * 72)

    assert hasher.verify(stored, "a" * 72)
    assert not hasher.verify(stored, "a" * 72 + tail)


@BOTH
def test_hash_that_another_system_truncated_accepts_no_long_password(hasher: Hasher) -> None:
    """The published example of a truncating implementation: neither the long spelling nor another long one fits."""
    assert hasher.verify(OPENWALL, OPENWALL_PASSWORD[:72])
    assert not hasher.verify(OPENWALL, OPENWALL_PASSWORD)
    assert not hasher.verify(OPENWALL, OPENWALL_PASSWORD[:72] + "anything")


def test_bytes_count_and_not_characters() -> None:
    """36 two-byte letters are the limit, the 37th is beyond it."""
    hasher = Hasher(BCRYPT)
    stored = hasher.hash("é" * 36)

    assert hasher.verify(stored, "é" * 36)
    assert not hasher.verify(stored, "é" * 37)
    with pytest.raises(ValueError):
        hasher.hash("é" * 37)


@pytest.mark.parametrize(
    ("password", "refused"), [("a" * 72, False), ("a" * 73, True), ("é" * 36, False), ("é" * 37, True)]
)
def test_policy_says_so_before_anything_is_hashed(password: str, refused: bool) -> None:
    """The owner gets a field error, not a silent truncation."""
    error = check_length(password, settings=BCRYPT)

    assert (error is not None) is refused
    assert error is None or (error.code, "72 bytes" in error.detail) == ("password_too_long", True)
    assert check_length(password, settings=ARGON2) is None


def test_nul_ends_nothing() -> None:
    """C implementations stop at a NUL: what is before it must not be enough."""
    stored = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()

    assert Hasher(BCRYPT).verify(stored, "secret")
    assert not Hasher(BCRYPT).verify(stored, "secret\0")
    assert not Hasher(BCRYPT).verify(stored, "secret\0tail")


def test_nothing_stands_in_front_of_the_password() -> None:
    """Okta: two passwords behind the same 60 bytes of names stay two, because only the password is hashed."""
    names = "00u8x0y1z2a3b4c5d6e7" + "a.very.long.user.name.of.forty.bytes.xx"
    hasher = Hasher(ARGON2)

    stored = hasher.hash(names + "right")

    assert not hasher.verify(stored, names + "wrong")
    assert hasher.verify(stored, names + "right")


def test_refusal_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long password against a bcrypt account takes as long as a short one, so it tells nothing about the account."""
    calls: list[bytes] = []
    real = bcrypt.hashpw

    def count(password: bytes, salt: bytes) -> bytes:
        calls.append(password)
        return real(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", count)

    Hasher(BCRYPT).verify(OPENWALL, OPENWALL_PASSWORD)

    assert [len(password) for password in calls] == [72]
