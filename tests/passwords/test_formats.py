"""Stored hashes of other systems are read, and what cannot be read is refused quietly."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords import formats
from doorward.passwords.hashing import Hasher
from doorward.settings import Passwords

VECTORS = Path(__file__).parents[1] / "vectors"
FOREIGN = json.loads((VECTORS / "foreign_hashes.json").read_text())
WYCHEPROOF = json.loads((VECTORS / "wycheproof" / "pbkdf2_hmacsha256_test.json").read_text())
HASHER = Hasher(Passwords(argon2_memory=64, argon2_iterations=1))

PUBLISHED = [
    ("argon2 README", "password", "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"),
    ("crypt_blowfish 1", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("crypt_blowfish 2", "U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("crypt_blowfish 3", "U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    (
        "RFC 7914 §12, p=16",
        "password",
        "$scrypt$ln=10,r=8,p=16$TmFDbA$"
        + base64.b64encode(
            bytes.fromhex(
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
            )
        ).decode(),
    ),
    (
        "RFC 7914 §12, N=16384, in Werkzeug's spelling",
        "pleaseletmein",
        (
            "scrypt:16384:8:1$SodiumChloride$7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ),
]


def salt_and_digest(length: int) -> str:
    """A PHC tail with a digest of that many bytes."""
    return "c29tZXNhbHQ$" + base64.b64encode(bytes(length)).decode().rstrip("=")


@pytest.mark.parametrize("vector", FOREIGN, ids=lambda vector: vector["made_by"])
def test_hash_of_another_system_accepts_its_password(vector: dict[str, str]) -> None:
    """Hashes made by Django, passlib, Werkzeug, bcrypt and argon2-cffi verify here."""
    assert HASHER.verify(vector["hash"], vector["password"])
    assert formats.is_usable(vector["hash"])


@pytest.mark.parametrize("vector", FOREIGN, ids=lambda vector: vector["made_by"])
def test_hash_of_another_system_refuses_another_password(vector: dict[str, str]) -> None:
    """And they accept nothing else."""
    assert not HASHER.verify(vector["hash"], vector["password"] + "x")


@pytest.mark.parametrize("vector", FOREIGN, ids=lambda vector: vector["made_by"])
def test_hash_of_another_system_is_due_for_a_new_one(vector: dict[str, str]) -> None:
    """At the next log-in the hash is replaced by one of ours."""
    assert HASHER.needs_rehash(vector["hash"])


@pytest.mark.parametrize(("source", "password", "stored"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_published_example_verifies(source: str, password: str, stored: str) -> None:
    """The examples printed by those who designed the schemes."""
    assert HASHER.verify(stored, password)
    assert not HASHER.verify(stored, password + "!")


@pytest.mark.parametrize(
    "case", [case for group in WYCHEPROOF["testGroups"] for case in group["tests"]], ids=lambda case: case["tcId"]
)
def test_wycheproof_pbkdf2(case: dict[str, str]) -> None:
    """PBKDF2-HMAC-SHA256 computes what Wycheproof expects."""
    salt = base64.b64encode(bytes.fromhex(case["salt"])).decode().rstrip("=")
    expected = bytes.fromhex(case["dk"])

    known = formats.read(
        f"$pbkdf2-sha256${case['iterationCount']}${salt}${base64.b64encode(expected).decode().rstrip('=')}"
    )

    assert known is not None
    recipe, digest = known
    assert recipe.derive(bytes.fromhex(case["password"]), len(expected)) == expected == digest


UNUSABLE = {
    "empty": "",
    "text": "password",
    "unsalted digest": "5f4dcc3b5aa765d61d8327deb882cf99",
    "md5 crypt": "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
    "bcrypt 2x": "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt cost 3": "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt cost 17": "$2b$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt cut off": "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
    "argon2 version 18": "$argon2id$v=18$m=64,t=2,p=1$" + salt_and_digest(32),
    "argon2 above 1 GiB": "$argon2id$v=19$m=1048577,t=1,p=1$" + salt_and_digest(32),
    "argon2 too many passes": "$argon2id$v=19$m=1048576,t=9,p=1$" + salt_and_digest(32),
    "argon2 no pass": "$argon2id$v=19$m=64,t=0,p=1$" + salt_and_digest(32),
    "argon2 no lane": "$argon2id$v=19$m=64,t=1,p=0$" + salt_and_digest(32),
    "argon2 too many lanes": "$argon2id$v=19$m=1024,t=1,p=17$" + salt_and_digest(32),
    "argon2 too little memory for its lanes": "$argon2id$v=19$m=15,t=1,p=2$" + salt_and_digest(32),
    "argon2 short salt": "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$" + salt_and_digest(32).split("$")[1],
    "argon2 salt that is no base64": "$argon2id$v=19$m=64,t=1,p=1$aaaaaaaaaaaaa$" + salt_and_digest(32).split("$")[1],
    "argon2 short digest": "$argon2id$v=19$m=64,t=1,p=1$" + salt_and_digest(15),
    "argon2 long digest": "$argon2id$v=19$m=64,t=1,p=1$" + salt_and_digest(129),
    "argon2 digest that is no base64": "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + "A" * 25,
    "pbkdf2 no round": "pbkdf2_sha256$0$salt$" + base64.b64encode(bytes(32)).decode(),
    "pbkdf2 ten million and one": "pbkdf2_sha256$10000001$salt$" + base64.b64encode(bytes(32)).decode(),
    "pbkdf2 too many blocks": "$pbkdf2$2000000$" + salt_and_digest(128),
    "pbkdf2 without salt": "$pbkdf2-sha256$1000$$" + base64.b64encode(bytes(32)).decode(),
    "pbkdf2 salt that is no base64": "$pbkdf2-sha256$1000$aaaaa$" + base64.b64encode(bytes(32)).decode(),
    "pbkdf2 md5": "pbkdf2:md5:1000$salt$" + "00" * 16,
    "pbkdf2 odd hex": "pbkdf2:sha256:1000$salt$" + "0" * 63,
    "scrypt N not a power of two": "scrypt:1000:8:1$salt$" + "00" * 64,
    "scrypt N of one": "scrypt:1:8:1$salt$" + "00" * 64,
    "scrypt no blocks": "scrypt:1024:0:1$salt$" + "00" * 64,
    "scrypt no lane": "scrypt:1024:8:0$salt$" + "00" * 64,
    "scrypt too much work": "scrypt:65536:8:17$salt$" + "00" * 64,
    "scrypt wide blocks": "scrypt:16:33:1$salt$" + "00" * 64,
    "scrypt many lanes": "scrypt:16:8:33$salt$" + "00" * 64,
    "scrypt exponent": "$scrypt$ln=32,r=8,p=1$" + salt_and_digest(32),
    "not ASCII": "pbkdf2_sha256$1000$sält$" + base64.b64encode(bytes(32)).decode(),
    "digits of another script": "pbkdf2_sha256$１０００$salt$" + base64.b64encode(bytes(32)).decode(),
    "line break at the end": FOREIGN[0]["hash"] + "\n",
    "too long": "pbkdf2_sha256$1000$salt$" + "A" * 600,
}


@pytest.mark.parametrize("stored", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_hash_fits_no_password(stored: str) -> None:
    """What cannot be read, or asks for too much, is reported to the importer and fits nothing."""
    assert not formats.is_usable(stored)
    assert not HASHER.verify(stored, "password")


@pytest.mark.parametrize("vector", FOREIGN, ids=lambda vector: vector["made_by"])
def test_settings_stand_alone(vector: dict[str, str]) -> None:
    """The recipe can be read back from the settings alone, with the length of the digest."""
    known = formats.read(vector["hash"])
    assert known is not None
    recipe, digest = known

    again = formats.read_settings(recipe.settings, len(digest))

    assert again is not None
    assert (again.scheme, again.parameters) == (recipe.scheme, recipe.parameters)
    assert again.derive(vector["password"].encode(), len(digest)) == digest


def test_settings_with_a_part_of_a_digest_are_refused() -> None:
    """Settings are everything but the digest, exactly."""
    assert formats.read_settings("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AA", 32) is None


def test_bcrypt_padding_bits_do_not_matter() -> None:
    """Old libraries filled the unused bits of the salt at random; the hash is the same."""
    canonical = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
    padded = canonical[:28] + "B" + canonical[29:]

    assert padded != canonical
    assert HASHER.verify(padded, "U*U")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    """Whatever is in the column, reading it raises nothing."""
    known = formats.read(text)

    assert known is None or known[0].work >= 0


@settings(deadline=None)
@given(st.data())
def test_damaged_hash_is_read_without_an_error(data: st.DataObject) -> None:
    """A real hash with some characters exchanged is either usable within the bounds or not usable."""
    stored = data.draw(st.sampled_from(FOREIGN))["hash"]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stored) - 1))
        stored = stored[:at] + data.draw(st.sampled_from("0123456789$=,:.+/AZaz-\x00é")) + stored[at + 1 :]

    known = formats.read(stored)

    assert known is None or known[0].work < 10_000_000


@pytest.mark.parametrize("parameters", ["ln=40,r=8,p=1", "ln=24,r=8,p=1", "ln=14,r=64,p=1", "ln=14,r=8,p=2"])
def test_firebase_beyond_the_bounds_is_not_read(parameters: str) -> None:
    """Its scrypt is bounded like any other, and knows no parallelism."""
    digest = base64.b64encode(bytes(64)).decode()

    assert formats.read(f"$firebase-scrypt${parameters}$c2FsdHNhbHQ$" + digest) is None
