"""A set of words in eighteen bits each: a binary fuse filter (Graf and Lemire, 2022) with 16-bit fingerprints.

It says *yes* for every word that was put in, and for one in 65,536 of those that were not; it cannot be read backwards.
A word has three slots, one in each of three neighbouring segments; the exclusive or of what is in them is its
fingerprint. A look-up reads six bytes of the file, wherever that is: in memory or mapped.

Layout, little-endian: 8 bytes of magic; four 32-bit numbers (seed, entries, length of a segment, segments in which a
word may begin); then two bytes a slot. Pure, standard library only.
"""

import hashlib
import math
import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"DWFUSE1\n"
HEADER: Final = struct.Struct("<8sIIII")
FINGERPRINT_BITS: Final = 16
FALSE_POSITIVES: Final = 2.0**-FINGERPRINT_BITS
"""The share of words not in the set for which the answer is wrong."""

MOST_SEEDS: Final = 50
_SLOT: Final = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class Shape:
    """How slots are laid out."""

    seed: int
    entries: int
    segment: int
    """Slots of a segment, a power of two."""
    segments: int
    """Segments in which the first slot of a word may lie; two more follow."""

    @classmethod
    def of(cls, entries: int, *, seed: int) -> "Shape":
        """Choose as the authors do: an eighth more slots than words, and more where there are few words."""
        log = math.log(max(entries, 2))
        segment = 1 << max(2, int(log / math.log(3.33) + 2.25))
        slots = round(max(entries, 2) * max(1.125, 0.875 + 0.25 * math.log(1_000_000) / log))
        return cls(seed, entries, segment, max(1, -(-slots // segment) - 2))

    @property
    def slots(self) -> int:
        """How many there are."""
        return (self.segments + 2) * self.segment

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return HEADER.size + self.slots * _SLOT.size

    def key(self, word: str) -> tuple[int, int]:
        """Hash a word: 64 bits for its slots, and its fingerprint."""
        digest = hashlib.sha256(self.seed.to_bytes(4) + word.encode()).digest()
        return int.from_bytes(digest[:8]), int.from_bytes(digest[8:10])

    def places(self, key: int) -> tuple[int, int, int]:
        """Tell the three slots of a key."""
        first = (key * self.segments * self.segment) >> 64
        mask = self.segment - 1
        return first, (first + self.segment) ^ ((key >> 18) & mask), (first + 2 * self.segment) ^ (key & mask)


class Fuse:
    """A filter to ask. The data may be bytes, or a mapped file that others share."""

    __slots__ = ("_data", "shape")

    def __init__(self, data: "bytes | memoryview") -> None:
        """Read the header. Raises ``ValueError`` for what is no filter, or not all of one."""
        if len(data) < HEADER.size:
            raise ValueError("not a filter")
        magic, *numbers = HEADER.unpack_from(data)
        self.shape = Shape(*numbers)
        if magic != MAGIC or self.shape.size != len(data):
            raise ValueError("not a filter, or damaged")
        self._data = data

    def __len__(self) -> int:
        """Count the words that were put in."""
        return self.shape.entries

    def __contains__(self, word: str) -> bool:
        """Tell whether the word was put in; wrong for one in 65,536 that were not."""
        key, fingerprint = self.shape.key(word)
        for place in self.shape.places(key):
            fingerprint ^= _SLOT.unpack_from(self._data, HEADER.size + place * _SLOT.size)[0]
        return fingerprint == 0


def pack(words: Iterable[str]) -> bytes:
    """Make the file. The same words give the same bytes, in whatever order. Takes some ten seconds a million."""
    entries = sorted(set(words))
    for seed in range(MOST_SEEDS):
        packed = _try(entries, Shape.of(len(entries), seed=seed))
        if packed is not None:
            return packed
    raise ValueError("no seed fits these words")  # pragma: no cover - one seed in a few hundred fails


def _try(entries: list[str], shape: Shape) -> bytes | None:
    """Find an order in which every word has a slot that no later one needs, and fill the slots from the end."""
    keys, prints = array("Q"), array("H")
    for word in entries:
        key, fingerprint = shape.key(word)
        keys.append(key)
        prints.append(fingerprint)
    degrees, owners = _degrees(keys, shape)
    order = _peel(keys, shape, degrees, owners)
    if len(order) != len(keys):
        return None
    slots = array("H", bytes(2 * shape.slots))
    for place, owner in reversed(order):
        value = prints[owner]
        for other in shape.places(keys[owner]):
            value ^= slots[other]
        slots[place] = value
    body = struct.pack(f"<{shape.slots}H", *slots)
    return HEADER.pack(MAGIC, shape.seed, shape.entries, shape.segment, shape.segments) + body


def _degrees(keys: "array[int]", shape: Shape) -> tuple["array[int]", "array[int]"]:
    """Count the words at each slot, and keep the exclusive or of their numbers: of one that is alone, its number."""
    degrees, owners = array("I", bytes(4 * shape.slots)), array("I", bytes(4 * shape.slots))
    for number, key in enumerate(keys):
        for place in shape.places(key):
            degrees[place] += 1
            owners[place] ^= number
    return degrees, owners


def _peel(keys: "array[int]", shape: Shape, degrees: "array[int]", owners: "array[int]") -> list[tuple[int, int]]:
    """Take away, one after the other, words that are alone at a slot; fewer than all where that gets stuck."""
    order: list[tuple[int, int]] = []
    alone = [place for place, degree in enumerate(degrees) if degree == 1]
    while alone:
        place = alone.pop()
        if degrees[place] != 1:
            continue
        owner = owners[place]
        order.append((place, owner))
        for other in shape.places(keys[owner]):
            degrees[other] -= 1
            owners[other] ^= owner
            if degrees[other] == 1:
                alone.append(other)
    return order
