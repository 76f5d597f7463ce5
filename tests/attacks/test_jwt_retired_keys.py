"""Keys that were taken out of the set (row 44; Zitadel CVE-2025-31123)."""

from doorward.jose.keys import KeySet, SigningKey
from tests.jose.forge import accepted, header, refused, token


def test_a_rotation_leaves_the_old_key_verifying_until_it_is_taken_out() -> None:
    """Staged, active and verify-only are all in the set; retired is not."""
    old, new = SigningKey.generate("ES256"), SigningKey.generate("ES256")
    signed = token(header(old), key=old)

    assert accepted(signed, KeySet([old.public]))
    assert accepted(signed, KeySet([old.public, new.public]))
    assert refused(signed, KeySet([new.public])) == "key"


def test_a_retired_key_is_not_remembered_from_an_earlier_token() -> None:
    """Also after a token of it has been verified in the same process."""
    old, new = SigningKey.generate("ES256"), SigningKey.generate("ES256")
    signed = token(header(old), key=old)
    for _ in range(3):
        assert accepted(signed, KeySet([old.public, new.public]))

    assert refused(signed, KeySet([new.public])) == "key"


def test_a_new_key_under_the_id_of_an_old_one_is_another_key() -> None:
    """An id is a name, and the signature must fit what bears it now."""
    old = SigningKey.generate("ES256")
    signed = token(header(old), key=old)
    usurper = type(old.public).from_jwk({**SigningKey.generate("ES256").public.to_jwk(), "kid": old.kid})

    assert refused(signed, KeySet([usurper])) == "signature"
