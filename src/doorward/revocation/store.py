"""The SQL of table ``revocation``."""

from typing import Any, Final

from doorward.db import Database, Row, Statement, announced, statement

_NEWS: Final = "SELECT id, digest, forget_at FROM revocation WHERE id > :position ORDER BY id LIMIT :size"


async def news(database: Database, *, position: int, size: int) -> list[Row]:
    """Read what was added after a position."""
    return await database.fetch_all(_NEWS, position=position, size=size)


def insert(digest: bytes, *, now: int, forget_at: int) -> Statement:
    """Record one."""
    return announced(
        statement(
            """
            INSERT INTO revocation (digest, recorded_at, forget_at) VALUES (:digest, :now, :forget_at)
            RETURNING digest, forget_at
            """,
            digest=digest,
            now=now,
            forget_at=forget_at,
        )
    )


def insert_selected(select: str, *, now: int, forget_at: int, **parameters: Any) -> Statement:
    """Record every digest that ``select`` names; it may use ``:now``."""
    return announced(
        statement(
            f"""
            INSERT INTO revocation (digest, recorded_at, forget_at)
            SELECT named.digest, CAST(:now AS BIGINT), CAST(:forget_at AS BIGINT) FROM ({select}) AS named
            RETURNING digest, forget_at
            """,
            now=now,
            forget_at=forget_at,
            **parameters,
        )
    )


def forget(*, before: int) -> Statement:
    """Delete what no token can still say."""
    return statement("DELETE FROM revocation WHERE forget_at < :before", before=before)
