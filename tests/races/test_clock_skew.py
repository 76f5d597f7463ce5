"""Clocks of two nodes differ by a moment, and somebody guesses through both."""

import pytest

from doorward.db import Database
from doorward.errors import TooManyAttempts
from doorward.settings import Limits
from doorward.web.limits import Limiter
from tests.support.house import FakeClock

WINDOW = 900


async def test_a_node_whose_clock_is_late_does_not_begin_the_count_anew(database: Database) -> None:
    """Around the end of a window two nodes name different windows; alternating between them buys no try."""
    settings = Limits(window=WINDOW, per_account=5)
    early = Limiter(database=database, settings=settings, clock=FakeClock(WINDOW * 1000))
    late = Limiter(database=database, settings=settings, clock=FakeClock(WINDOW * 1000 - 1))

    for node in (early, late, early, late, early):
        await node.count(node.login("ada@example.test"))

    for node in (late, early):
        with pytest.raises(TooManyAttempts):
            await node.count(node.login("ada@example.test"))


async def test_the_next_window_begins_the_count_anew(database: Database) -> None:
    """Who waited may try again."""
    clock = FakeClock(WINDOW * 1000)
    limiter = Limiter(database=database, settings=Limits(window=WINDOW, per_account=1), clock=clock)
    bucket = limiter.login("ada@example.test")
    await limiter.count(bucket)

    with pytest.raises(TooManyAttempts) as refused:
        await limiter.count(bucket)
    clock.advance(refused.value.retry_after or 0)

    await limiter.count(bucket)
