"""The SQL of table ``password``."""

from collections.abc import Mapping
from typing import Final

from doorward.accounts.model import login_key
from doorward.db import Database, Row, Statement, guarded, inserting, statement

# Everything a log-in decides on, in one reading: the account, the hash, and how many sessions there are.
_COLUMNS: Final = """
    account.id, email, email_verified_at, username, profile, roles, created_at, last_login_at, disabled_at,
    password.hash, password.version, password.failures,
    (SELECT COUNT(*) FROM session WHERE session.account_id = account.id AND ended_at IS NULL AND expires_at > :now)
        AS live_sessions
"""
_BY_EMAIL: Final = f"""
    SELECT {_COLUMNS} FROM account LEFT JOIN password ON password.account_id = account.id WHERE email_key = :key
"""
_BY_USERNAME: Final = f"""
    SELECT {_COLUMNS} FROM account LEFT JOIN password ON password.account_id = account.id WHERE username_key = :key
"""
_BY_ID: Final = f"""
    SELECT {_COLUMNS} FROM account LEFT JOIN password ON password.account_id = account.id WHERE account.id = :key
"""


async def find_by_login(database: Database, login: str, *, now: int) -> Row | None:
    """Read what a log-in decides on. An address has an ``@``, a username cannot have one."""
    return await database.fetch_one(_BY_EMAIL if "@" in login else _BY_USERNAME, key=login_key(login), now=now)


async def find_by_id(database: Database, account_id: str, *, now: int) -> Row | None:
    """Read the same for an account that is known already."""
    return await database.fetch_one(_BY_ID, key=account_id, now=now)


def insert(account_id: str, *, hashed: str, now: int) -> Statement:
    """Give an account its first password."""
    return statement(
        """
        INSERT INTO password (account_id, hash, version, changed_at, failures)
        VALUES (:account_id, :hash, 1, :now, 0)
        """,
        account_id=account_id,
        hash=hashed,
        now=now,
    )


def insert_many(hashes: Mapping[str, str], *, now: int) -> Statement:
    """Give many new accounts their first passwords, by account id."""
    return inserting(
        "password",
        [
            {"account_id": account_id, "hash": hashed, "version": 1, "changed_at": now, "failures": 0}
            for account_id, hashed in hashes.items()
        ],
    )


def confirm(account_id: str, *, version: int, seen: str, replacement: str) -> Statement:
    """Let a right password count: no failures any more, perhaps a better hash.

    Guarded by the version of the password that was verified, so that one changed meanwhile is neither overwritten nor
    let in; a hash that somebody else has improved meanwhile is left as it is.
    """
    return guarded(
        """
        UPDATE password SET failures = 0, hash = CASE WHEN hash = :seen THEN :replacement ELSE hash END
        WHERE account_id = :account_id AND version = :version RETURNING account_id
        """,
        account_id=account_id,
        version=version,
        seen=seen,
        replacement=replacement,
    )


def change(account_id: str, *, version: int, hashed: str, now: int) -> Statement:
    """Set another password, unless it was changed meanwhile."""
    return guarded(
        """
        UPDATE password SET hash = :hash, version = version + 1, changed_at = :now, failures = 0
        WHERE account_id = :account_id AND version = :version RETURNING account_id
        """,
        account_id=account_id,
        version=version,
        hash=hashed,
        now=now,
    )


def count_try(account_id: str, *, bound: int) -> Statement:
    """Count a try as wrong until it is known to be right; returns nothing when there have been ``bound`` in a row.

    Counting comes before hashing, so parallel tries cannot slip past. For an unknown login it matches nothing, and
    costs the same.
    """
    return statement(
        """
        UPDATE password SET failures = failures + 1 WHERE account_id = :account_id AND failures < :bound
        RETURNING failures
        """,
        account_id=account_id,
        bound=bound,
    )


def take_back(account_id: str) -> Statement:
    """Uncount a try that came to nothing: the server was too busy to hash."""
    return statement(
        "UPDATE password SET failures = failures - 1 WHERE account_id = :account_id AND failures > 0",
        account_id=account_id,
    )


def forgive(account_id: str) -> Statement:
    """Begin the count anew: the password was right, though it did not let its owner in."""
    return statement("UPDATE password SET failures = 0 WHERE account_id = :account_id", account_id=account_id)


def put(account_id: str, *, hashed: str, now: int) -> Statement:
    """Set a password in the place of whatever there is, after a proof of another kind; failures begin anew.

    Where there was none, the version is the time, so that no device of a password before is known by it.
    """
    return statement(
        """
        INSERT INTO password (account_id, hash, version, changed_at, failures)
        VALUES (:account_id, :hash, :now, :now, 0)
        ON CONFLICT (account_id) DO UPDATE SET
            hash = excluded.hash, version = password.version + 1, changed_at = excluded.changed_at, failures = 0
        """,
        account_id=account_id,
        hash=hashed,
        now=now,
    )


def remove(account_id: str) -> Statement:
    """Leave an account without a password."""
    return statement("DELETE FROM password WHERE account_id = :account_id", account_id=account_id)


_CHANGED_AT: Final = "SELECT changed_at, failures FROM password WHERE account_id = :account_id"


async def find_history(database: Database, account_id: str) -> Row | None:
    """Read what may be told of a password."""
    return await database.fetch_one(_CHANGED_AT, account_id=account_id)
