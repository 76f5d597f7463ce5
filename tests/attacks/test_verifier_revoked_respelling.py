"""Spelling a revoked token in another way (``security.md`` rows 12 and 30, PyJWT CVE-2026-102269).

A denylist of raw tokens or of their hashes is beaten by the (r, n−s) twin of an ECDSA signature and by every sloppy
base64 reader. Here what is revoked is the session, the token id or the key.
"""

from typing import Any

import pytest

from doorward.errors import InvalidToken
from doorward.jose.spelling import base64url_decode, base64url_encode
from doorward.verify.model import digest
from tests.verify.parties import NOW, Issuer, RevocationSet

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PARTY = Issuer()


def twin(token: str) -> str:
    """Make the other valid signature over the same text: (r, n−s)."""
    signed, _, signature = token.rpartition(".")
    raw = base64url_decode(signature)
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{signed}.{base64url_encode(raw[:32] + s.to_bytes(32, 'big'))}"


def respellings(token: str) -> list[str]:
    """Spell the three segments as lenient readers would still accept them."""
    header, payload, signature = token.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return [
        token + "=",
        token + "==",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}=.{signature}",
        f"{header}.{payload}==.{signature}",
        token + "\n",
        " " + token,
        f"{header}.{payload}.\n{signature}",
        token.replace("-", "+").replace("_", "/") + "!",
        *(token[:-1] + other for other in last if other != token[-1]),
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("session", "ses_one"), ("token", "token-one"), ("key", PARTY.key.kid)],
    ids=["session", "token", "key"],
)
def test_the_twin_of_a_revoked_token_is_revoked(kind: Any, name: str) -> None:
    """Cached or not, before and after: both spellings die together."""
    revoked = RevocationSet()
    verifier = PARTY.verifier(revocations=revoked)
    token = PARTY.token()
    assert twin(token) != token
    verifier.check(token)

    revoked.add(digest(kind, name), NOW + 600)

    for spelling in (token, twin(token)):
        with pytest.raises(InvalidToken):
            verifier.check(spelling)


def test_the_twin_is_the_same_caller_while_it_is_good() -> None:
    """It is a valid signature; that is why nothing may hang on the text."""
    verifier = PARTY.verifier()
    token = PARTY.token()

    assert verifier.check(token) == verifier.check(twin(token))


def test_no_other_spelling_is_a_token_before_or_after() -> None:
    """Base64url is read strictly, so these never were one."""
    revoked = RevocationSet()
    verifier = PARTY.verifier(revocations=revoked)
    token = PARTY.token()
    verifier.check(token)

    for _ in ("before", "after"):
        for spelling in respellings(token):
            with pytest.raises(InvalidToken):
                verifier.check(spelling)
        revoked.add(digest("token", "token-one"), NOW + 600)
