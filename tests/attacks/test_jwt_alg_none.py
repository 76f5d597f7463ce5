"""`alg: none` and its spellings (security table, row 1; Authlib CVE-2026-28802)."""

from itertools import product

import pytest

from tests.jose.forge import header, refused, signing_key, token

SPELLINGS = ["".join(letters) for letters in product(*((c, c.upper()) for c in "none"))]


@pytest.mark.parametrize("alg", SPELLINGS)
@pytest.mark.parametrize("signature", [b"", None], ids=["unsigned", "signed"])
def test_every_spelling_of_none_is_refused(alg: str, signature: bytes | None) -> None:
    """Whatever the letter case, and even over a signature that is good."""
    forged = token(header(alg=alg), signature=signature)

    assert refused(forged) == "algorithm"


@pytest.mark.parametrize("alg", ["", "none ", " none", "none\u0000", "nоne", "null", "plaintext"])
def test_words_that_look_like_none_are_refused(alg: str) -> None:
    """Spaces, NUL, a Cyrillic letter: the name is compared exactly."""
    assert refused(token(header(alg=alg))) == "algorithm"


@pytest.mark.parametrize("alg", [..., None, True, 0, [], ["ES256"], {"ES256": 1}])
def test_an_algorithm_that_is_no_text_is_refused(alg: object) -> None:
    """Absent, null, a number, a list: there is no default."""
    assert refused(token(header(alg=alg))) == "header members"


def test_an_empty_signature_is_refused_under_every_algorithm() -> None:
    """The right header does not help a token without a signature."""
    for algorithm in ("ES256", "EdDSA", "RS256"):
        key = signing_key(algorithm)

        assert refused(token(key=key, signature=b"")) == "signature"
