"""How serials become places in lists, and a list its bytes. Pure.

Serials count up and are never given twice; a keyed permutation spreads them over the places of their list, so that a
place tells nothing of when its session began or which others began beside it (draft-ietf-oauth-status-list section
12.5), and no two sessions ever share one.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

LIST_TYPE: Final = "statuslist+jwt"
"""Section 5.1 of the draft."""

LIST_SIZE: Final = 1 << 14
"""Places of one list: 2 KiB of bits, so a list that does not compress at all still is a token of ordinary length."""

LEASE: Final = 1024
"""Serials that a process takes at once; what it has not used when it ends is lost, which costs nothing."""

Bits = Literal[1, 2, 4, 8]

_HALF: Final = 7
_MASK: Final = (1 << _HALF) - 1
_ROUNDS: Final = 6


@dataclass(frozen=True, slots=True)
class Place:
    """Where the status of one session stands."""

    number: int
    index: int


def place_of(serial: int, spread: bytes) -> Place:
    """Find the place of a serial: a Feistel network over the places of its list, keyed for that list."""
    number, position = divmod(serial, LIST_SIZE)
    left, right = position >> _HALF, position & _MASK
    for turn in range(_ROUNDS):
        said = hashlib.blake2s(bytes((turn, right)) + number.to_bytes(8, "big"), key=spread[:32], digest_size=1)
        left, right = right, left ^ (said.digest()[0] & _MASK)
    return Place(number, left << _HALF | right)


def serials_of(number: int) -> tuple[int, int]:
    """Return the first serial of a list, and the first one behind it."""
    return number * LIST_SIZE, (number + 1) * LIST_SIZE


def pack(statuses: Iterable[tuple[int, int]], *, bits: Bits, size: int) -> bytes:
    """Write statuses, given as index and value, into the bytes of a list; all others are 0, valid (section 4.1)."""
    packed = bytearray(-(-size * bits // 8))
    per_byte = 8 // bits
    for index, status in statuses:
        packed[index // per_byte] |= status << (index % per_byte * bits)
    return bytes(packed)
