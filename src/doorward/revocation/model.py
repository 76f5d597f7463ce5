"""Where a follower of the feed stands, and what that means for its next answer. Pure.

A cursor names a row: its number, and a part of its digest. A number alone would do until a backup is restored: then
the numbers are given out anew, and a follower that stands at 100 would never hear of the new 81 to 100. With the
digest, a cursor of another history of the table, of another database or of a row long gone is noticed as such.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_CURSOR: Final = re.compile(r"([1-9][0-9]{0,17})\.([0-9a-f]{16})")
_MARK_BYTES: Final = 8

START: Final = "0"
"""The cursor of somebody who knows nothing yet; followers begin with it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row of the table; position 0 is before the first."""

    position: int = 0
    mark: str = ""

    def __str__(self) -> str:
        """The form in which others keep it."""
        return f"{self.position}.{self.mark}" if self.position else START

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """Read a cursor; ``None`` for nonsense. Nothing at all is the start, too."""
        if text in ("", START):
            return cls()
        match = _CURSOR.fullmatch(text)
        return None if match is None else cls(int(match[1]), match[2])

    @classmethod
    def at(cls, row_id: int, digest: bytes) -> "Cursor":
        """Name a row."""
        return cls(row_id, digest[:_MARK_BYTES].hex())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table, as far as the feed tells of it."""

    id: int
    kind: str
    digest: bytes
    not_before: int | None
    forget_at: int

    @property
    def cursor(self) -> Cursor:
        """The cursor of somebody who has read up to here."""
        return Cursor.at(self.id, self.digest)


@dataclass(frozen=True, slots=True)
class Follows:
    """These rows follow the cursor; ``more`` says that they are not all."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The table does not know the cursor: too old, from the future, or from elsewhere. Begin from the start."""


def decide_page(after: Cursor, rows: Sequence[Row], *, size: int) -> Follows | Lost:
    """Tell what to answer. ``rows`` are those from the cursor's own on, two more than ``size`` at most."""
    if after.position:
        if not rows or rows[0].cursor != after:
            return Lost()
        rows = rows[1:]
    return Follows(tuple(rows[:size]), more=len(rows) > size)
