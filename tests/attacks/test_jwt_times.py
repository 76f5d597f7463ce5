"""Tokens that never end, or not yet begin (rows 33 to 36; PyPI audit finding TOB-PYPI26-1)."""

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.jwt import check_times, text_claim
from tests.jose.forge import NOW, TYPE, claims, key_set, token

LEEWAY = 30
LIFETIME = 600


def times(now: int = NOW, leeway: int = LEEWAY, **changes: object) -> tuple[int, int]:
    """Check the times of claims that hold at ``NOW`` but for the changes."""
    return check_times(claims(**changes), now=now, leeway=leeway, max_lifetime=LIFETIME)


def why_not(now: int = NOW, leeway: int = LEEWAY, **changes: object) -> str:
    """Assert that the times are refused, and tell the reason."""
    with pytest.raises(InvalidToken) as caught:
        times(now, leeway, **changes)
    return caught.value.why


@pytest.mark.parametrize(
    "number",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"9" * 5000,
        b"9007199254740992",
        b"-9007199254740992",
        b"1_0",
        b"0x10",
        b"01",
        b"+1",
        b".5",
        b"1.",
    ],
)
def test_a_number_that_is_none_is_not_read(number: bytes) -> None:
    """Row 33: comparisons with NaN are false, 1e999 is infinite, and 5000 digits stop Python."""
    body = b'{"exp":' + number + b"}"

    with pytest.raises(InvalidToken) as caught:
        jwt.decode(token(body=body), key_set(), typ=TYPE)

    assert caught.value.why == "payload"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [True, False, "1800000000", -1, 1.8e9, float("inf"), None, [], {}, [NOW], 2**53])
def test_a_time_that_is_no_whole_number_is_refused(name: str, value: object) -> None:
    """Row 33: truth values, texts, fractions, negatives, and what is beyond any calendar."""
    assert why_not(**{name: value}) == f"claim {name}"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_required_time_cannot_be_left_out(name: str) -> None:
    """Row 34: a token without an end is refused, and so is one without a beginning."""
    assert why_not(**{name: ...}) == f"claim {name}"


def test_a_token_ends_with_its_expiry_and_the_leeway() -> None:
    """Rows 34 and 35: exp−1, exp, exp+leeway−1 and exp+leeway; the last is refused (RFC 7519 §4.1.4: before)."""
    exp = NOW + LIFETIME

    assert times(now=exp - 1, leeway=0) == (NOW, exp)
    assert why_not(now=exp, leeway=0) == "expired"
    assert times(now=exp + LEEWAY - 1) == (NOW, exp)
    assert why_not(now=exp + LEEWAY) == "expired"
    assert why_not(now=exp + LEEWAY + 1) == "expired"


def test_a_token_may_come_from_a_clock_that_is_ahead_by_the_leeway() -> None:
    """Row 34: iat at now+leeway, and one second later."""
    assert times(now=NOW - LEEWAY) == (NOW, NOW + LIFETIME)
    assert why_not(now=NOW - LEEWAY - 1) == "issued in the future"


def test_a_token_that_does_not_hold_yet_is_refused() -> None:
    """Row 34: nbf at now+leeway, and one second later."""
    assert times(nbf=NOW + LEEWAY) == (NOW, NOW + LIFETIME)
    assert why_not(nbf=NOW + LEEWAY + 1) == "not yet valid"


@pytest.mark.parametrize("lifetime", [LIFETIME + 1, 86_400, 2**50])
def test_a_token_that_lives_too_long_is_refused(lifetime: int) -> None:
    """Row 34: our own signature does not make a token immortal."""
    assert why_not(exp=NOW + lifetime) == "lifetime"


@pytest.mark.parametrize("exp", [NOW, NOW - 1])
def test_a_token_that_ends_before_it_begins_is_refused(exp: int) -> None:
    """Row 34: also within the leeway."""
    assert why_not(exp=exp) == "lifetime"


def test_a_token_of_1970_is_expired() -> None:
    """Row 33: zero is a time like others."""
    assert why_not(iat=0, exp=0) == "expired"


def test_a_leeway_of_a_minute_is_the_longest() -> None:
    """Row 35: 60 seconds."""
    assert times(now=NOW + LIFETIME + 59, leeway=60) == (NOW, NOW + LIFETIME)


@pytest.mark.parametrize("leeway", [-1, 61, 10**9])
def test_a_leeway_beyond_a_minute_is_a_defect_of_the_caller(leeway: int) -> None:
    """Row 35: it is not a refusal of the token."""
    with pytest.raises(ValueError, match="leeway"):
        times(leeway=leeway)


@pytest.mark.parametrize("jti", [..., None, "", 1, True, [], {}, "a" * 129, "a\u0000b", "ключ"])
def test_a_token_id_that_cannot_be_remembered_is_refused(jti: object) -> None:
    """Row 36: absent, of another type, or without bound."""
    with pytest.raises(InvalidToken) as caught:
        text_claim(claims(jti=jti), "jti")

    assert caught.value.why == "claim jti"


def test_a_token_id_of_the_longest_form_is_accepted() -> None:
    """Row 36: 128 characters."""
    assert text_claim(claims(jti="a" * 128), "jti") == "a" * 128
