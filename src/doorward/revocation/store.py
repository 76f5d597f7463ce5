"""The SQL of table ``revocation``."""

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


async def news(database: Database, *, position: int, size: int) -> list[Row]:
    """Read what was added after a position."""
    return await database.fetch_all(_NEWS, position=position, size=size)


async def following(database: Database, *, position: int, since: int, size: int) -> list[Row]:
    """Read the row at a position, and behind it what is to be remembered after ``since``."""
    return await database.fetch_all(_FOLLOWING, position=position, since=since, size=size)


def insert(digest: bytes, *, kind: Kind, not_before: int | None, now: int, forget_at: int) -> Statement:
    """Record one."""
    return announced(
        statement(
            """
            INSERT INTO revocation (kind, digest, not_before, recorded_at, forget_at)
            VALUES (:kind, :digest, :not_before, :now, :forget_at)
            RETURNING digest, not_before, forget_at
            """,
            kind=kind,
            digest=digest,
            not_before=not_before,
            now=now,
            forget_at=forget_at,
        )
    )


def insert_selected(select: str, *, kind: Kind, now: int, forget_at: int, **parameters: Any) -> Statement:
    """Record every digest that ``select`` names; it may use ``:now``."""
    return announced(
        statement(
            f"""
            INSERT INTO revocation (kind, digest, recorded_at, forget_at)
            SELECT CAST(:kind AS TEXT), named.digest, CAST(:now AS BIGINT), CAST(:forget_at AS BIGINT)
            FROM ({select}) AS named
            RETURNING digest, not_before, forget_at
            """,
            kind=kind,
            now=now,
            forget_at=forget_at,
            **parameters,
        )
    )


def forget(*, before: int) -> Statement:
    """Delete what no token can still say, but the newest row: it is where everybody who is up to date stands."""
    return statement(
        "DELETE FROM revocation WHERE forget_at < :before AND id < (SELECT MAX(id) FROM revocation)", before=before
    )
