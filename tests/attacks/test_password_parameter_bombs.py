"""A stored hash that asks for gigabytes, minutes or threads: an import must not be able to stop the server.

Parameters are bounded before any work (security.md section 6); the CVEs of ``p2c`` in JWE (CVE-2023-6681) are the same
mistake elsewhere.
"""

import hashlib

import bcrypt
import pytest

from doorward.core.secret import Secret
from doorward.passwords import formats
from doorward.passwords.hashing import Hasher
from doorward.passwords.pool import HashingPool
from doorward.settings import Passwords

DIGEST = "A" * 43
QUICK = Passwords(argon2_memory=64, argon2_iterations=1, hash_threads=1, pepper=(Secret("p" * 32),))
HASHER = Hasher(QUICK)
KEY = HASHER.decoy.split("k=")[1][:8]

BOMBS = {
    "argon2 4 GiB": f"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ${DIGEST}",
    "argon2 a thousand million passes": f"$argon2id$v=19$m=64,t=999999999,p=1$c29tZXNhbHQ${DIGEST}",
    "argon2 threads": f"$argon2id$v=19$m=99999,t=1,p=9999$c29tZXNhbHQ${DIGEST}",
    "argon2 numbers without end": f"$argon2id$v=19$m={'9' * 400},t=1,p=1$c29tZXNhbHQ${DIGEST}",
    "bcrypt cost 31": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "pbkdf2 a thousand million rounds": f"pbkdf2_sha256$999999999$salt${DIGEST}=",
    "pbkdf2 many blocks": f"$pbkdf2$9999999$c29tZXNhbHQ${'A' * 170}",
    "scrypt 128 GiB": f"$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ${DIGEST}",
    "scrypt huge exponent": f"$scrypt$ln=99,r=8,p=1$c29tZXNhbHQ${DIGEST}",
    "scrypt many lanes": f"scrypt$1024$salt$8$99999${DIGEST}=",
    "scrypt wide blocks": f"scrypt:2:99999:40$salt${'0' * 128}",
    "megabytes of text": "$argon2id$" + "v" * 5_000_000,
    "pepper around a bomb": f"$doorward-pepper$k={KEY},l=32${DIGEST}$$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$",
    "pepper with a huge digest": f"$doorward-pepper$k={KEY},l=999${DIGEST}$$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
    "a hundred peppers": f"$doorward-pepper$k={'.'.join([KEY] * 100)},l=32${DIGEST}$$argon2id$v=19$m=64,t=1,p=1$c29$",
}


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every primitive fail the test."""

    def explode(*_: object, **__: object) -> bytes:
        raise AssertionError("work was done")

    monkeypatch.setattr(formats, "hash_secret_raw", explode)
    monkeypatch.setattr(bcrypt, "hashpw", explode)
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", explode)
    monkeypatch.setattr(hashlib, "scrypt", explode)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_is_refused_without_any_work(bomb: str, no_work: None) -> None:
    """It fits no password, raises nothing, and no primitive is called."""
    assert HASHER.verify(bomb, "password") is False
    assert not HASHER.is_usable(bomb)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
async def test_log_in_against_a_bomb_costs_one_ordinary_hash(bomb: str) -> None:
    """The account looks like any other; the decoy is computed in the place of the bomb."""
    pool = HashingPool(QUICK)

    assert await pool.verify(bomb, "password") is False

    assert (pool.performed, pool.topped_up) == (1, 1)
    pool.close()


@pytest.mark.parametrize(
    "stored",
    [
        f"$argon2id$v=19$m=1048576,t=8,p=16$c29tZXNhbHQ${DIGEST}",
        "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        f"pbkdf2_sha256$10000000$salt${DIGEST}=",
        f"scrypt$1048576$salt$8$1${DIGEST}=",
    ],
)
def test_most_that_is_accepted_is_known(stored: str) -> None:
    """The bounds themselves are still usable, and each is some seconds of one core."""
    known = formats.read(stored)

    assert known is not None
    assert known[0].work < 7_000_000
