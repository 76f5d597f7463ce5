"""What a store hands to the database: statements with ``:name`` parameters, and the two ways a write is refused.

A write is a handful of statements that happen together or not at all. There are no interactive transactions: whoever
needs to decide reads first, decides without holding anything, and then writes once with *guarded* statements whose
``WHERE`` repeats what the decision relied on. So races are settled by the statement, concurrent writes can share a
commit, and nothing can raise while a transaction waits. This module knows no driver.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol


class Row(Protocol):
    """One row of a result, read by column name or by position. Both drivers' own rows fit."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a write; made by :func:`statement` or :func:`guarded`."""

    sql: str
    parameters: Mapping[str, Any] = field(repr=False)
    guarded: int = 0
    """How many rows it must touch, or return, at least; otherwise the whole write is rolled back."""
    announced: bool = False


class GuardFailed(Exception):  # noqa: N818 - reads as what has happened
    """A guarded statement touched too few rows, or a row that a foreign key needs is gone; the write was rolled back.

    ``index`` tells which statement of the write it was, counted from 0. This is how a racer learns that it lost.
    """

    def __init__(self, index: int) -> None:
        """Keep the position."""
        self.index = index
        super().__init__(f"statement {index} matched nothing")


class Duplicate(Exception):  # noqa: N818 - reads as what has happened
    """A unique constraint was violated; the write was rolled back.

    ``constraint`` is ``table.column`` on both engines, and ``table.one, table.two`` for a constraint over two columns.
    """

    def __init__(self, constraint: str) -> None:
        """Keep the name of the constraint; the value that exists already is not kept."""
        self.constraint = constraint
        super().__init__(constraint)


def statement(sql: str, /, **parameters: Any) -> Statement:
    """Make a statement that may touch any number of rows, none included."""
    return Statement(sql, parameters)


def guarded(sql: str, /, **parameters: Any) -> Statement:
    """Make a statement that must touch (or return) at least one row; otherwise the whole write is rolled back."""
    return Statement(sql, parameters, guarded=1)


def all_or_nothing(statement: Statement, *, rows: int) -> Statement:
    """Mark a statement that must return that many rows; if one of them is missing, the whole write is rolled back."""
    return replace(statement, guarded=rows)


def inserting(into: str, rows: Sequence[Mapping[str, Any]]) -> Statement:
    """Make one statement that inserts many rows: ``into`` is the table, the rows have the columns as their keys.

    One text for each number of rows, so write in batches of one size.
    """
    columns = tuple(rows[0])
    parameters = {f"{name}_{place}": row[name] for place, row in enumerate(rows) for name in columns}
    return Statement(_insert_text(into, columns, len(rows)), parameters)


@lru_cache(maxsize=64)
def marks(name: str, count: int) -> str:
    """Write ``:name_0, :name_1, …`` for an ``IN (…)``."""
    return ", ".join(f":{name}_{place}" for place in range(count))


@lru_cache(maxsize=64)
def _insert_text(into: str, columns: tuple[str, ...], count: int) -> str:
    rows = (f"({', '.join(f':{name}_{place}' for name in columns)})" for place in range(count))
    return f"INSERT INTO {into} ({', '.join(columns)}) VALUES {', '.join(rows)}"  # noqa: S608 - names are constants


def announced(statement: Statement) -> Statement:
    """Mark a statement whose effect other processes must look at soon after the commit.

    Announced writes are also put in line: they commit in the order of the ids they are given, so that a reader which
    asks for ``id > :cursor`` never overtakes one that is still open.
    """
    return replace(statement, announced=True)
