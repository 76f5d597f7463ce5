"""JWT: claims in, claims out, and the readers of single claims."""

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from tests.jose.forge import ALGORITHMS, NOW, TYPE, claims, key_set, signing_key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_claims_survive(algorithm: str) -> None:
    """Texts beyond ASCII, lists, objects, numbers and null."""
    key = signing_key(algorithm)
    said = claims(
        name="Zoë \N{DOOR}", amr=["pwd"], nested={"a": [1, 1.5, None, True]}, big=2**53 - 1, small=-(2**53) + 1
    )

    read = jwt.decode(jwt.encode(said, key, typ=TYPE), key_set(), typ=TYPE)

    assert read == jwt.Token(said, key.kid)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "\ud800"])
def test_claims_that_nobody_could_read_are_not_signed(value: object) -> None:
    """NaN, infinities, lone surrogates."""
    with pytest.raises(ValueError):
        jwt.encode(claims(x=value), signing_key(), typ=TYPE)


def test_decoding_does_not_ask_for_the_time() -> None:
    """An expired token decodes; the checks are separate, and each is owed."""
    expired = jwt.encode(claims(exp=1, iat=0), signing_key(), typ=TYPE)

    assert jwt.decode(expired, key_set(), typ=TYPE).claims["exp"] == 1


def test_the_times_are_returned() -> None:
    """So that nobody reads them from the claims again."""
    assert jwt.check_times(claims(nbf=NOW), now=NOW, leeway=0, max_lifetime=600) == (NOW, NOW + 600)


def test_a_text_is_returned() -> None:
    """At most as long as it may be."""
    assert jwt.text_claim({"a": "abc"}, "a", max_length=3) == "abc"
    with pytest.raises(InvalidToken):
        jwt.text_claim({"a": "abcd"}, "a", max_length=3)


def test_an_optional_text_may_be_absent_and_not_null() -> None:
    """Absent is None; null is a text of a wrong type."""
    assert jwt.optional_text_claim({}, "a") is None
    assert jwt.optional_text_claim({"a": "x"}, "a") == "x"
    with pytest.raises(InvalidToken) as caught:
        jwt.optional_text_claim({"a": None}, "a")
    assert caught.value.why == "claim a"


@pytest.mark.parametrize(
    ("value", "expected"), [([], ()), (["pwd"], ("pwd",)), (["pwd", "otp"], ("pwd", "otp")), (["a"] * 64, ("a",) * 64)]
)
def test_a_list_of_texts_is_returned(value: object, expected: tuple[str, ...]) -> None:
    """As a tuple, so that it can be kept."""
    assert jwt.texts_claim({"amr": value}, "amr") == expected


def test_an_absent_list_of_texts_is_empty() -> None:
    """Nobody has a role that is not said."""
    assert jwt.texts_claim({}, "roles") == ()


@pytest.mark.parametrize("value", [None, "pwd", {"pwd": 1}, [1], [None], [""], ["a\n"], [["pwd"]], ["a"] * 65])
def test_what_is_no_list_of_texts_is_refused(value: object) -> None:
    """Null, a text, an object, other elements, too many."""
    with pytest.raises(InvalidToken) as caught:
        jwt.texts_claim({"amr": value}, "amr")

    assert caught.value.why == "claim amr"
