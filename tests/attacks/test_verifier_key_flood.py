"""Making a service ask for keys once per forged key id (``security.md`` row 38).

PyJWT CVE-2026-48524 and its incomplete fix CVE-2026-101917.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from doorward.errors import InvalidToken, UnknownKey
from doorward.jose.keys import SigningKey, VerifyingKey
from doorward.verify import Verifier, issuer_keys
from tests.verify.key_server import KeyServer, publishing, saying, serving, waiting_for
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
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True, follow_revocations=False)
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
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True, follow_revocations=False)
    await verifier.check_async(PARTY.token())
    server.asked.clear()
    clock.now = NOW + 60

    answers = await asyncio.gather(*(verifier.check_async(token) for token in forged(1000)), return_exceptions=True)

    assert all(isinstance(answer, InvalidToken) for answer in answers)
    assert len(server.asked) == 1


def test_a_flood_against_a_failing_server_causes_one_fetch(server: KeyServer) -> None:
    """A failure is remembered too (the incomplete fix forgot it)."""
    server.behaviour = saying(500)
    verifier = Verifier(issuer=server.url, clock=Clock(), allow_http_on_loopback=True, follow_revocations=False)

    for token in forged(200):
        with pytest.raises(Exception, match=r"invalid_token|keys_unavailable"):
            verifier.check(token)

    assert len(server.asked) == 1


@pytest.fixture
def hanging(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verifier]:
    """A verifier with good keys whose issuer has stopped answering; it is kept until the test is over."""
    monkeypatch.setattr(issuer_keys, "HOPE", 0.2)
    over = threading.Event()
    clock = Clock()
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True, follow_revocations=False)
    verifier.check(PARTY.token())
    server.asked.clear()
    server.behaviour = waiting_for(over, publishing(PARTY.keys))
    clock.now = NOW + 60
    yield verifier
    over.set()


def test_a_flood_against_a_hanging_server_holds_no_thread_for_long(hanging: Verifier, server: KeyServer) -> None:
    """Finding 8 of the review: each forged key id held a thread for as long as the fetch did, five seconds."""
    began = time.monotonic()

    with ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(hanging.check, token) for token in forged(120)]
        refused = [each.exception(10) for each in asked]

    assert time.monotonic() - began < 3
    assert {type(each) for each in refused} == {UnknownKey}
    assert len(server.asked) == 1
    assert hanging.check(PARTY.token()).subject == "acc_one"


async def test_a_flood_against_a_hanging_server_holds_no_request_for_long(hanging: Verifier, server: KeyServer) -> None:
    """In coroutines too; whoever comes later is not held at all."""
    async with asyncio.timeout(3):
        answers = await asyncio.gather(*(hanging.check_async(token) for token in forged(120)), return_exceptions=True)
        began = time.monotonic()
        with pytest.raises(UnknownKey):
            await hanging.check_async(forged(1)[0])

    assert time.monotonic() - began < 0.1
    assert {type(answer) for answer in answers} == {UnknownKey}
    assert len(server.asked) == 1


def test_rubbish_causes_no_fetch_at_all(server: KeyServer) -> None:
    """Only a well-formed token of the right type can name a key."""
    clock = Clock()
    verifier = Verifier(issuer=server.url, clock=clock, allow_http_on_loopback=True, follow_revocations=False)
    verifier.check(PARTY.token())
    server.asked.clear()
    clock.now = NOW + 60

    for text in ("", "a.b.c", "x" * 9000, STRANGER.token(typ="id+jwt"), STRANGER.token() + "="):
        with pytest.raises(InvalidToken):
            verifier.check(text)

    assert server.asked == []
