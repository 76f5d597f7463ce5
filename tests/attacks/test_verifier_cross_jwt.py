"""Using a token of another kind as an access token (``security.md`` rows 17, 18 and 43; next-auth CVE-2023-48309)."""

import pytest

from doorward.errors import InvalidToken
from tests.verify.parties import Issuer

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
