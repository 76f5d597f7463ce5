"""Hashes made here: their form, their parameters, and the pepper around them."""

import base64

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import HashingError
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.core.secret import Secret
from doorward.errors import Misconfigured, Overloaded
from doorward.passwords import formats
from doorward.passwords.hashing import MAX_PASSWORD_BYTES, Hasher
from doorward.settings import Passwords

OLD, NEW, OTHER = Secret("o" * 32), Secret("n" * 32), Secret("x" * 32)
DJANGO = "pbkdf2_sha256$1000$NaCl4Tests9$oW0YuX5XSirQGyxUzmTdLAxLkKbonAzK8NbkiD2u7f0="
DJANGO_PASSWORD = "correct horse battery staple"


def hasher(*pepper: Secret, memory: int = 64, iterations: int = 1) -> Hasher:
    """A hasher that is quick because it is weak."""
    return Hasher(Passwords(argon2_memory=memory, argon2_iterations=iterations, pepper=pepper))


def bcrypt_hasher(*pepper: Secret, cost: int = 4) -> Hasher:
    """The same for bcrypt."""
    return Hasher(Passwords(algorithm="bcrypt", bcrypt_cost=cost, pepper=pepper))


BOTH = pytest.mark.parametrize("made", [hasher, bcrypt_hasher], ids=["argon2id", "bcrypt"])


def test_default_parameters_are_those_of_owasp() -> None:
    """Argon2id, 19 MiB, two passes, one lane, a salt of 16 bytes and a digest of 32."""
    stored = Hasher(Passwords()).hash("password")

    kind, version, parameters, salt, digest = stored.split("$")[1:]
    assert (kind, version, parameters) == ("argon2id", "v=19", "m=19456,t=2,p=1")
    assert (len(base64.b64decode(salt + "==")), len(base64.b64decode(digest + "="))) == (16, 32)


def test_argon2_cffi_verifies_our_hash() -> None:
    """The stored text is a PHC string that other software reads."""
    assert PasswordHasher().verify(hasher().hash("password"), "password")


def test_bcrypt_hash_has_the_cost_that_is_set() -> None:
    """And the identifier that all implementations read."""
    assert bcrypt_hasher(cost=5).hash("password").startswith("$2b$05$")


@BOTH
def test_password_fits_its_hash_and_another_does_not(made: type[Hasher]) -> None:
    """The one thing a hash is for."""
    one = made()

    stored = one.hash("pässword ☃")

    assert one.verify(stored, "pässword ☃")
    assert not one.verify(stored, "pässword ☄")
    assert not one.needs_rehash(stored, "pässword ☃")
    assert one.is_usable(stored)


@BOTH
def test_same_password_has_two_hashes(made: type[Hasher]) -> None:
    """Salts are fresh."""
    one = made()

    assert one.hash("password") != one.hash("password")


def test_salt_comes_from_the_given_entropy() -> None:
    """Chance is handed in, so a test can hold it."""
    one = Hasher(Passwords(argon2_memory=64, argon2_iterations=1), entropy=lambda size: b"s" * size)

    assert base64.b64encode(b"s" * 16).decode().rstrip("=") in one.hash("password")


@BOTH
@pytest.mark.parametrize("pepper", [(), (OLD,)], ids=["plain", "peppered"])
def test_decoy_is_of_current_parameters_and_fits_nothing(made: type[Hasher], pepper: tuple[Secret, ...]) -> None:
    """The decoy costs what a hash costs and lets nobody in."""
    one = made(*pepper)

    assert one.is_usable(one.decoy)
    assert not one.needs_rehash(one.decoy)
    assert not one.is_cheaper(one.decoy)
    assert not one.verify(one.decoy, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (hasher(), hasher(memory=128)),
        (hasher(memory=128), hasher()),
        (hasher(), hasher(iterations=2)),
        (hasher(), bcrypt_hasher()),
        (bcrypt_hasher(), hasher()),
        (bcrypt_hasher(), bcrypt_hasher(cost=5)),
        (hasher(), hasher(NEW)),
        (hasher(OLD), hasher(OLD, NEW)),
    ],
)
def test_hash_made_under_other_settings_still_verifies_and_is_due(before: Hasher, after: Hasher) -> None:
    """A change of settings never locks out; it is caught up with at the next log-in."""
    stored = before.hash("password")

    assert after.verify(stored, "password")
    assert after.needs_rehash(stored, "password")


def test_unusable_hash_is_due() -> None:
    """Nothing is worse than a hash that cannot be read."""
    assert hasher().needs_rehash("!")


def test_password_that_bcrypt_cannot_take_keeps_its_argon2_hash() -> None:
    """Who moves to bcrypt cannot rehash long passphrases; their owners keep logging in."""
    stored = hasher().hash("p" * 73)

    assert bcrypt_hasher().verify(stored, "p" * 73)
    assert not bcrypt_hasher().needs_rehash(stored, "p" * 73)


@pytest.mark.parametrize("password", ["x" * (MAX_PASSWORD_BYTES + 1), "é" * 2049, "\ud800"])
def test_impossible_password_is_refused(password: str) -> None:
    """Over 4096 bytes, or not even text: not hashed, and it fits nothing."""
    one = hasher()

    with pytest.raises(ValueError):
        one.hash(password)
    assert not one.verify(one.decoy, password)


def test_hash_within_the_byte_limit_is_made() -> None:
    """4096 bytes are still read to the last one."""
    one = hasher()

    stored = one.hash("x" * MAX_PASSWORD_BYTES)

    assert one.verify(stored, "x" * MAX_PASSWORD_BYTES)
    assert not one.verify(stored, "x" * (MAX_PASSWORD_BYTES - 1) + "y")


def test_settings_beyond_what_is_verified_stop_the_start() -> None:
    """A cost that no log-in could pay is found before the first hash is made."""
    with pytest.raises(Misconfigured, match="more work"):
        hasher(memory=1048576, iterations=64)


@pytest.mark.parametrize("failure", [HashingError("Memory allocation error"), MemoryError(), OSError()])
def test_no_memory_is_not_a_wrong_password(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the machine has no memory left the answer is "later", never "wrong"."""

    def fail(*_: object) -> bytes:
        raise failure

    one = hasher()
    monkeypatch.setattr(formats, "hash_secret_raw", fail)

    with pytest.raises(Overloaded) as refusal:
        one.verify(one.decoy, "password")
    assert refusal.value.retry_after == 1


@pytest.mark.parametrize(("one", "expected"), [(hasher(memory=19456), 19456 * 1024), (bcrypt_hasher(), 4096)])
def test_memory_of_one_hash_is_known(one: Hasher, expected: int) -> None:
    """So that the pool can say what it may take."""
    assert one.memory_bytes == expected


# -- the pepper -------------------------------------------------------------------------------------------------------


@BOTH
def test_peppered_hash_shows_its_parameters_and_key_but_not_the_digest(made: type[Hasher]) -> None:
    """Parameters stay readable; without the key nothing can be compared."""
    plain, peppered = made(), made(OLD)
    stored = plain.hash("password")

    wrapped = peppered.wrap(stored)

    known = formats.read(stored)
    assert known is not None
    assert wrapped.startswith("$doorward-pepper$k=")
    assert wrapped.endswith("$" + known[0].settings)
    assert stored[len(known[0].settings) :] not in wrapped


@pytest.mark.parametrize(
    "stored",
    [hasher().hash(DJANGO_PASSWORD), bcrypt_hasher().hash(DJANGO_PASSWORD), DJANGO],
    ids=["argon2id", "bcrypt", "pbkdf2"],
)
def test_any_hash_can_be_wrapped_without_its_password(stored: str) -> None:
    """A pepper can be put around every row of a database at once, also around imported ones."""
    one = hasher(NEW)

    wrapped = one.wrap(stored)

    assert one.verify(wrapped, DJANGO_PASSWORD)
    assert not one.verify(wrapped, DJANGO_PASSWORD + "!")


def test_wrapping_again_chains_the_keys_and_rehash_forgets_the_old() -> None:
    """Rotation: first a second layer around all, then each log-in replaces both by the newest alone."""
    stored = hasher(OLD).hash("password")
    both = hasher(OLD, NEW)

    wrapped = both.wrap(stored)

    assert both.verify(wrapped, "password")
    assert both.needs_rehash(wrapped, "password")
    assert not hasher(NEW).verify(wrapped, "password")
    assert hasher(NEW).verify(both.hash("password"), "password")


@pytest.mark.parametrize("one", [hasher(), hasher(NEW)], ids=["without pepper", "with pepper"])
def test_wrapping_changes_nothing_where_it_must_not(one: Hasher) -> None:
    """Without a pepper, a second time, or around nothing usable."""
    stored = one.hash("password")

    assert one.wrap(stored) == stored
    assert one.wrap("!") == "!"


@pytest.mark.parametrize("other", [hasher(), hasher(OTHER)], ids=["without pepper", "with another"])
def test_unknown_pepper_fits_nothing(other: Hasher) -> None:
    """The key id is not in the ring: no password fits, and the importer is told."""
    stored = hasher(OLD).hash("password")

    assert not other.verify(stored, "password")
    assert not other.is_usable(stored)


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: stored.replace("l=32", "l=33"),
        lambda stored: stored.replace("l=32", "l=999"),
        lambda stored: stored.replace("$$argon2id", "$argon2id"),
        lambda stored: stored.replace("k=", "k=zz"),
        lambda stored: stored[:-1],
        lambda stored: stored + "AA",
        lambda stored: stored.replace("$$argon2id", "$$argon2i"),
    ],
)
def test_damaged_pepper_fits_nothing(damage: object) -> None:
    """A wrapped hash is read strictly."""
    one = hasher(OLD)
    stored = one.hash("password")

    damaged = damage(stored)  # type: ignore[operator]

    assert damaged != stored
    assert not one.verify(damaged, "password")


@settings(deadline=None)
@given(st.text(max_size=100))
def test_any_text_behind_the_mark_is_read_without_an_error(text: str) -> None:
    """Whatever follows ``$doorward-pepper$``."""
    assert not hasher(OLD).verify("$doorward-pepper$" + text, "password")


# -- equal cost -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "cheaper"),
    [
        (DJANGO, True),
        ("unusable", True),
        ("$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", False),
        ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$" + "A" * 43, False),
        ("$argon2id$v=19$m=19456,t=1,p=1$c29tZXNhbHQ$" + "A" * 43, True),
        ("pbkdf2_sha256$600000$salt$" + "A" * 43 + "=", False),
    ],
)
def test_cheaper_hashes_are_known(stored: str, cheaper: bool) -> None:
    """A log-in against them is topped up, so that it takes as long as any other."""
    assert Hasher(Passwords()).is_cheaper(stored) is cheaper
