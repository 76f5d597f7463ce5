"""Becoming somebody else through the cache of verified tokens.

LiteLLM CVE-2026-35030 keyed its cache by ``token[:20]``; Oathkeeper CVE-2021-32701 skipped the scope check for a
cached token (``security.md`` row 41).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from doorward.errors import InvalidToken
from doorward.verify import Verifier
from doorward.verify.fastapi import require
from tests.verify.parties import Clock, Issuer, bearing, scope_of

PARTY = Issuer()
TOKEN = PARTY.token()


def test_two_tokens_with_the_same_beginning_are_two_callers() -> None:
    """Header and the first claims are the same for everybody, so a prefix says nothing."""
    verifier = PARTY.verifier()
    one, two = PARTY.token(sub="acc_one"), PARTY.token(sub="acc_two")
    assert one[:150] == two[:150]

    assert [verifier.check(token).subject for token in (one, two, one, two)] == ["acc_one", "acc_two"] * 2


@pytest.mark.parametrize("cut", [1, 2, 10, 43, 86, 87, 100])
def test_the_beginning_of_a_verified_token_is_no_token(cut: int) -> None:
    """Nor is the token with something behind it."""
    verifier = PARTY.verifier()
    verifier.check(TOKEN)

    for text in (TOKEN[:-cut], TOKEN + "A" * cut, TOKEN[cut:]):
        with pytest.raises(InvalidToken):
            verifier.check(text)


@given(place=st.integers(0, len(TOKEN) - 1), character=st.characters(min_codepoint=32, max_codepoint=126))
@settings(max_examples=200, deadline=None)
def test_one_changed_character_is_another_token(place: int, character: str) -> None:
    """Property: after a token was verified, no other text is taken for it."""
    verifier = PARTY.verifier()
    verifier.check(TOKEN)
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]

    try:
        verifier.check(changed)
    except InvalidToken:
        assert changed != TOKEN
    else:
        assert changed == TOKEN


def test_verifiers_share_nothing() -> None:
    """What one believes is no reason for another with another audience or issuer."""
    PARTY.verifier().check(TOKEN)

    for stranger in (
        PARTY.verifier(audience="https://api.example"),
        Verifier(issuer="https://other.example", audience=PARTY.name, keys=PARTY.keys, clock=Clock()),
    ):
        with pytest.raises(InvalidToken):
            stranger.check(TOKEN)


async def test_a_cached_token_meets_every_requirement_anew() -> None:
    """Allowed to read once is not allowed to write."""
    verifier = PARTY.verifier()
    token = PARTY.token(scope="reports:read", roles=["staff"])
    request = Request(scope_of(b"/", headers=bearing(token)))

    admitted = await require(scope="reports:read", using=verifier)(request)

    assert admitted.scope == {"reports:read"}
    for refused in (require(scope="reports:write", using=verifier), require(role="admin", using=verifier)):
        with pytest.raises(HTTPException) as answer:
            await refused(request)
        assert answer.value.status_code == 403
