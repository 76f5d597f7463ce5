"""A verifier that asks status lists: what it believes, what it fetches, and when nobody passes."""

import asyncio
import json
import os
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.spelling import base64url_encode
from doorward.verify import Verifier, status_fetching
from doorward.verify.status_fetching import StatusMissing, StatusUnavailable
from tests.support.waiting import until
from tests.verify.key_server import Handler, KeyServer, saying, serving, waiting_for
from tests.verify.parties import NOW, Clock, Issuer

PARTY = Issuer()


class Lists:
    """An issuer's server that publishes one list, or whatever it is told."""

    def __init__(self, server: KeyServer) -> None:
        self.server = server
        self.issuer = Issuer(name=server.url, key=PARTY.key)
        self.clock = Clock()
        server.behaviour = self.publish
        self.revoked: set[int] = set()
        self.changes: dict[str, object] = {}
        self.typ = "statuslist+jwt"

    @property
    def uri(self) -> str:
        return f"{self.server.url}/v1/status-lists/0"

    def claims(self) -> dict[str, object]:
        packed = bytearray(16)
        for index in self.revoked:
            packed[index // 8] |= 1 << index % 8
        claims: dict[str, object] = {
            "iss": self.issuer.name,
            "sub": self.uri,
            "iat": self.clock.now,
            "exp": self.clock.now + 300,
            "ttl": 60,
            "status_list": {"bits": 1, "lst": base64url_encode(zlib.compress(bytes(packed)))},
        }
        return {name: value for name, value in {**claims, **self.changes}.items() if value is not ...}

    def publish(self, handler: Handler) -> None:
        if "jwks" in handler.path:
            handler.answer(200, json.dumps(self.issuer.keys.to_jwks()).encode())
        else:
            handler.answer(200, jwt.encode(self.claims(), self.issuer.key, typ=self.typ).encode())

    def verifier(self, **options: Any) -> Verifier:
        options.setdefault("keys", self.issuer.keys)
        return Verifier(
            issuer=self.issuer.name, clock=self.clock, status_lists=True, allow_http_on_loopback=True, **options
        )

    def token(self, index: object = 3, **changes: object) -> str:
        changes.setdefault("status", {"status_list": {"idx": index, "uri": self.uri}})
        return self.issuer.token(iat=self.clock.now, exp=self.clock.now + 600, **changes)

    def fetches(self) -> int:
        return sum("status-lists" in path for path in self.server.asked)


@pytest.fixture
def lists() -> Iterator[Lists]:
    """Serve one."""
    with serving(saying(404)) as server:
        yield Lists(server)


def test_a_token_whose_place_is_0_passes_with_one_fetch(lists: Lists) -> None:
    """The list is kept for its ttl."""
    verifier = lists.verifier()

    for _ in range(3):
        assert verifier.check(lists.token()).subject == "acc_one"

    assert lists.fetches() == 1


async def test_it_does_not_block_the_event_loop(lists: Lists) -> None:
    """The same, and many at once share the fetch."""
    verifier = lists.verifier()

    principals = await asyncio.gather(*(verifier.check_async(lists.token()) for _ in range(20)))

    assert {principal.subject for principal in principals} == {"acc_one"}
    assert lists.fetches() == 1


def test_keys_and_list_are_fetched_on_the_first_call(lists: Lists) -> None:
    """A verifier that knows nothing yet."""
    verifier = lists.verifier(keys=None, follow_revocations=False)

    assert verifier.check(lists.token()).subject == "acc_one"


async def test_keys_and_list_are_fetched_on_the_first_asynchronous_call(lists: Lists) -> None:
    """A verifier that knows nothing yet."""
    verifier = lists.verifier(keys=None, follow_revocations=False)

    assert (await verifier.check_async(lists.token())).subject == "acc_one"


def test_a_key_and_a_list_that_are_new_are_fetched_in_one_call(lists: Lists) -> None:
    """The key is asked for because nobody knows it, and only its token tells which list there is."""
    verifier = knowing_old_keys(lists)

    assert verifier.check(lists.token()).subject == "acc_one"
    assert lists.fetches() == 1


async def test_a_key_and_a_list_that_are_new_are_fetched_in_one_asynchronous_call(lists: Lists) -> None:
    """As above, without blocking the event loop."""
    verifier = knowing_old_keys(lists)

    assert (await verifier.check_async(lists.token())).subject == "acc_one"
    assert lists.fetches() == 1


def knowing_old_keys(lists: Lists) -> Verifier:
    """Make a verifier that has fetched keys and no list, before the issuer signs with another key."""
    verifier = lists.verifier(keys=None, follow_revocations=False)
    with pytest.raises(InvalidToken):
        verifier.check(lists.token(status=...))
    lists.issuer = Issuer(name=lists.issuer.name)
    lists.clock.now += 120
    return verifier


def test_a_revoked_place_is_refused(lists: Lists) -> None:
    """Within the ttl at the latest, from the cache of verified tokens too."""
    verifier, token = lists.verifier(), lists.token()
    verifier.check(token)

    lists.revoked.add(3)
    lists.clock.now += 60

    with pytest.raises(InvalidToken, match="invalid_token"):
        verifier.check(token)
    assert verifier.check(lists.token(4))


async def test_a_list_of_half_its_age_is_renewed_in_the_background(lists: Lists) -> None:
    """Nobody waits for it."""
    verifier, token = lists.verifier(), lists.token()
    verifier.check(token)
    lists.revoked.add(3)
    lists.clock.now += 30

    assert verifier.check(token)

    async def refused() -> bool:
        try:
            verifier.check(token)
        except InvalidToken:
            return True
        return False

    await until(refused)
    assert lists.fetches() == 2


@pytest.mark.parametrize("index", [128, 10**9])
def test_a_place_outside_of_the_list_is_refused(lists: Lists, index: int) -> None:
    """Section 8.3 step 6: the token is rejected."""
    with pytest.raises(InvalidToken):
        lists.verifier().check(lists.token(index))


@pytest.mark.parametrize(
    "status",
    [
        None, [], "x", 1,
        {"status_list": []}, {"status_list": {}}, {"status_list": {"idx": 1}}, {"status_list": {"uri": "https://x"}},
        {"status_list": {"idx": "1", "uri": "https://x"}}, {"status_list": {"idx": True, "uri": "https://x"}},
        {"status_list": {"idx": -1, "uri": "https://x"}}, {"status_list": {"idx": 1.0, "uri": "https://x"}},
        {"status_list": {"idx": 1, "uri": 1}}, {"status_list": {"idx": 1, "uri": ""}},
        {"status_list": {"idx": 1, "uri": "https://auth.example/" + "x" * 600}},
    ],
)  # fmt: skip
def test_a_malformed_place_is_refused_by_everybody(status: object) -> None:
    """Also by a verifier that does not ask lists: the issuer wrote nonsense."""
    with pytest.raises(InvalidToken):
        PARTY.verifier().check(PARTY.token(status=status))


def test_a_token_without_a_place_is_refused_by_who_asks_lists(lists: Lists) -> None:
    """And another way to tell the status is no place."""
    for changes in ({"status": ...}, {"status": {"identifier_list": {}}}):
        with pytest.raises(InvalidToken):
            lists.verifier().check(lists.issuer.token(iat=NOW, exp=NOW + 600, **changes))
    assert PARTY.verifier().check(PARTY.token(status={"identifier_list": {}}))


def test_the_token_itself_is_verified_first(lists: Lists) -> None:
    """A forged one fetches nothing."""
    forger = Issuer(name=lists.issuer.name)
    token = forger.token(status={"status_list": {"idx": 3, "uri": lists.uri}})

    with pytest.raises(InvalidToken):
        lists.verifier().check(token)

    assert lists.fetches() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "https://other.example/v1/status-lists/0"},
        {"sub": ...},
        {"iat": NOW + 3600},
        {"iat": ...},
        {"exp": NOW - 60},
        {"exp": ...},
        {"ttl": "60"},
        {"ttl": -1},
        {"status_list": ...},
        {"status_list": {"bits": 1}},
        {"status_list": {"bits": 3, "lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": True, "lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": 1, "lst": "x"}},
    ],
)
def test_a_list_that_is_not_believed_lets_nobody_pass(lists: Lists, changes: dict[str, object]) -> None:
    """503: it is not known whether the token is good."""
    lists.changes = changes

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())


@pytest.mark.parametrize("typ", ["at+jwt", "jwt", "feed+jwt"])
def test_a_token_of_another_type_is_no_list(lists: Lists, typ: str) -> None:
    """Cross-JWT confusion."""
    lists.typ = typ

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())


def test_a_list_that_says_nothing_of_its_age_is_kept_for_a_minute(lists: Lists) -> None:
    """``ttl`` is optional."""
    lists.changes = {"ttl": ...}
    verifier, token = lists.verifier(), lists.token()
    verifier.check(token)
    lists.clock.now += 59
    verifier.check(token)
    lists.clock.now += 600

    with pytest.raises(InvalidToken):
        verifier.check(lists.issuer.token(iat=NOW, exp=NOW + 600, status={"status_list": {"idx": 3, "uri": lists.uri}}))


def test_two_bits_are_read(lists: Lists) -> None:
    """Every value but 0 is refused: 1 is invalid, 2 suspended."""
    lists.changes = {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAgc"}}
    verifier = lists.verifier()

    for index in (0, 1, 3):
        with pytest.raises(InvalidToken):
            verifier.check(lists.token(index))
    assert verifier.check(lists.token(2))


async def test_a_child_does_not_wait_for_a_fetch_of_its_parent(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads do not come along when gunicorn forks: the fetch would be under way for ever, and nobody would pass."""
    monkeypatch.setattr(status_fetching, "TIME_LIMIT", 0.5)
    verifier, token, landing = lists.verifier(), lists.token(), threading.Event()
    verifier.check(token)
    lists.server.behaviour = waiting_for(landing, lists.publish)
    lists.clock.now += 30
    verifier.check(token)
    await until(lambda: lists.fetches() == 2)
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    lists.server.behaviour = lists.publish
    lists.clock.now += 30

    try:
        assert verifier.check(token)
    finally:
        landing.set()


def test_an_unreachable_server_lets_nobody_pass_beyond_the_age_of_its_list(lists: Lists) -> None:
    """Fail closed; within the ttl nobody notices."""
    verifier, token = lists.verifier(), lists.token()
    verifier.check(token)
    lists.server.behaviour = saying(500)
    lists.clock.now += 20
    assert verifier.check(token)

    lists.clock.now += 60

    with pytest.raises(StatusUnavailable):
        verifier.check(token)
    with pytest.raises(StatusUnavailable):
        verifier.check(token)
    assert lists.fetches() == 2


async def test_right_after_a_failure_nobody_asks_again(lists: Lists) -> None:
    """One fetch a second; the second caller is told at once."""
    lists.server.behaviour = saying(500)
    verifier = lists.verifier()

    for _ in range(3):
        with pytest.raises(StatusUnavailable):
            await verifier.check_async(lists.token())

    assert lists.fetches() == 1


def test_the_number_of_lists_is_bounded(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was asked for longest ago goes first."""
    monkeypatch.setattr(status_fetching, "MAX_LISTS", 2)
    verifier = lists.verifier()
    fetched = verifier._status_lists
    assert fetched is not None

    for number in range(4):
        uri = f"{lists.server.url}/v1/status-lists/{number}"
        lists.changes = {"sub": uri}
        lists.clock.now += 1
        verifier.check(lists.token(status={"status_list": {"idx": 3, "uri": uri}}))

    assert len(fetched._here().held) == 2


def test_a_slow_list_is_not_waited_for_for_ever(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocking or not."""
    monkeypatch.setattr(status_fetching, "TIME_LIMIT", 0.01)
    answering = threading.Event()

    def wait(handler: Handler) -> None:
        answering.wait(10)
        lists.publish(handler)

    lists.server.behaviour = wait
    verifier = lists.verifier()

    with pytest.raises(StatusMissing):
        verifier.check(lists.token())
    with pytest.raises(StatusMissing):
        asyncio.run(verifier.check_async(lists.token()))
    answering.set()


def test_without_threads_nobody_passes(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is out of them."""

    class Refusing:
        def __init__(self, **_: object) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(status_fetching, "Thread", Refusing)

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())


def test_a_defect_in_the_fetching_thread_lets_nobody_pass(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was."""

    def defect(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(status_fetching, "fetch", defect)

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())
