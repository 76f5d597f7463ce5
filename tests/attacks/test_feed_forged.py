"""Feeding a service a feed that the issuer has not signed, or has not signed for this (``security.md`` rows 1, 17, 22).

Whoever can answer in the issuer's place could keep a stolen token alive with an empty feed. Nothing of a bad answer is
obeyed, nothing becomes fresh by it, and where that lasts, a service that refuses when stale refuses.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from doorward.errors import InvalidToken
from doorward.jose.keys import SigningKey
from doorward.jose.spelling import base64url_encode
from doorward.verify import RevocationsUnavailable, following
from doorward.verify.page import Page, write_page
from tests.support.waiting import until
from tests.verify.feed_server import Feeding, feeding, state
from tests.verify.key_server import Handler, saying


def of(token: object) -> bytes:
    """Write an answer."""
    return json.dumps({"feed": token}).encode()


def unsigned(feed: Feeding, page: Page) -> str:
    """A page that names ``none`` as its algorithm."""
    header = {"alg": "none", "kid": feed.party.key.kid, "typ": "revocations+jwt"}
    payload = json.loads(_payload(feed, page))
    return f"{base64url_encode(json.dumps(header).encode())}.{base64url_encode(json.dumps(payload).encode())}."


def _payload(feed: Feeding, page: Page) -> bytes:
    from doorward.jose import jws

    token = write_page(page, feed.party.key, issuer=feed.party.name)
    return jws.split(token, max_length=100_000).payload


def _tampered(feed: Feeding, page: Page) -> str:
    head, _, signature = write_page(page, feed.party.key, issuer=feed.party.name).split(".")
    other = _payload(feed, Page(page.after, "c9", page.issued_at, ()))
    return f"{head}.{base64url_encode(other)}.{signature}"


FORGERIES: dict[str, Callable[[Feeding, Page], bytes]] = {
    "another key": lambda feed, page: of(write_page(page, SigningKey.generate("ES256"), issuer=feed.party.name)),
    "none": lambda feed, page: of(unsigned(feed, page)),
    "tampered": lambda feed, page: of(_tampered(feed, page)),
    "an access token": lambda feed, page: of(feed.token()),
    "another issuer": lambda feed, page: feed.signed(page, issuer="https://other.example"),
    "the answer to another question": lambda feed, page: feed.signed(feed.page("c7")),
    "from the future": lambda feed, page: feed.signed(feed.page(page.after, issued_at=feed.clock() + 61)),
    "truncated": lambda feed, page: feed.signed(page)[:-20],
    "a truncated token": lambda feed, page: of(json.loads(feed.signed(page))["feed"][:-8]),
    "no token": lambda feed, page: of(None),
    "a list": lambda feed, page: b"[" + feed.signed(page) + b"]",
    "two members": lambda feed, page: b'{"feed": "", ' + feed.signed(page)[1:],
    "a page": lambda feed, page: b"<html>captive portal</html>",
    "nothing": lambda feed, page: b"",
    "huge": lambda feed, page: b" " * 70_000,
    "nested": lambda feed, page: b"[" * 60_000,
}


@pytest.fixture
def feed() -> Iterator[Feeding]:
    """An issuer."""
    with feeding() as feed:
        yield feed


def behaving(forgery: str) -> Callable[[Feeding, Handler, str, int], None]:
    """Answer with a forgery."""

    def answer(feed: Feeding, handler: Handler, after: str, _wait: int) -> None:
        saying(200, FORGERIES[forgery](feed, feed.page(after)))(handler)

    return answer


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_feed_lets_nobody_in(feed: Feeding, forgery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that has never heard the true one refuses everybody."""
    monkeypatch.setattr(following, "FIRST_WAIT", 0.1)
    feed.behave(behaving(forgery))
    verifier = feed.verifier()

    with pytest.raises(RevocationsUnavailable):
        verifier.check(feed.token())

    status = state(verifier)
    assert (status.answers, status.revocations, status.fresh) == (0, 0, False)
    verifier.close()


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_feed_undoes_nothing(feed: Feeding, forgery: str) -> None:
    """A service that has heard the true one goes on refusing what it knew, and becomes stale in its time."""
    feed.revoke("session", "ses_one")
    verifier = feed.verifier()
    with pytest.raises(InvalidToken, match="invalid_token"):
        verifier.check(feed.token())

    feed.behave(behaving(forgery))

    await until(lambda: state(verifier).failures > 0)
    with pytest.raises(InvalidToken):
        verifier.check(feed.token())
    assert verifier.check(feed.token(sid="ses_two")).subject == "acc_one"
    feed.clock.now += 61
    with pytest.raises(RevocationsUnavailable):
        verifier.check(feed.token(sid="ses_two"))
    verifier.close()


async def test_a_stolen_key_cannot_write_the_feed_once_it_is_withdrawn(feed: Feeding) -> None:
    """The thief of a signing key could hide that it was revoked; the feed is no exception to its own entries."""
    verifier = feed.verifier()
    verifier.check(feed.token())
    thief = feed.party.key
    feed.revoke("key", thief.kid)
    await until(lambda: state(verifier).revocations == 1)

    feed.behave(lambda feed, handler, after, _wait: saying(200, feed.signed(feed.page(after)))(handler))

    await until(lambda: state(verifier).last_failure == "signed by a revoked key")
    verifier.close()
