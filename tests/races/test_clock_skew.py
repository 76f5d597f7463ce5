"""Clocks of two nodes differ by a moment, and somebody guesses through both."""

import pytest

from doorward.db import Database
from doorward.errors import TooManyAttempts
from doorward.settings import Limits, Settings
from tests.limits.limiters import limiter_for
from tests.support.house import START, FakeClock

WINDOW = 900
NETWORK = "203.0.113.7/32"


async def test_a_node_whose_clock_is_late_does_not_begin_the_count_anew(database: Database, settings: Settings) -> None:
    """A window belongs to the count and not to the clock; alternating between two nodes buys no try."""
    limits = Limits(window=WINDOW, per_network=5)
    early = limiter_for(database, settings, limits, FakeClock(START))
    late = limiter_for(database, settings, limits, FakeClock(START - 1))

    for node in (early, late, early, late, early):
        await node.count(node.network(NETWORK))

    for node in (late, early):
        with pytest.raises(TooManyAttempts):
            await node.count(node.network(NETWORK))


async def test_the_next_window_begins_the_count_anew(database: Database, settings: Settings) -> None:
    """Who waited for as long as was told may try again."""
    clock = FakeClock()
    limiter = limiter_for(database, settings, Limits(window=WINDOW, per_network=1), clock)
    bucket = limiter.network(NETWORK)
    await limiter.count(bucket)

    with pytest.raises(TooManyAttempts) as refused:
        await limiter.count(bucket)
    clock.advance(refused.value.retry_after or 0)

    await limiter.count(bucket)
