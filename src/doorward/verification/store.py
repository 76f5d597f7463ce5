"""The SQL of table ``challenge``."""

from typing import Final

from doorward.db import Database, Row, Statement, guarded, statement
from doorward.verification.model import Challenge, Purpose

_COLUMNS: Final = """id, handle, generation, key_id, purpose, account_id, address, payload, tries, created_at,
    expires_at, ended_at"""

_FIND: Final = f"SELECT {_COLUMNS} FROM challenge WHERE id = :id"
_FIND_BY_HANDLE: Final = f"SELECT {_COLUMNS} FROM challenge WHERE handle = :handle"
_OF_ACCOUNT: Final = f"""
    SELECT {_COLUMNS} FROM challenge WHERE account_id = :account_id ORDER BY created_at DESC, id DESC LIMIT :size
"""


def from_row(row: Row) -> Challenge:
    """Read a row."""
    return Challenge(
        id=row["id"],
        handle=row["handle"],
        generation=row["generation"],
        key_id=row["key_id"],
        purpose=row["purpose"],
        account_id=row["account_id"],
        address=row["address"],
        payload=row["payload"],
        tries=row["tries"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )


async def find(database: Database, challenge_id: str) -> Challenge | None:
    """Find a challenge by its public id."""
    row = await database.fetch_one(_FIND, id=challenge_id)
    return None if row is None else from_row(row)


async def find_by_handle(database: Database, handle: bytes) -> Challenge | None:
    """Find a challenge by the handle in its token."""
    row = await database.fetch_one(_FIND_BY_HANDLE, handle=handle)
    return None if row is None else from_row(row)


async def of_account(database: Database, account_id: str, *, size: int) -> list[Challenge]:
    """List the challenges of an account, the newest first."""
    return [from_row(row) for row in await database.fetch_all(_OF_ACCOUNT, account_id=account_id, size=size)]


def insert(challenge: Challenge) -> Statement:
    """Make a challenge."""
    return statement(
        """
        INSERT INTO challenge (id, handle, generation, key_id, purpose, account_id, address, payload, tries, created_at,
                               expires_at, ended_at)
        VALUES (:id, :handle, :generation, :key_id, :purpose, :account_id, :address, :payload, 0, :created_at,
                :expires_at, NULL)
        """,
        id=challenge.id,
        handle=challenge.handle,
        generation=challenge.generation,
        key_id=challenge.key_id,
        purpose=challenge.purpose,
        account_id=challenge.account_id,
        address=challenge.address,
        payload=challenge.payload,
        created_at=challenge.created_at,
        expires_at=challenge.expires_at,
    )


def renew(challenge_id: str, *, generation: int, key_id: bytes, now: int, expires_at: int) -> Statement:
    """Move to the next generation: the older link and code are dead, and the tries begin anew."""
    return statement(
        """
        UPDATE challenge SET generation = generation + 1, key_id = :key_id, tries = 0, created_at = :now,
            expires_at = :expires_at
        WHERE id = :id AND generation = :generation AND ended_at IS NULL
        """,
        id=challenge_id,
        generation=generation,
        key_id=key_id,
        now=now,
        expires_at=expires_at,
    )


def count_try(challenge_id: str, *, limit: int, now: int) -> Statement:
    """Count a code that is about to be compared. Parallel tries cannot slip past: the statement counts and tells.

    A decoy is counted too, because a row that changes takes longer than none, and that could be measured.
    """
    return statement(
        f"""
        UPDATE challenge SET tries = tries + 1
        WHERE id = :id AND tries < :limit AND ended_at IS NULL AND expires_at > :now
        RETURNING {_COLUMNS}
        """,
        id=challenge_id,
        limit=limit,
        now=now,
    )


def forgive_try(challenge_id: str) -> Statement:
    """Give back a try whose code was right."""
    return statement("UPDATE challenge SET tries = tries - 1 WHERE id = :id AND tries > 0", id=challenge_id)


def redeem(challenge: Challenge, *, now: int) -> Statement:
    """Use it up. Of many who try, one gets the row."""
    return guarded(
        """
        UPDATE challenge SET ended_at = :now
        WHERE id = :id AND generation = :generation AND ended_at IS NULL AND expires_at > :now RETURNING id
        """,
        id=challenge.id,
        generation=challenge.generation,
        now=now,
    )


def end_purpose(account_id: str, purpose: Purpose, *, now: int) -> Statement:
    """End an account's challenges of one purpose, because a newer one takes their place."""
    return statement(
        """
        UPDATE challenge SET ended_at = :now
        WHERE account_id = :account_id AND purpose = :purpose AND ended_at IS NULL
        """,
        account_id=account_id,
        purpose=purpose,
        now=now,
    )


def end_all(account_id: str, *, now: int, keep: Purpose | None) -> Statement:
    """End an account's challenges, but perhaps those of one purpose."""
    return statement(
        """
        UPDATE challenge SET ended_at = :now
        WHERE account_id = :account_id AND purpose <> :keep AND ended_at IS NULL
        """,
        account_id=account_id,
        keep=keep or "",
        now=now,
    )


def end_later(challenge: Challenge, *, now: int) -> Statement:
    """End the challenges of the same purpose and account that were made after one; those before it stay."""
    return statement(
        """
        UPDATE challenge SET ended_at = :now
        WHERE account_id = :account_id AND purpose = :purpose AND created_at > :created_at AND ended_at IS NULL
        """,
        account_id=challenge.account_id,
        purpose=challenge.purpose,
        created_at=challenge.created_at,
        now=now,
    )


def erase_decoys(account_id: str) -> Statement:
    """Delete decoys with the address of an account: what others have asked for names its owner as well."""
    return statement(
        """
        DELETE FROM challenge
        WHERE account_id IS NULL AND LOWER(address) = (SELECT email_key FROM account WHERE id = :account_id)
        """,
        account_id=account_id,
    )


def forget(*, before: int) -> Statement:
    """Delete what is long over."""
    return statement("DELETE FROM challenge WHERE expires_at < :before", before=before)
