"""Using a token of another kind as an access token (``security.md`` rows 17, 18 and 43; next-auth CVE-2023-48309)."""

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.verify.page import FEED_TYPE, read_page
from tests.verify.parties import ISSUER, NOW, Issuer

PARTY = Issuer()


@pytest.mark.parametrize(
    "typ",
    [
        "jwt",
        "id+jwt",
        "logout+jwt",
        "dpop+jwt",
        "rt+jwt",
        "state+jwt",
        "statuslist+jwt",
        "secevent+jwt",
        "revocations+jwt",
        "at",
        "at+jws",
    ],
)
def test_another_kind_of_token_is_no_access_token(typ: str) -> None:
    """Same key, same issuer, same claims: the type decides."""
    with pytest.raises(InvalidToken):
        PARTY.verifier().check(PARTY.token(typ=typ))


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": ..., "client_id": ..., "nonce": "x"},
        {"events": {}, "exp": ...},
        {"jti": ...},
        {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
    ],
)
def test_the_claims_of_another_kind_are_no_access_token(changes: dict[str, object]) -> None:
    """Should an issuer ever type one wrongly, what is missing or too much refuses it."""
    with pytest.raises(InvalidToken):
        PARTY.verifier().check(PARTY.token(**changes))


@pytest.mark.parametrize("typ", ["at+jwt", "jwt", "id+jwt", "logout+jwt", "statuslist+jwt", "revocations"])
def test_another_kind_of_token_is_no_feed(typ: str) -> None:
    """The reverse: what is signed by the same key, with the claims of a feed, but is not typed as one."""
    claims = {"iss": ISSUER, "after": "0", "cursor": "c1", "issued_at": NOW, "entries": []}
    assert read_page(jwt.encode(claims, PARTY.key, typ=FEED_TYPE), PARTY.keys, issuer=ISSUER)

    with pytest.raises(InvalidToken):
        read_page(jwt.encode(claims, PARTY.key, typ=typ), PARTY.keys, issuer=ISSUER)


def test_a_feed_with_the_claims_of_an_access_token_is_none() -> None:
    """The type alone decides, in both directions; and only a feed may be as long as one."""
    both = PARTY.claims(after="0", cursor="c1", issued_at=NOW, entries=[])
    long = PARTY.claims(roles=["x" * 100] * 60, extra="y" * 8000)

    with pytest.raises(InvalidToken):
        PARTY.verifier().check(jwt.encode(both, PARTY.key, typ=FEED_TYPE))
    with pytest.raises(InvalidToken):
        read_page(jwt.encode(both, PARTY.key, typ="at+jwt"), PARTY.keys, issuer=ISSUER)
    with pytest.raises(ValueError, match="too long"):
        jwt.encode(long, PARTY.key, typ="at+jwt")
    with pytest.raises(InvalidToken):
        PARTY.verifier().check(jwt.encode(long, PARTY.key, typ=FEED_TYPE))
