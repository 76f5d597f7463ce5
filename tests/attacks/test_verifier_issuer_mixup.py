"""Using the keys of one issuer to speak for another (``security.md`` rows 19, 22; Storm-0558)."""

import pytest

from doorward.errors import InvalidToken
from doorward.jose.keys import SigningKey
from doorward.verify import Verifier
from tests.verify.parties import Clock, Issuer

ONE = Issuer("https://one.example")
TWO = Issuer("https://two.example")
ISSUERS = [ONE, TWO]


@pytest.mark.parametrize("verified_by", ISSUERS, ids=lambda issuer: issuer.name)
@pytest.mark.parametrize("claimed", ISSUERS, ids=lambda issuer: issuer.name)
@pytest.mark.parametrize("signed_by", ISSUERS, ids=lambda issuer: issuer.name)
def test_issuer_and_key_must_belong_together(verified_by: Issuer, claimed: Issuer, signed_by: Issuer) -> None:
    """The two-issuer matrix: one combination in four is believed by each verifier."""
    verifier = verified_by.verifier(audience="https://api.example")
    token = signed_by.token(iss=claimed.name, aud="https://api.example")

    if verified_by is claimed is signed_by:
        assert verifier.check(token).subject == "acc_one"
    else:
        with pytest.raises(InvalidToken):
            verifier.check(token)


def test_the_same_key_id_at_another_issuer_is_another_key() -> None:
    """An issuer that copies a key id gains nothing."""
    jwk = TWO.key.public.to_jwk() | {"kid": ONE.key.kid}
    confused = Verifier(issuer=TWO.name, audience=ONE.name, keys={"keys": [jwk]}, clock=Clock())

    with pytest.raises(InvalidToken):
        confused.check(ONE.token())
    with pytest.raises(InvalidToken):
        confused.check(ONE.token(iss=TWO.name))


def test_one_key_of_two_issuers_is_told_apart_by_the_issuer() -> None:
    """Should two instances share a key by mistake, ``iss`` still decides (RFC 9068 section 4)."""
    key = SigningKey.generate("ES256")
    one, two = Issuer("https://one.example", key), Issuer("https://two.example", key)

    with pytest.raises(InvalidToken):
        one.verifier(audience="x").check(two.token(aud="x"))
