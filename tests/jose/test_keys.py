"""Typed keys and sets of them."""

import json

import pytest

from doorward.errors import InvalidToken
from doorward.jose.keys import MAX_KEYS, KeySet, SigningKey, VerifyingKey, is_kid
from tests.jose.forge import ALGORITHMS, key_set, signing_key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_key_signs_its_public_half_verifies(algorithm: str) -> None:
    """Over this message and over no other."""
    key = signing_key(algorithm)

    signature = key.sign(b"message")

    key.public.verify(b"message", signature)
    with pytest.raises(InvalidToken) as caught:
        key.public.verify(b"another", signature)
    assert caught.value.why == "signature"


@pytest.mark.parametrize(("algorithm", "length"), [("ES256", 64), ("EdDSA", 64), ("RS256", 384)])
def test_a_signature_has_the_length_of_its_algorithm(algorithm: str, length: int) -> None:
    """Raw r ‖ s, raw Ed25519, and as long as a modulus of 3072 bits."""
    assert len(signing_key(algorithm).sign(b"")) == length


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_survives_being_written_and_read(algorithm: str) -> None:
    """The private half as PKCS #8, the public half as a JWK."""
    key = signing_key(algorithm)

    again = SigningKey.from_pkcs8(key.to_pkcs8(), algorithm)
    public = VerifyingKey.from_jwk(key.public.to_jwk())

    public.verify(b"message", again.sign(b"message"))
    assert again.kid == key.kid == public.kid
    assert again.algorithm == key.algorithm == public.algorithm == algorithm


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        ("ES256", {"kty", "crv", "x", "y", "kid", "alg", "use"}),
        ("EdDSA", {"kty", "crv", "x", "kid", "alg", "use"}),
        ("RS256", {"kty", "n", "e", "kid", "alg", "use"}),
    ],
)
def test_a_published_key_has_public_members_only(algorithm: str, members: set[str]) -> None:
    """And exactly one use."""
    jwk = signing_key(algorithm).public.to_jwk()

    assert jwk.keys() == members
    assert jwk["use"] == "sig"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_shows_nothing_private(algorithm: str) -> None:
    """Neither when printed nor when an error prints it."""
    key = signing_key(algorithm)

    assert repr(key) == f"SigningKey(public=VerifyingKey(kid='{key.kid}'))"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_named_by_its_thumbprint(algorithm: str) -> None:
    """43 characters of base64url, another for every key."""
    assert is_kid(signing_key(algorithm).kid)
    assert len(signing_key(algorithm).kid) == 43
    assert len({key.kid for key in key_set()}) == 3


def test_members_that_mean_nothing_to_us_are_ignored() -> None:
    """RFC 7517 §4 asks for it."""
    jwk = {**signing_key().public.to_jwk(), "x5t": "AAAA", "exp": 1, "iat": None}

    assert VerifyingKey.from_jwk(jwk).to_jwk() == signing_key().public.to_jwk()


def test_a_key_without_use_or_with_key_ops_is_accepted() -> None:
    """Both members are optional (RFC 7517 §4.2, §4.3)."""
    jwk = signing_key().public.to_jwk()
    del jwk["use"]

    assert VerifyingKey.from_jwk(jwk).kid
    assert VerifyingKey.from_jwk({**jwk, "key_ops": ["verify"]}).kid


@pytest.mark.parametrize("kid", [None, 1, ["a"]])
def test_a_key_without_an_id_is_refused(kid: object) -> None:
    """It could not be found again."""
    with pytest.raises(ValueError, match="kid is missing"):
        VerifyingKey.from_jwk({**signing_key().public.to_jwk(), "kid": kid})


def test_a_set_survives_being_published() -> None:
    """What goes out as JSON comes in as the same set, in the same order."""
    published = json.loads(json.dumps(key_set().to_jwks()))

    again = KeySet.from_jwks(published)

    assert [key.kid for key in again] == [key.kid for key in key_set()]
    assert again.to_jwks() == key_set().to_jwks()
    assert len(again) == 3


def test_a_key_is_found_by_its_exact_id() -> None:
    """And nothing is found by another."""
    key = signing_key().public

    assert key_set().get(key.kid) is key
    assert key_set().get(key.kid[:-1]) is None
    assert key_set().get("") is None


@pytest.mark.parametrize(
    "jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": [None]}, {"keys": ["x"]}, {"keys": [{}] * 33}]
)
def test_what_is_no_set_is_refused(jwks: dict[str, object]) -> None:
    """No list, a list of other things, too many."""
    with pytest.raises(ValueError, match="keys is not a list of a few JWKs"):
        KeySet.from_jwks(jwks)


def test_one_bad_key_refuses_the_set() -> None:
    """A publisher that has made a mistake may have made two."""
    with pytest.raises(ValueError):
        KeySet.from_jwks({"keys": [signing_key().public.to_jwk(), {"kty": "EC"}]})


def test_a_set_is_bounded() -> None:
    """Thirty-two keys and no more."""
    many = [VerifyingKey(f"k{number}", signing_key().public._public) for number in range(MAX_KEYS + 1)]

    assert len(KeySet(many[:-1])) == MAX_KEYS
    with pytest.raises(ValueError, match="too many keys"):
        KeySet(many)
