"""The SQL of table ``account``."""

import json
from collections.abc import Sequence
from typing import Any, Final

from doorward.accounts.model import Account, login_key
from doorward.db import Database, Row, Statement, guarded, inserting, marks

COLUMNS: Final = "id, email, email_verified_at, username, profile, roles, created_at, last_login_at, disabled_at"

_FIND: Final = f"SELECT {COLUMNS} FROM account WHERE id = :id"
_FIND_BY_EMAIL: Final = f"SELECT {COLUMNS} FROM account WHERE email_key = :key"
_PAGE: Final = f"""
    SELECT {COLUMNS} FROM account
    WHERE created_at > :created_at OR (created_at = :created_at AND id > :id)
    ORDER BY created_at, id LIMIT :size
"""


def from_row(row: Row) -> Account:
    """Read a row that has :data:`COLUMNS`."""
    return Account(
        id=row["id"],
        email=row["email"],
        email_verified_at=row["email_verified_at"],
        username=row["username"],
        profile=json.loads(row["profile"]),
        roles=tuple(json.loads(row["roles"])),
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
        disabled_at=row["disabled_at"],
    )


async def find(database: Database, account_id: str) -> Account | None:
    """Find an account by its id."""
    row = await database.fetch_one(_FIND, id=account_id)
    return None if row is None else from_row(row)


async def find_by_email(database: Database, email: str) -> Account | None:
    """Find an account by its address, whatever the letter case."""
    row = await database.fetch_one(_FIND_BY_EMAIL, key=login_key(email))
    return None if row is None else from_row(row)


async def page(database: Database, *, after: tuple[int, str], size: int) -> list[Account]:
    """List accounts by age, from just after ``(created_at, id)``."""
    rows = await database.fetch_all(_PAGE, created_at=after[0], id=after[1], size=size)
    return [from_row(row) for row in rows]


async def taken(database: Database, keys: Sequence[str]) -> set[str]:
    """Tell which of these login keys belong to an account already."""
    listed = marks("key", len(keys))
    parameters = {f"key_{place}": key for place, key in enumerate(keys)}
    rows = await database.fetch_all(
        f"SELECT email_key AS key FROM account WHERE email_key IN ({listed}) UNION ALL "
        f"SELECT username_key AS key FROM account WHERE username_key IN ({listed})",
        **parameters,
    )
    return {row["key"] for row in rows}


def insert_many(accounts: Sequence[Account]) -> Statement:
    """Make many accounts; one login that is taken refuses all of them (``Duplicate``)."""
    return inserting(
        "account",
        [
            {
                "id": account.id,
                "email": account.email,
                "email_key": login_key(account.email),
                "email_verified_at": account.email_verified_at,
                "username": account.username,
                "username_key": None if account.username is None else login_key(account.username),
                "profile": _dump(account.profile),
                "roles": _dump(account.roles),
                "created_at": account.created_at,
                "disabled_at": account.disabled_at,
            }
            for account in accounts
        ],
    )


def insert(account: Account) -> Statement:
    """Make an account; a login that is taken is refused by the unique keys (``Duplicate``)."""
    return guarded(
        """
        INSERT INTO account (id, email, email_key, email_verified_at, username, username_key, profile, roles,
                             created_at, last_login_at, disabled_at)
        VALUES (:id, :email, :email_key, :email_verified_at, :username, :username_key, :profile, :roles,
                :created_at, NULL, NULL)
        RETURNING id
        """,
        id=account.id,
        email=account.email,
        email_key=login_key(account.email),
        email_verified_at=account.email_verified_at,
        username=account.username,
        username_key=None if account.username is None else login_key(account.username),
        profile=_dump(account.profile),
        roles=_dump(account.roles),
        created_at=account.created_at,
    )


def update_profile(
    account_id: str, *, username: str | None, keep_username: bool, profile: dict[str, Any] | None
) -> Statement:
    """Set what the owner may set. What is kept is not written, so two changes at once do not undo each other."""
    return guarded(
        f"""
        UPDATE account SET
            username = CASE WHEN :keep_username = 1 THEN username ELSE :username END,
            username_key = CASE WHEN :keep_username = 1 THEN username_key ELSE :username_key END,
            profile = COALESCE(:profile, profile)
        WHERE id = :id AND disabled_at IS NULL RETURNING {COLUMNS}
        """,
        id=account_id,
        keep_username=int(keep_username),
        username=username,
        username_key=None if username is None else login_key(username),
        profile=None if profile is None else _dump(profile),
    )


def set_roles(account_id: str, roles: tuple[str, ...]) -> Statement:
    """Set the roles, which only an operator or the host does."""
    return guarded("UPDATE account SET roles = :roles WHERE id = :id RETURNING id", id=account_id, roles=_dump(roles))


def disable(account_id: str, *, now: int) -> Statement:
    """Disable; this row's lock is what a log-in that is under way waits for."""
    return guarded(
        "UPDATE account SET disabled_at = :now WHERE id = :id AND disabled_at IS NULL RETURNING id",
        id=account_id,
        now=now,
    )


def enable(account_id: str) -> Statement:
    """Enable again."""
    return guarded(
        "UPDATE account SET disabled_at = NULL WHERE id = :id AND disabled_at IS NOT NULL RETURNING id", id=account_id
    )


def admit(account_id: str, *, now: int) -> Statement:
    """Let a log-in happen, unless the account was disabled since it was read.

    It takes the lock of the account's row first, so that a log-in and an ending of all sessions cannot pass each
    other: whichever comes second sees what the first one did.
    """
    return guarded(
        "UPDATE account SET last_login_at = :now WHERE id = :id AND disabled_at IS NULL RETURNING id",
        id=account_id,
        now=now,
    )


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
