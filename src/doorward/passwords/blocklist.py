"""Half a million passwords that attackers try first, in two megabytes.

NIST SP 800-63B-4 §3.1.1.2 and ASVS 6.2.4 want new passwords compared with those known to be common. The shipped file
holds truncated SHA-256 digests of words after NFC and case folding: the first two bytes choose one of 65,536 buckets,
the next four are kept. A word that is on no list is taken for listed once in some 8,700 million times. Where the words
come from, and the licences, is in ``data/README.md``; ``scripts/build_blocklist.py`` makes the file again.

Layout: 8 bytes of magic; three big-endian 32-bit counts (all entries, those of 8 code points or more, those of 15 or
more); 65,536 bytes with the size of each bucket; the four-byte remainders, sorted within their bucket.
"""

import hashlib
import struct
from array import array
from importlib.resources import files
from itertools import accumulate
from typing import Final

from doorward.passwords.patterns import fold, shape

MAGIC: Final = b"DWCOMM1\n"
BUCKETS: Final = 1 << 16
REMAINDER_BYTES: Final = 4
_HEADER: Final = struct.Struct(">8sIII")


class Blocklist:
    """The list, read once. Takes some 2 MB, answers in microseconds, safe to share between threads."""

    __slots__ = ("_ends", "_remainders", "at_least_8", "at_least_15", "size")

    size: int
    """Entries."""

    def __init__(self, data: bytes | None = None) -> None:
        """Read the shipped list, or another one in the same layout.

        Raises ``ValueError`` for a file that is damaged: an incomplete list would let common passwords through.
        """
        if data is None:
            data = files("doorward.passwords").joinpath("data/common.bin").read_bytes()
        if len(data) < _HEADER.size + BUCKETS:
            raise ValueError("the blocklist is damaged")
        magic, self.size, self.at_least_8, self.at_least_15 = _HEADER.unpack_from(data)
        start = _HEADER.size + BUCKETS
        self._ends = array("I", accumulate(data[_HEADER.size : start]))
        self._remainders = data[start:]
        if magic != MAGIC or not self.size == self._ends[-1] == len(self._remainders) / REMAINDER_BYTES:
            raise ValueError("the blocklist is damaged")

    def __len__(self) -> int:
        """Count the entries."""
        return self.size

    def __contains__(self, password: str) -> bool:
        """Tell whether the whole password is on the list, whatever its letter case."""
        return self._holds(fold(password))

    def reason(self, password: str) -> str | None:
        """Say why the whole password is too common, in a sentence for its owner; ``None`` if it is not."""
        folded = fold(password)
        if self._holds(folded):
            return "The password is on a list of common passwords."
        return shape(folded, self._holds)

    def _holds(self, folded: str) -> bool:
        bucket, remainder = place(folded)
        first = self._ends[bucket - 1] if bucket else 0
        found = self._remainders.find(remainder, first * REMAINDER_BYTES, self._ends[bucket] * REMAINDER_BYTES)
        while found >= 0 and found % REMAINDER_BYTES:  # a match across two neighbours is none
            found = self._remainders.find(remainder, found + 1, self._ends[bucket] * REMAINDER_BYTES)
        return found >= 0


def place(folded: str) -> tuple[int, bytes]:
    """Tell where a folded word belongs: the number of its bucket and what is kept there."""
    digest = hashlib.sha256(folded.encode()).digest()
    return int.from_bytes(digest[:2]), digest[2 : 2 + REMAINDER_BYTES]


def pack(words: set[str]) -> bytes:
    """Make the file from folded words. Raises ``ValueError`` if a bucket would hold more than 255."""
    kept = sorted({place(word) for word in words})
    sizes = [0] * BUCKETS
    for bucket, _ in kept:
        sizes[bucket] += 1
    counts = [sum(1 for word in words if len(word) >= least) for least in (8, 15)]
    return _HEADER.pack(MAGIC, len(kept), *counts) + bytes(sizes) + b"".join(remainder for _, remainder in kept)
