"""The SQL of table ``import_run``."""

from typing import Final

from doorward.db import Database, Row, Statement, guarded, statement

_FIND: Final = "SELECT position, imported, skipped, refused, finished_at FROM import_run WHERE digest = :digest"


async def find(database: Database, digest: bytes) -> Row | None:
    """Find how far a file has been imported."""
    return await database.fetch_one(_FIND, digest=digest)


def begin(digest: bytes, *, form: str, now: int) -> Statement:
    """Begin with a file, unless somebody has begun already."""
    return statement(
        """
        INSERT INTO import_run (digest, format, position, imported, skipped, refused, started_at)
        VALUES (:digest, :format, 0, 0, 0, 0, :now) ON CONFLICT (digest) DO NOTHING
        """,
        digest=digest,
        format=form,
        now=now,
    )


def advance(digest: bytes, *, was: int, position: int, imported: int, skipped: int, refused: int) -> Statement:
    """Move on; of two that import one file at once, the slower one is refused, and imports nothing twice."""
    return guarded(
        """
        UPDATE import_run SET position = :position, imported = imported + :imported, skipped = skipped + :skipped,
            refused = refused + :refused
        WHERE digest = :digest AND position = :was RETURNING position
        """,
        digest=digest,
        was=was,
        position=position,
        imported=imported,
        skipped=skipped,
        refused=refused,
    )


def finish(digest: bytes, *, now: int) -> Statement:
    """Remember that a file was read to its end."""
    return statement("UPDATE import_run SET finished_at = :now WHERE digest = :digest", digest=digest, now=now)
