"""Making a service ask for keys once per forged key id (``security.md`` row 38).

PyJWT CVE-2026-48524 and its incomplete fix CVE-2026-101917.
"""

import asyncio
from collections.abc import Iterator

import pytest

from doorward.errors import InvalidToken
from doorward.jose.keys import SigningKey, VerifyingKey
from doorward.verify import Verifier
from tests.verify.key_server import KeyServer, publishing, saying, serving
from tests.verify.parties import NOW, Clock, Issuer

PARTY = Issuer()
STRANGER = Issuer()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """Serve the keys."""
    with serving(publishing(PARTY.keys)) as server:
        PARTY.name = STRANGER.name = server.url
        yield server


def forged(count: int) -> list[str]:
    """Make tokens with as many key ids that nobody knows."""
    key = STRANGER.key
    return [
        Issuer(STRANGER.name, SigningKey(VerifyingKey(f"bad-{number}", key.public._public), key._private)).token()
        for number in range(count)
    ]


def test_a_thousand_unknown_keys_cause_one_fetch(server: KeyServer) -> None:
    """And while the flood lasts, good tokens are believed."""
    clock = Clock()
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True)
    verifier.check(PARTY.token())
    server.asked.clear()
    clock.now = NOW + 60

    for number, token in enumerate(forged(1000)):
        with pytest.raises(InvalidToken):
            verifier.check(token)
        if number % 100 == 0:
            assert verifier.check(PARTY.token()).subject == "acc_one"

    assert len(server.asked) == 1


async def test_a_thousand_at_once_cause_one_fetch(server: KeyServer) -> None:
    """Single flight, in coroutines."""
    clock = Clock()
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True)
    await verifier.check_async(PARTY.token())
    server.asked.clear()
    clock.now = NOW + 60

    answers = await asyncio.gather(*(verifier.check_async(token) for token in forged(1000)), return_exceptions=True)

    assert all(isinstance(answer, InvalidToken) for answer in answers)
    assert len(server.asked) == 1


def test_a_flood_against_a_failing_server_causes_one_fetch(server: KeyServer) -> None:
    """A failure is remembered too (the incomplete fix forgot it)."""
    server.behaviour = saying(500)
    verifier = Verifier(issuer=server.url, clock=Clock(), allow_http_on_loopback=True)

    for token in forged(200):
        with pytest.raises(Exception, match=r"invalid_token|keys_unavailable"):
            verifier.check(token)

    assert len(server.asked) == 1


def test_rubbish_causes_no_fetch_at_all(server: KeyServer) -> None:
    """Only a well-formed token of the right type can name a key."""
    clock = Clock()
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True)
    verifier.check(PARTY.token())
    server.asked.clear()
    clock.now = NOW + 60

    for text in ("", "a.b.c", "x" * 9000, STRANGER.token(typ="id+jwt"), STRANGER.token() + "="):
        with pytest.raises(InvalidToken):
            verifier.check(text)

    assert server.asked == []
