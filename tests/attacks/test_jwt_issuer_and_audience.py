"""Tokens of other issuers and for other readers (rows 19 to 22; PyJWT CVE-2024-53861, Storm-0558)."""

import pytest

from doorward.errors import InvalidToken
from doorward.jose.jwt import check_audience, check_issuer, decode, encode, text_claim
from doorward.jose.keys import KeySet, SigningKey
from tests.jose.forge import AUDIENCE, ISSUER, TYPE, claims, refused


def why_not(check: object, *arguments: object) -> str:
    """Assert that a check refuses, and tell the reason."""
    with pytest.raises(InvalidToken) as caught:
        check(*arguments)  # type: ignore[operator]
    return caught.value.why


@pytest.mark.parametrize(
    "iss",
    [
        ...,
        None,
        "",
        "https://auth",
        "https://auth.example/",
        "https://auth.example.attacker.example",
        "http://auth.example",
        "HTTPS://AUTH.EXAMPLE",
        "https://auth.example ",
        "https://auth.еxample",
        ["https://auth.example"],
        {"https://auth.example": 1},
        0,
        True,
    ],
)
def test_an_issuer_that_is_not_exactly_ours_is_refused(iss: object) -> None:
    """Row 19: prefixes, slashes, letter case, homoglyphs, lists, numbers."""
    assert why_not(check_issuer, claims(iss=iss), ISSUER) == "issuer"


def test_the_exact_issuer_is_accepted() -> None:
    """Row 19: and nothing is returned that could be forgotten."""
    check_issuer(claims(), ISSUER)


@pytest.mark.parametrize(
    "aud",
    [
        ...,
        None,
        "",
        [],
        "*",
        ["*"],
        "https://api",
        "https://api.example/",
        "https://api.example.attacker.example",
        "https://other.example https://api.example",
        "https://other.example,https://api.example",
        ["https://other.example"],
        [["https://api.example"]],
        ["https://api.example", None],
        ["https://api.example", 1],
        {"https://api.example": 1},
        {"aud": "https://api.example"},
        1,
        True,
        ["https://api.example"] * 17,
    ],
)
def test_an_audience_without_us_is_refused(aud: object) -> None:
    """Row 20: absent, empty, partial, nested, mixed, endless."""
    assert why_not(check_audience, claims(aud=aud), AUDIENCE) == "audience"


@pytest.mark.parametrize(
    "aud", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE], ["https://other.example"] * 15 + [AUDIENCE]]
)
def test_an_audience_with_us_is_accepted(aud: object) -> None:
    """Row 20: a text, or a list in which we stand (RFC 7519 §4.1.3)."""
    check_audience(claims(aud=aud), AUDIENCE)


@pytest.mark.parametrize(
    "sub", [..., None, "", 1, True, ["a"], {"a": 1}, "a" * 129, "a\u0000", "a\n", "аdmin", "\u202ea"]
)
def test_a_subject_that_is_no_plain_text_is_refused(sub: object) -> None:
    """Rows 21 and 32: no look-alikes, no control characters, no other type."""
    assert why_not(text_claim, claims(sub=sub), "sub") == "claim sub"


def test_keys_of_one_issuer_do_not_answer_for_another() -> None:
    """Row 22: a set belongs to one issuer; the matrix of two issuers is empty but for its diagonal."""
    keys = {issuer: SigningKey.generate("ES256") for issuer in ("https://a.example", "https://b.example")}
    sets = {issuer: KeySet([key.public]) for issuer, key in keys.items()}

    for signer, key in keys.items():
        for claimed in keys:
            signed = encode(claims(iss=claimed), key, typ=TYPE)
            for reader, known in sets.items():
                if reader != signer:
                    assert refused(signed, known) == "key"
                elif claimed != reader:
                    assert why_not(check_issuer, decode(signed, known, typ=TYPE).claims, reader) == "issuer"
                else:
                    check_issuer(decode(signed, known, typ=TYPE).claims, reader)
