"""A challenge without memory, its work, and what an answer to it is worth. Pure.

A challenge is an opaque token: 15 random bytes, a level and the time from which having waited is an answer, under a MAC
that also covers what it was made for (purpose, network, login). So the server keeps nothing until an answer comes, and
an answer counts nowhere else. The work is that of Hashcash in parts: for each part a number such that

    SHA-256(token "." part "." number)

begins with as many zero bits as asked. Eight parts of equal work make the time it takes predictable, which one part of
eight times the work does not.
"""

import hashlib
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from doorward.core.opaque import HANDLE_BYTES, Opaque

PREFIX: Final = "dwc_"
SEPARATOR: Final = "~"
"""Between the token and an answer. A token alone says that its time of waiting is over."""

PARTS: Final = 8
MOST_LEVEL: Final = 7
LONGEST_WAIT: Final = 3600
SHORTEST_WAIT: Final = 30
VALIDITY: Final = 600
"""Seconds for which an answer is taken after the time of waiting."""

REMEMBERED: Final = 3600
"""Seconds for which an answer is remembered beyond that: replay memory outlives validity and skew (PyPI's audit)."""

MAX_PROOF: Final = 8192
"""Characters of an answer that are looked at; some providers of others send two thousand."""

RANDOM_BYTES: Final = HANDLE_BYTES - 1
_NUMBERS: Final = re.compile(rf"(?:0|[1-9][0-9]{{0,14}})(?:\.(?:0|[1-9][0-9]{{0,14}})){{{PARTS - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge: what it is remembered by when it is answered, how hard it is, and when waiting is over."""

    handle: bytes = field(repr=False)
    not_before: int

    @classmethod
    def new(cls, *, level: int, chance: bytes, now: int) -> "Challenge":
        """Make one. ``chance`` has :data:`RANDOM_BYTES` random bytes."""
        level = min(level, MOST_LEVEL)
        return cls(chance + bytes([level]), now + waiting_time(level))

    @classmethod
    def of(cls, opaque: Opaque) -> "Challenge":
        """Read one back from what was sealed."""
        return cls(opaque.handle, opaque.generation)

    @property
    def sealed(self) -> Opaque:
        """What goes into the token."""
        return Opaque(self.handle, self.not_before)

    @property
    def level(self) -> int:
        """How hard it is, 0 to :data:`MOST_LEVEL`."""
        return self.handle[-1]

    @property
    def expires_at(self) -> int:
        """When it is no good any more."""
        return self.not_before + VALIDITY


def waiting_time(level: int) -> int:
    """Say for how many seconds to wait instead of working: 30, doubled by each level, an hour at most."""
    return min(SHORTEST_WAIT << level, LONGEST_WAIT)


def take_apart(proof: str) -> tuple[str, str | None]:
    """Split a proof into the token and the answer; ``None``: somebody says to have waited."""
    token, separator, answer = proof.partition(SEPARATOR)
    return token, answer if separator else None


def is_due(challenge: Challenge, *, waited: bool, now: int) -> bool:
    """Tell whether an answer comes at the right time: not too late, and after the waiting if that is the answer."""
    return now < challenge.expires_at and (not waited or now >= challenge.not_before)


def is_solved(token: str, numbers: str, *, bits: int) -> bool:
    """Tell whether the numbers, joined by dots, are a solution. One spelling of each number is taken."""
    if _NUMBERS.fullmatch(numbers) is None:
        return False
    return all(_has_zeros(f"{token}.{part}.{number}", bits) for part, number in enumerate(numbers.split("."), start=1))


def solve(token: str, *, bits: int, parts: int = PARTS) -> str:
    """Do the work, for tests and for programs: return the answer to send, token included."""
    numbers = [next(n for n in count() if _has_zeros(f"{token}.{part}.{n}", bits)) for part in range(1, parts + 1)]
    return token + SEPARATOR + ".".join(map(str, numbers))


def _has_zeros(text: str, bits: int) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> (64 - bits) == 0
