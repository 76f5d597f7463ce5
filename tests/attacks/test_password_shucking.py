"""Password shucking: a bcrypt around a plain digest is opened with digests from another breach, and only then cracked.

Whoever hashes ``bcrypt(md5(password))`` lets an attacker who holds md5 digests of the same people test those, cheaply.
OWASP: an extra step must be keyed.
"""

import base64
import hashlib
import hmac

import pytest

from doorward.core.secret import Secret
from doorward.passwords.hashing import Hasher
from doorward.settings import Passwords

PASSWORD = "correct horse battery staple"
PEPPER = Secret("p" * 32)
DJANGO_SHA256 = "bcrypt_sha256$$2b$04$NTsm2W.OHm6s8RPjH95uS.aw.2iXVQLwq9ipU4h.z21X9guHHSawS"
HASHERS = [
    Hasher(Passwords(argon2_memory=64, argon2_iterations=1)),
    Hasher(Passwords(algorithm="bcrypt", bcrypt_cost=4)),
    Hasher(Passwords(argon2_memory=64, argon2_iterations=1, pepper=(PEPPER,))),
    Hasher(Passwords(algorithm="bcrypt", bcrypt_cost=4, pepper=(PEPPER,))),
]
DIGESTS = ["md5", "sha1", "sha256", "sha512"]


@pytest.mark.parametrize("name", DIGESTS)
@pytest.mark.parametrize("hasher", HASHERS)
def test_leaked_digest_opens_nothing(hasher: Hasher, name: str) -> None:
    """Neither the hexadecimal nor the base64 digest of a password fits its hash."""
    digest = hashlib.new(name, PASSWORD.encode())

    stored = hasher.hash(PASSWORD)

    assert not hasher.verify(stored, digest.hexdigest())
    assert not hasher.verify(stored, base64.b64encode(digest.digest()).decode())


def test_imported_prehashed_bcrypt_is_opened_by_the_password_only_and_replaced() -> None:
    """Django's bcrypt_sha256 has that shape; the digest does not log in, and the first log-in ends the shape."""
    hasher = HASHERS[0]

    assert hasher.verify(DJANGO_SHA256, PASSWORD)
    assert not hasher.verify(DJANGO_SHA256, hashlib.sha256(PASSWORD.encode()).hexdigest())
    assert hasher.needs_rehash(DJANGO_SHA256, PASSWORD)


def test_database_without_the_pepper_cannot_be_guessed_against() -> None:
    """What is stored equals neither the digest nor an unkeyed hash of it; only the key makes it comparable."""
    plain, peppered = HASHERS[0], HASHERS[2]
    stored = plain.hash(PASSWORD)
    digest = base64.b64decode(stored.rpartition("$")[2] + "=")

    wrapped = peppered.wrap(stored)

    mac = base64.urlsafe_b64decode(wrapped.split("$")[3] + "=")
    guesses = [digest, hashlib.sha256(digest).digest(), hmac.digest(b"", digest, "sha256")]
    assert mac not in guesses
    assert not plain.verify(wrapped, PASSWORD)
    assert peppered.verify(wrapped, PASSWORD)
