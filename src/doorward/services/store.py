"""The SQL of table ``service``."""

from typing import Final

from doorward.db import Database, Row, Statement, guarded, statement
from doorward.services.model import PERMISSIONS, Service

_COLUMNS: Final = "name, audience, may, digest, former_digest, former_until, created_at, rotated_at"


def from_row(row: Row) -> Service:
    """Read a row."""
    granted = row["may"].split()
    return Service(
        name=row["name"],
        audience=row["audience"],
        may=tuple(permission for permission in PERMISSIONS if permission in granted),
        digest=row["digest"],
        former_digest=row["former_digest"],
        former_until=row["former_until"],
        created_at=row["created_at"],
        rotated_at=row["rotated_at"],
    )


async def find(database: Database, name: str) -> Service | None:
    """Find a service by name."""
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM service WHERE name = :name", name=name)
    return None if row is None else from_row(row)


async def find_by_digest(database: Database, digest: bytes) -> Service | None:
    """Find the service whose present or former key has that digest."""
    row = await database.fetch_one(
        f"SELECT {_COLUMNS} FROM service WHERE digest = :digest OR former_digest = :digest", digest=digest
    )
    return None if row is None else from_row(row)


async def page(database: Database, *, after: str, size: int) -> list[Service]:
    """List services by name."""
    rows = await database.fetch_all(
        f"SELECT {_COLUMNS} FROM service WHERE name > :after ORDER BY name LIMIT :size", after=after, size=size
    )
    return [from_row(row) for row in rows]


def insert(service: Service) -> Statement:
    """Add a service; a name that is taken is ``Duplicate``."""
    return statement(
        """
        INSERT INTO service (name, audience, may, digest, former_digest, former_until, created_at, rotated_at)
        VALUES (:name, :audience, :may, :digest, NULL, NULL, :created_at, NULL)
        """,
        name=service.name,
        audience=service.audience,
        may=" ".join(service.may),
        digest=service.digest,
        created_at=service.created_at,
    )


def rotate(name: str, *, digest: bytes, former_until: int, now: int) -> Statement:
    """Give a service another key; the one so far becomes the former one, and the one before that is forgotten."""
    return guarded(
        """
        UPDATE service SET former_digest = digest, former_until = :former_until, digest = :digest, rotated_at = :now
        WHERE name = :name RETURNING name
        """,
        name=name,
        digest=digest,
        former_until=former_until,
        now=now,
    )


def delete(name: str) -> Statement:
    """Remove a service; from the commit on its keys are worth nothing."""
    return guarded("DELETE FROM service WHERE name = :name RETURNING name", name=name)
