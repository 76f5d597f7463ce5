"""Switches that turn verification off (row 37; PyJWT GHSA-gvp8-978c-rx2q): there are none to find."""

import inspect

import pytest

from doorward.jose import jws, jwt
from doorward.jose.keys import KeySet, SigningKey, VerifyingKey
from tests.jose.forge import ALGORITHMS, key_set, refused, signing_key, token


@pytest.mark.parametrize("function", [jws.verify, jwt.decode])
def test_verification_has_no_options(function: object) -> None:
    """The whole interface: a token, the keys, the type that is wanted."""
    assert list(inspect.signature(function).parameters) == ["token", "keys", "typ"]  # type: ignore[arg-type]


def test_a_key_takes_no_options() -> None:
    """A message and a signature: no algorithm, no hash, no curve."""
    assert list(inspect.signature(VerifyingKey.verify).parameters) == ["self", "message", "signature"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_cannot_be_changed(algorithm: str) -> None:
    """What was checked when it was loaded stays what it was."""
    key = signing_key(algorithm)
    for frozen, name in ((key, "public"), (key, "_private"), (key.public, "kid"), (key.public, "_public")):
        with pytest.raises(AttributeError):
            setattr(frozen, name, None)
    with pytest.raises(AttributeError):
        key.public._public.key = None  # type: ignore[misc]


def test_a_set_of_keys_cannot_be_changed_through_what_it_was_made_of() -> None:
    """The list is read once, and what is written for publication is a copy."""
    listed = [signing_key().public]
    keys = KeySet(listed)
    listed.clear()
    keys.to_jwks()["keys"].clear()

    assert len(keys) == 1


def test_an_empty_set_of_keys_believes_nobody() -> None:
    """No key means no, and not anything goes."""
    assert refused(token(), KeySet([])) == "key"


def test_a_header_that_was_read_before_is_verified_again() -> None:
    """Reading a header is remembered; believing it is not."""
    genuine = token()
    assert jws.verify(genuine, key_set(), typ="at+jwt")
    signing_input, _, _ = genuine.rpartition(".")

    assert refused(f"{signing_input}.{'A' * 86}") == "signature"
    assert refused(genuine, KeySet([SigningKey.generate("ES256").public])) == "key"
    assert refused(genuine, typ="logout+jwt") == "type"
