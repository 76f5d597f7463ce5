"""The SQL of tables ``status_entry`` and ``status_serial``."""

from typing import Final

from doorward.db import Database, Statement, statement

_INVALID: Final = """
    SELECT serial FROM status_entry
    WHERE serial >= :first AND serial < :behind AND NOT EXISTS (
        SELECT 1 FROM session JOIN account ON account.id = session.account_id
        WHERE session.id = status_entry.session_id AND session.ended_at IS NULL AND account.disabled_at IS NULL
    ) ORDER BY serial
"""

_GONE: Final = "session_id = 'gone ' || CAST(serial AS TEXT)"


async def invalid(database: Database, *, first: int, behind: int) -> list[int]:
    """List the serials whose session has ended, whose account is disabled, or which are gone altogether."""
    return [row["serial"] for row in await database.fetch_all(_INVALID, first=first, behind=behind)]


async def next_serial(database: Database) -> int:
    """Return the first serial that nobody has."""
    row = await database.fetch_one("SELECT next FROM status_serial WHERE id = 1")
    return 0 if row is None else row["next"]


def lease(size: int, *, spread: bytes) -> list[Statement]:
    """Take serials; the last statement returns the first one behind them, and the key that spreads them."""
    return [
        statement(
            "INSERT INTO status_serial (id, next, spread) VALUES (1, 0, :spread) ON CONFLICT (id) DO NOTHING",
            spread=spread,
        ),
        statement("UPDATE status_serial SET next = next + :size WHERE id = 1 RETURNING next, spread", size=size),
    ]


def insert(serial: int, *, session_id: str, forget_at: int) -> Statement:
    """Give a session its place, and return the serial that it has: somebody else may have been quicker."""
    return statement(
        """
        INSERT INTO status_entry (serial, session_id, forget_at) VALUES (:serial, :session_id, :forget_at)
        ON CONFLICT (session_id) DO UPDATE SET session_id = excluded.session_id RETURNING serial
        """,
        serial=serial,
        session_id=session_id,
        forget_at=forget_at,
    )


def abandon(session_id: str, *, forget_at: int) -> Statement:
    """Take a session's place away: the entry stays and says "invalid"."""
    return statement(
        f"UPDATE status_entry SET {_GONE}, forget_at = :forget_at WHERE session_id = :session_id",
        session_id=session_id,
        forget_at=forget_at,
    )


def forget(*, now: int, later: int) -> list[Statement]:
    """Abandon entries that are due and whose session is gone, and delete those that were abandoned long enough ago.

    A session that was extended is there for longer than its entry was meant to be; then the entry waits for it.
    """
    return [
        statement("DELETE FROM status_entry WHERE forget_at < :now AND session_id LIKE 'gone %'", now=now),
        statement(
            f"""
            UPDATE status_entry SET {_GONE}, forget_at = :later WHERE forget_at < :now AND NOT EXISTS (
                SELECT 1 FROM session WHERE session.id = status_entry.session_id
            )
            """,
            now=now,
            later=later,
        ),
    ]
