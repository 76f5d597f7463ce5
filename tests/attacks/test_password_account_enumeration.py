"""Whether an account exists, has a password or came from elsewhere must not be heard in the time (ASVS 6.3.8).

Times are noisy on a shared machine, so what is held here is the cause: the number of hashes and their parameters.
"""

import pytest

from doorward.core.secret import Secret
from doorward.passwords import formats
from doorward.passwords.hashing import Hasher
from doorward.passwords.pool import HashingPool
from doorward.settings import Passwords

SETTINGS = Passwords(argon2_memory=1024, argon2_iterations=2, hash_threads=1)
HASHER = Hasher(SETTINGS)
STORED = HASHER.hash("password")
PEPPERED = Passwords(argon2_memory=1024, argon2_iterations=2, hash_threads=1, pepper=(Secret("p" * 32),))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Note the parameters of every Argon2 hash: iterations, memory, lanes, size."""
    noted: list[tuple[object, ...]] = []
    real = formats.hash_secret_raw

    def note(secret: bytes, salt: bytes, *parameters: object) -> bytes:
        noted.append(parameters)
        return real(secret, salt, *parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(formats, "hash_secret_raw", note)
    return noted


@pytest.mark.parametrize("settings", [SETTINGS, PEPPERED], ids=["plain", "peppered"])
@pytest.mark.parametrize("case", ["right password", "wrong password", "no account"])
async def test_every_log_in_costs_exactly_one_hash_of_current_parameters(
    settings: Passwords, case: str, calls: list[tuple[object, ...]]
) -> None:
    """Known or not, right or wrong."""
    pool = HashingPool(settings)
    stored = None if case == "no account" else pool.hasher.hash("password")
    calls.clear()

    verified = await pool.verify(stored, "password" if case == "right password" else "wrong password")

    assert verified is (case == "right password")
    assert [call[:4] for call in calls] == [(2, 1024, 1, 32)]
    assert (pool.performed, pool.topped_up) == (1, 0)
    pool.close()


@pytest.mark.parametrize(
    "stored",
    [
        "pbkdf2_sha256$1000$NaCl4Tests9$oW0YuX5XSirQGyxUzmTdLAxLkKbonAzK8NbkiD2u7f0=",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 43,
        "locked!",
        "",
    ],
)
async def test_cheaper_hash_is_topped_up(stored: str, calls: list[tuple[object, ...]]) -> None:
    """An imported account with an old hash does not answer sooner than the unknown one."""
    pool = HashingPool(SETTINGS)

    await pool.verify(stored, "password")

    assert calls[-1][:4] == (2, 1024, 1, 32)
    assert (pool.performed, pool.topped_up) == (1, 1)
    pool.close()


async def test_decoy_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if somebody found a password that fits the decoy, there is no account behind it."""
    pool = HashingPool(SETTINGS)
    monkeypatch.setattr(Hasher, "verify", lambda *_: True)

    assert await pool.verify(None, "password") is False
    assert await pool.verify(STORED, "password") is True
    pool.close()
