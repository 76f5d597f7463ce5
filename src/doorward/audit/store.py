"""The SQL of the audit trail and of its checkpoints."""

from collections.abc import Mapping
from typing import Any, Final

from doorward.audit.model import Checkpoint, Line
from doorward.db import Database, Row, Statement, guarded, inserting, statement

_COLUMNS: Final = (
    "id, recorded_at, event, account_id, session_id, actor, request_id, ip_prefix, detail, "
    "position, salt, commitment, digest"
)
_UNSEALED: Final = f"SELECT {_COLUMNS} FROM audit_event WHERE position IS NULL ORDER BY id LIMIT :size"
_SEALED: Final = f"""
    SELECT {_COLUMNS} FROM audit_event WHERE position > :after AND position <= :up_to ORDER BY position LIMIT :size
"""
_OWN: Final = f"""
    SELECT {_COLUMNS} FROM audit_event WHERE account_id = :account_id AND id < :before ORDER BY id DESC LIMIT :size
"""
_NEWEST: Final = f"SELECT {_COLUMNS} FROM audit_event WHERE id < :before ORDER BY id DESC LIMIT :size"
_CHECKPOINT_COLUMNS: Final = "position, previous, digest, sealed_at, mac, anchor"
_CHECKPOINTS: Final = f"SELECT {_CHECKPOINT_COLUMNS} FROM audit_checkpoint ORDER BY position"
_LAST: Final = f"SELECT {_CHECKPOINT_COLUMNS} FROM audit_checkpoint ORDER BY position DESC LIMIT 1"
_PRUNABLE: Final = f"""
    SELECT {_CHECKPOINT_COLUMNS} FROM audit_checkpoint
    WHERE sealed_at < :before AND position <= (SELECT MIN(position) FROM audit_checkpoint) + :most
    ORDER BY position DESC LIMIT 1
"""
_IS_TOLD: Final = """
    SELECT 1 FROM audit_event
    WHERE account_id = :account_id AND event = :event AND (position IS NULL OR position > :after) LIMIT 1
"""
_WAITING: Final = "SELECT COUNT(*) AS lines, MIN(recorded_at) AS since FROM audit_event WHERE position IS NULL"


def record(*lines: Mapping[str, Any]) -> Statement:
    """Add lines; each has every column that a writer fills in."""
    return inserting("audit_event", lines)


async def unsealed(database: Database, *, size: int) -> list[Line]:
    """Read the lines that have been committed and have no position yet."""
    return [_line(row) for row in await database.fetch_all(_UNSEALED, size=size)]


async def sealed(database: Database, *, after: int, up_to: int, size: int) -> list[Line]:
    """Read lines in the order of the chain."""
    return [_line(row) for row in await database.fetch_all(_SEALED, after=after, up_to=up_to, size=size)]


async def newest(database: Database, *, account_id: str | None, before: int, size: int) -> list[Line]:
    """Read the newest lines, of one account or of all; ``before`` is an id."""
    if account_id is None:
        return [_line(row) for row in await database.fetch_all(_NEWEST, before=before, size=size)]
    return [_line(row) for row in await database.fetch_all(_OWN, account_id=account_id, before=before, size=size)]


async def waiting(database: Database) -> tuple[int, int | None]:
    """Count the lines without a position, and tell since when the oldest has been waiting."""
    row = await database.fetch_one(_WAITING)
    return (0, None) if row is None else (row["lines"], row["since"])


async def is_told(database: Database, account_id: str, event: str, *, after: int) -> bool:
    """Tell whether the trail has such an event of such an account after a position, or one that is not sealed yet."""
    return await database.fetch_one(_IS_TOLD, account_id=account_id, event=event, after=after) is not None


async def checkpoints(database: Database) -> list[Checkpoint]:
    """Read every checkpoint."""
    return [_checkpoint(row) for row in await database.fetch_all(_CHECKPOINTS)]


async def last_checkpoint(database: Database) -> Checkpoint | None:
    """Read the newest checkpoint."""
    row = await database.fetch_one(_LAST)
    return None if row is None else _checkpoint(row)


async def prunable(database: Database, *, before: int, most: int) -> Checkpoint | None:
    """Read the newest checkpoint that was made before a time, ``most`` lines at most after the beginning."""
    row = await database.fetch_one(_PRUNABLE, before=before, most=most)
    return None if row is None else _checkpoint(row)


async def beginning(database: Database) -> int:
    """Return the position of the oldest checkpoint."""
    row = await database.fetch_one("SELECT MIN(position) AS position FROM audit_checkpoint")
    return 0 if row is None else row["position"] or 0


def seal(line: Line, *, position: int, salt: bytes, commitment: bytes, digest: bytes) -> Statement:
    """Give a line its place, unless it has one already or its person was erased since it was read."""
    return guarded(
        """
        UPDATE audit_event SET position = :position, salt = :salt, commitment = :commitment, digest = :digest
        WHERE id = :id AND position IS NULL AND COALESCE(account_id, '') = :account_id AND actor = :actor RETURNING id
        """,
        id=line.id,
        account_id=line.account_id or "",
        actor=line.actor,
        position=position,
        salt=salt,
        commitment=commitment,
        digest=digest,
    )


def insert_checkpoint(checkpoint: Checkpoint) -> Statement:
    """Say where the chain stands. ``previous`` is unique, so of many sealers one goes on from there."""
    return statement(
        """
        INSERT INTO audit_checkpoint (position, previous, digest, sealed_at, mac)
        VALUES (:position, :previous, :digest, :sealed_at, :mac)
        """,
        position=checkpoint.position,
        previous=checkpoint.previous,
        digest=checkpoint.digest,
        sealed_at=checkpoint.sealed_at,
        mac=checkpoint.mac,
    )


def supersede(position: int) -> Statement:
    """Forget a checkpoint for which a later one stands; an anchor stays."""
    return statement("DELETE FROM audit_checkpoint WHERE position = :position AND anchor IS NULL", position=position)


def anchor(position: int, mac: bytes) -> Statement:
    """Let the trail begin after this checkpoint."""
    return guarded(
        "UPDATE audit_checkpoint SET anchor = :mac WHERE position = :position RETURNING position",
        position=position,
        mac=mac,
    )


def forget(position: int) -> list[Statement]:
    """Forget the lines up to a position, and the checkpoints before it."""
    return [
        statement("DELETE FROM audit_event WHERE position <= :position", position=position),
        statement("DELETE FROM audit_checkpoint WHERE position < :position", position=position),
    ]


def erase(account_id: str, *, pseudonym: str) -> Statement:
    """Replace what names a person by a pseudonym, and drop the salts that would let somebody guess it back."""
    return statement(
        """
        UPDATE audit_event SET account_id = :pseudonym, session_id = NULL, actor = '', ip_prefix = '', detail = '{}',
            salt = NULL
        WHERE account_id = :account_id
        """,
        account_id=account_id,
        pseudonym=pseudonym,
    )


def _line(row: Row) -> Line:
    return Line(**{name: row[name] for name in row.keys()})  # noqa: SIM118 - a row is no mapping


def _checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(**{name: row[name] for name in row.keys()})  # noqa: SIM118 - a row is no mapping
