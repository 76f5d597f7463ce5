"""The key id as attacker's input (rows 4, 5 and 38): a name in a dictionary and nothing else."""

import pytest

from doorward.jose.keys import KeySet, SigningKey, VerifyingKey
from tests.jose.forge import header, key_set, refused, signing_key, token

HOSTILE = [
    "",
    "../../../../dev/null",
    "/dev/null",
    "..\\..\\nul",
    "x' OR '1'='1",
    "x'; DROP TABLE signing_key; --",
    "*)(uid=*))(|(uid=*",
    "|sleep 10",
    "$(id)",
    "key\u0000",
    "\u0000",
    "a" * 65,
    "a" * 700,
    "http://attacker.example/key",
    "kid\n",
    " kid",
    "k\u0456d",
    "ｋｉｄ",
    "\u202ekid",
]


@pytest.mark.parametrize("kid", HOSTILE)
def test_a_hostile_kid_is_refused_by_its_form(kid: str) -> None:
    """Row 4: traversal, SQL, LDAP, commands, NUL, length, look-alikes: none of them is looked up."""
    assert refused(token(header(kid=kid))) == "header members"


@pytest.mark.parametrize("kid", [..., None, 1, 1.5, True, [], ["a"], {}, {"kid": "a"}])
def test_a_kid_that_is_no_text_is_refused(kid: object) -> None:
    """Row 4: absent, null, a number, a list, an object; the last two cannot even be looked up in a dictionary."""
    assert refused(token(header(kid=kid))) == "header members"


@pytest.mark.parametrize("kid", HOSTILE)
def test_a_key_with_a_hostile_kid_cannot_be_made(kid: str) -> None:
    """Row 4, the other side: such an id cannot be configured either."""
    with pytest.raises(ValueError, match="kid"):
        VerifyingKey.from_jwk({**signing_key().public.to_jwk(), "kid": kid})


def test_a_kid_without_a_key_is_refused_without_trying_the_others() -> None:
    """Row 5: the signature would fit a key of the set, and nobody looks."""
    assert refused(token(header(kid="unknown"))) == "key"


def test_a_kid_of_another_key_is_refused() -> None:
    """Row 5: one key is tried, the one that is named."""
    other = SigningKey.generate("ES256")
    both = KeySet([other.public, signing_key().public])

    assert refused(token(header(kid=other.kid)), both) == "signature"


def test_a_kid_is_compared_with_its_letter_case() -> None:
    """Row 4: an id is not a name for people."""
    assert refused(token(header(kid=signing_key().kid.swapcase()))) == "key"


def test_a_set_with_one_kid_twice_is_a_configuration_error() -> None:
    """Row 5, JWK vector 4: which of the two would be meant?"""
    twin = VerifyingKey.from_jwk({**SigningKey.generate("ES256").public.to_jwk(), "kid": signing_key().kid})

    with pytest.raises(ValueError, match="share a kid"):
        KeySet([signing_key().public, twin])


def test_a_flood_of_unknown_kids_leaves_nothing_behind() -> None:
    """Row 38: nothing is fetched, and the set is what it was."""
    before = list(key_set())

    for number in range(1000):
        assert refused(token(header(kid=f"unknown-{number}"), signature=bytes(64))) == "key"

    assert list(key_set()) == before
