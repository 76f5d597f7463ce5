"""The SQL of tables ``revocation`` and ``revocation_memory``."""

from typing import Any, Final

from doorward.db import Database, Row, Statement, announced, statement
from doorward.verify.model import Kind

_COLUMNS: Final = "id, kind, digest, not_before, forget_at"

_NEWS: Final = f"SELECT {_COLUMNS} FROM revocation WHERE id > :position ORDER BY id LIMIT :size"

# The row at the position itself comes along, so that one statement tells what follows and whether it follows.
_FOLLOWING: Final = f"""
    SELECT {_COLUMNS} FROM revocation WHERE id >= :position AND (id = :position OR forget_at >= :since)
    ORDER BY id LIMIT :size
"""

# Asked in the act itself: another process may have given out tokens that live longer, a while ago or right now.
_FORGET_AT: Final = """
    (SELECT CAST(:now AS BIGINT) + MAX(seconds) FROM (
        SELECT CAST(:memory AS BIGINT) AS seconds
        UNION ALL SELECT seconds FROM revocation_memory WHERE seen_at + seconds + CAST(:slack AS BIGINT) >= :now
    ) AS memory)
"""


async def news(database: Database, *, position: int, size: int) -> list[Row]:
    """Read what was added after a position."""
    return await database.fetch_all(_NEWS, position=position, size=size)


async def following(database: Database, *, position: int, since: int, size: int) -> list[Row]:
    """Read the row at a position, and behind it what is to be remembered after ``since``."""
    return await database.fetch_all(_FOLLOWING, position=position, since=since, size=size)


def insert(digest: bytes, *, kind: Kind, not_before: int | None, now: int, memory: int, slack: int) -> Statement:
    """Record one, for ``memory`` seconds or for the longest that is recorded."""
    return announced(
        statement(
            f"""
            INSERT INTO revocation (kind, digest, not_before, recorded_at, forget_at)
            VALUES (:kind, :digest, :not_before, :now, {_FORGET_AT})
            RETURNING digest, not_before, forget_at
            """,
            kind=kind,
            digest=digest,
            not_before=not_before,
            now=now,
            memory=memory,
            slack=slack,
        )
    )


def insert_selected(select: str, *, kind: Kind, now: int, memory: int, slack: int, **parameters: Any) -> Statement:
    """Record every digest that ``select`` names, as :func:`insert` does; it may use ``:now``."""
    return announced(
        statement(
            f"""
            INSERT INTO revocation (kind, digest, recorded_at, forget_at)
            SELECT CAST(:kind AS TEXT), named.digest, CAST(:now AS BIGINT), {_FORGET_AT}
            FROM ({select}) AS named
            RETURNING digest, not_before, forget_at
            """,
            kind=kind,
            now=now,
            memory=memory,
            slack=slack,
            **parameters,
        )
    )


def forget(*, before: int) -> Statement:
    """Delete what no token can still say, but the newest row: it is where everybody who is up to date stands."""
    return statement(
        "DELETE FROM revocation WHERE forget_at < :before AND id < (SELECT MAX(id) FROM revocation)", before=before
    )


def see_memory(seconds: int, *, now: int) -> Statement:
    """Record that a process with this memory is there."""
    return statement(
        """
        INSERT INTO revocation_memory (seconds, seen_at) VALUES (:seconds, :now)
        ON CONFLICT (seconds) DO UPDATE SET seen_at = excluded.seen_at
        WHERE revocation_memory.seen_at < excluded.seen_at
        """,
        seconds=seconds,
        now=now,
    )


def forget_memories(*, now: int, slack: int) -> Statement:
    """Delete those whose last token has expired."""
    return statement(
        "DELETE FROM revocation_memory WHERE seen_at + seconds + CAST(:slack AS BIGINT) < :now", now=now, slack=slack
    )
