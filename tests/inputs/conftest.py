"""A house to throw things at, and an eye on what it writes into its log."""

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest

from doorward.settings import Settings
from tests.support.house import House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import Answer


@dataclass
class Log(logging.Handler):
    """Everything that is logged, at every level, by anybody."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def size(self) -> int:
        """Characters altogether."""
        return sum(map(len, self.lines))


@pytest.fixture
def log() -> Iterator[Log]:
    """Listen to every logger."""
    handler, root = Log(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
async def target(settings: Settings) -> AsyncIterator[House]:
    """Lend a house on each engine in which logging in takes no time."""
    async with open_house(settings) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        yield house


MOST_ANSWER = 8 * 1024
"""Bytes of an answer to nonsense."""


def check_refusal(answer: Answer, *statuses: int) -> None:
    """Fail unless the answer is a small problem with one of the statuses, by default any 4xx."""
    assert answer.status in statuses if statuses else 400 <= answer.status < 500, (answer.status, answer.body[:300])
    assert answer.values(b"content-type") == [b"application/problem+json"]
    assert answer.json["status"] == answer.status
    assert len(answer.body) <= MOST_ANSWER
