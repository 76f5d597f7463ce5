"""A token of one kind used as another (rows 17 and 18; next-auth CVE-2023-48309)."""

from itertools import permutations

import pytest

from doorward.jose import jwt
from tests.jose.forge import accepted, claims, header, key_set, refused, signing_key, token

KINDS = ["at+jwt", "JWT".lower(), "logout+jwt", "dpop+jwt", "reset+jwt", "state+jwt", "revocations+jwt"]


@pytest.mark.parametrize(("made", "asked"), list(permutations(KINDS, 2)))
def test_a_token_of_one_kind_never_passes_as_another(made: str, asked: str) -> None:
    """Row 17: same issuer, same key, same claims; only the type differs, and it decides."""
    other = jwt.encode(claims(), signing_key(), typ=made)

    assert accepted(other, typ=made)
    assert refused(other, typ=asked) == "type"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+JWT"])
def test_the_names_that_rfc_7515_makes_equal_are_equal(typ: str) -> None:
    """Row 18: media types have no letter case, and application/ may be left out (§4.1.9)."""
    assert accepted(token(header(typ=typ)))


@pytest.mark.parametrize(
    "typ",
    [
        "",
        "jwt",
        "JWT",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt;x",
        "at+jwt; charset=utf-8",
        "application/application/at+jwt",
        "application/",
        "/at+jwt",
        "text/at+jwt",
        "at+jwt\u0000",
        "at+jwt,id+jwt",
        "at+jwts",
        "аt+jwt",
        "at+\u212ajwt",
        "at%2Bjwt",
    ],
)
def test_names_that_nearly_are_the_type_are_refused(typ: str) -> None:
    """Row 18: parameters, spaces, lists, homoglyphs, other trees."""
    assert refused(token(header(typ=typ))) == "type"


def test_a_letter_whose_lower_case_is_ascii_is_refused() -> None:
    """Row 18: the Kelvin sign becomes k in lower case, and must not become a type."""
    assert refused(token(header(typ="\u212aind")), typ="kind") == "type"


@pytest.mark.parametrize("typ", [..., None, 1, ["at+jwt"], {"at+jwt": 1}])
def test_a_type_that_is_no_text_is_refused(typ: object) -> None:
    """Row 18: absent, null, a list."""
    assert refused(token(header(typ=typ))) == "header members"


@pytest.mark.parametrize("typ", ["", "AT+JWT", "application/at+jwt", "at jwt", "at+jwt\n", "a" * 65, "ät"])
def test_a_token_of_an_unclear_type_cannot_be_made(typ: str) -> None:
    """Row 17, the other side: one spelling for each kind, so that the kinds stay apart."""
    with pytest.raises(ValueError, match="typ"):
        jwt.encode(claims(), signing_key(), typ=typ)


def test_the_key_set_answers_for_every_kind() -> None:
    """Row 17: it is the type that separates, so the verifier has no default for it."""
    with pytest.raises(TypeError):
        jwt.decode(token(), key_set())  # type: ignore[call-arg]
