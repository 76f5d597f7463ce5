"""Giving a service true but old answers: from a cache in between, or recorded by somebody who can cut the line.

An old answer is signed as well as a new one. It must not undo a revocation, not lead past one, and not make a service
believe that it is up to date.
"""

from collections.abc import Iterator

import pytest

from doorward.verify import RevocationsUnavailable, Verifier
from tests.support.waiting import until
from tests.verify.feed_server import Feeding, feeding, refuses, state
from tests.verify.key_server import Handler, saying


@pytest.fixture
def feed() -> Iterator[Feeding]:
    """An issuer."""
    with feeding() as feed:
        yield feed


@pytest.fixture
def verifier(feed: Feeding) -> Iterator[Verifier]:
    """A service that follows it."""
    verifier = feed.verifier()
    yield verifier
    verifier.close()


async def test_an_answer_cached_by_a_proxy_becomes_old(feed: Feeding, verifier: Verifier) -> None:
    """It answers at once, for ever the same: the service asks seldom, and is stale when a minute is over."""
    verifier.check(feed.token())
    kept: dict[str, bytes] = {}

    def caching(feed: Feeding, handler: Handler, after: str, _wait: int) -> None:
        saying(200, kept.setdefault(after, feed.signed(feed.page(after))))(handler)

    feed.behave(caching)
    await until(lambda: len(kept) == 1)
    feed.revoke("session", "ses_one")
    before = len(feed.asked)
    await until(lambda: len(feed.asked) > before)

    assert verifier.check(feed.token()).subject == "acc_one"
    feed.clock.now += 61
    with pytest.raises(RevocationsUnavailable):
        verifier.check(feed.token())
    feed.behave(None)

    await until(lambda: refuses(verifier, feed.token()))


async def test_an_old_answer_to_the_first_question_undoes_nothing(feed: Feeding, verifier: Verifier) -> None:
    """A recorded ``reset``, or the empty page of long ago."""
    empty = feed.signed(feed.page("0", reset=True))
    feed.revoke("session", "ses_one")
    assert refuses(verifier, feed.token())
    feed.clock.now += 5

    feed.behave(lambda _feed, handler, _after, _wait: saying(200, empty)(handler))
    before = state(verifier).answers
    await until(lambda: state(verifier).answers > before)

    assert refuses(verifier, feed.token())
    assert verifier.staleness == 5


async def test_an_answer_that_was_given_to_another_follower_leads_past_nothing(
    feed: Feeding, verifier: Verifier
) -> None:
    """It would move the cursor behind what this service has never heard of."""
    verifier.check(feed.token())
    feed.page_size = 1
    feed.revoke("session", "ses_two")
    await until(lambda: refuses(verifier, feed.token(sid="ses_two")))

    def skipping(feed: Feeding, handler: Handler, _after: str, _wait: int) -> None:
        saying(200, feed.signed(feed.page("c2", more=False)))(handler)

    feed.behave(skipping)
    feed.revoke("session", "ses_one", "ses_three")
    await until(lambda: state(verifier).last_failure == "the answer to another question")
    feed.behave(None)

    await until(lambda: refuses(verifier, feed.token()))


async def test_answers_from_before_the_last_one_are_refused(feed: Feeding, verifier: Verifier) -> None:
    """More than ten seconds back: somebody has a recording."""
    verifier.check(feed.token())
    feed.clock.now += 30
    feed.revoke("session", "ses_two")
    await until(lambda: refuses(verifier, feed.token(sid="ses_two")))

    def late(feed: Feeding, handler: Handler, after: str, _wait: int) -> None:
        saying(200, feed.signed(feed.page(after, issued_at=feed.clock() - 11)))(handler)

    feed.behave(late)

    await until(lambda: state(verifier).last_failure == "an old answer")
