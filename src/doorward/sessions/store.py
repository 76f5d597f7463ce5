"""The SQL of table ``session``."""

from collections.abc import Mapping
from typing import Final

from doorward.db import Database, Row, Statement, announced, guarded, statement
from doorward.sessions.model import Session

_COLUMNS: Final = """id, account_id, handle, generation, digest, transport, amr, auth_time, created_at, last_seen_at,
    idle_lifetime, expires_at, remembered, user_agent, ip_prefix, ended_at,
    (SELECT serial FROM status_entry WHERE status_entry.session_id = session.id) AS status_serial"""

_FIND: Final = f"SELECT {_COLUMNS} FROM session WHERE id = :id"

# The account's state belongs to the answer: a disabled account has no live session, whatever its row says.
_FIND_BY_HANDLE: Final = f"""
    SELECT {_COLUMNS},
        (SELECT disabled_at FROM account WHERE account.id = session.account_id) AS disabled_at,
        (SELECT roles FROM account WHERE account.id = session.account_id) AS roles,
        (SELECT email_verified_at FROM account WHERE account.id = session.account_id) AS email_verified_at
    FROM session WHERE handle = :handle
"""

# A bearer session is seen when its family rotates, which is one statement on another table.
_LIVE_PAGE: Final = f"""
    SELECT {_COLUMNS},
        COALESCE((SELECT MAX(rotated_at) FROM token_family WHERE session_id = session.id), 0) AS rotated_at
    FROM session
    WHERE account_id = :account_id AND ended_at IS NULL AND expires_at > :now
      AND (created_at < :created_at OR (created_at = :created_at AND id < :id))
    ORDER BY created_at DESC, id DESC LIMIT :size
"""

_SEEN_SIZES: Final = (1, 16, 256)
_SEEN: Final = """
    UPDATE session SET last_seen_at = seen.column2 FROM (VALUES {pairs}) AS seen
    WHERE session.id = seen.column1 AND session.last_seen_at < seen.column2 AND session.ended_at IS NULL
"""
_SEEN_PAIR: Final = "(CAST(:id{0} AS TEXT), CAST(:at{0} AS BIGINT))"
_SEEN_TEXTS: Final = {
    size: _SEEN.format(pairs=", ".join(_SEEN_PAIR.format(number) for number in range(size))) for size in _SEEN_SIZES
}

_NEWEST_CHANGE: Final = "SELECT COALESCE(MAX(id), 0) AS position FROM session_change"
_CHANGES: Final = "SELECT id, digest FROM session_change WHERE id > :position ORDER BY id LIMIT :size"

LIVE: Final = "account_id = :account_id AND ended_at IS NULL AND expires_at > :now"


def from_row(row: Row) -> Session:
    """Read a row that has the session's columns."""
    return Session(
        id=row["id"],
        account_id=row["account_id"],
        handle=row["handle"],
        generation=row["generation"],
        digest=row["digest"],
        transport=row["transport"],
        amr=tuple(row["amr"].split()),
        auth_time=row["auth_time"],
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        idle_lifetime=row["idle_lifetime"],
        expires_at=row["expires_at"],
        remembered=row["remembered"] == 1,
        user_agent=row["user_agent"],
        ip_prefix=row["ip_prefix"],
        ended_at=row["ended_at"],
        status_serial=row["status_serial"],
    )


async def find(database: Database, session_id: str) -> Session | None:
    """Find a session by its public id."""
    row = await database.fetch_one(_FIND, id=session_id)
    return None if row is None else from_row(row)


async def find_by_handle(database: Database, handle: bytes) -> Row | None:
    """Find a session by its cookie's handle, with the state of its account."""
    return await database.fetch_one(_FIND_BY_HANDLE, handle=handle)


async def live_page(database: Database, account_id: str, *, now: int, before: tuple[int, str], size: int) -> list[Row]:
    """List what may still be live, the newest first, from just before ``(created_at, id)``."""
    return await database.fetch_all(
        _LIVE_PAGE, account_id=account_id, now=now, created_at=before[0], id=before[1], size=size
    )


async def newest_change(database: Database) -> int:
    """Return the position behind which changes are news."""
    row = await database.fetch_one(_NEWEST_CHANGE)
    return 0 if row is None else int(row["position"])


async def changes(database: Database, *, position: int, size: int) -> list[Row]:
    """Read what was changed after a position."""
    return await database.fetch_all(_CHANGES, position=position, size=size)


def change(digest: bytes, *, now: int) -> Statement:
    """Tell every process that what it remembers of one session, or of one account's sessions, is no longer so."""
    return announced(
        statement(
            "INSERT INTO session_change (digest, recorded_at) VALUES (:digest, :now) RETURNING digest AS changed",
            digest=digest,
            now=now,
        )
    )


def forget_changes(*, before: int) -> Statement:
    """Delete what every process has read long ago."""
    return statement("DELETE FROM session_change WHERE recorded_at < :before", before=before)


def insert(session: Session) -> Statement:
    """Start a session."""
    return statement(
        """
        INSERT INTO session (id, account_id, handle, generation, digest, transport, amr, auth_time, created_at,
                             last_seen_at, idle_lifetime, expires_at, remembered, user_agent, ip_prefix, ended_at)
        VALUES (:id, :account_id, :handle, :generation, :digest, :transport, :amr, :auth_time, :created_at,
                :last_seen_at, :idle_lifetime, :expires_at, :remembered, :user_agent, :ip_prefix, NULL)
        """,
        id=session.id,
        account_id=session.account_id,
        handle=session.handle,
        generation=session.generation,
        digest=session.digest,
        transport=session.transport,
        amr=" ".join(session.amr),
        auth_time=session.auth_time,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        idle_lifetime=session.idle_lifetime,
        expires_at=session.expires_at,
        remembered=int(session.remembered),
        user_agent=session.user_agent,
        ip_prefix=session.ip_prefix,
    )


def reauthenticate(session: Session, *, now: int, expires_at: int) -> Statement:
    """Set a new ``auth_time`` and the next generation of the cookie; guarded by the one that was presented."""
    return guarded(
        """
        UPDATE session SET auth_time = :now, last_seen_at = :now, expires_at = :expires_at, generation = generation + 1
        WHERE id = :id AND (transport = 'bearer' OR generation = :generation) AND ended_at IS NULL RETURNING id
        """,
        id=session.id,
        generation=session.generation,
        now=now,
        expires_at=expires_at,
    )


def renew_cookie(session: Session) -> Statement:
    """Move to the next generation of the cookie, so that the old value is dead (ASVS 7.2.4)."""
    return guarded(
        """
        UPDATE session SET generation = generation + 1
        WHERE id = :id AND (transport = 'bearer' OR generation = :generation) AND ended_at IS NULL RETURNING id
        """,
        id=session.id,
        generation=session.generation,
    )


def seen(sightings: Mapping[str, int]) -> list[Statement]:
    """Remember when sessions were used, never backwards: a statement for every few hundred of them."""
    pairs = sorted(sightings.items())
    return [_seen(pairs[start : start + _SEEN_SIZES[-1]]) for start in range(0, len(pairs), _SEEN_SIZES[-1])]


def _seen(pairs: list[tuple[str, int]]) -> Statement:
    """Fill up with the last pair to one of a few sizes, so that an engine prepares a few texts and not hundreds."""
    size = next(each for each in _SEEN_SIZES if each >= len(pairs))
    filled = pairs + pairs[-1:] * (size - len(pairs))
    ids = {f"id{number}": session_id for number, (session_id, _) in enumerate(filled)}
    times = {f"at{number}": seen_at for number, (_, seen_at) in enumerate(filled)}
    return statement(_SEEN_TEXTS[size], **ids, **times)


def end_one(session_id: str, *, account_id: str, now: int) -> Statement:
    """End one session of that account, once: of many who try, one gets the row."""
    return guarded(
        "UPDATE session SET ended_at = :now WHERE id = :id AND account_id = :account_id AND ended_at IS NULL"
        " RETURNING id",
        id=session_id,
        account_id=account_id,
        now=now,
    )


def end_replaced(session_id: str, *, now: int) -> Statement:
    """End the session that a log-in takes the place of, unless it has just ended by itself."""
    return statement("UPDATE session SET ended_at = :now WHERE id = :id AND ended_at IS NULL", id=session_id, now=now)


def end_all(account_id: str, *, now: int, but: str = "") -> Statement:
    """End all live sessions of an account, but perhaps the current one."""
    return statement(
        f"UPDATE session SET ended_at = :now WHERE {LIVE} AND id <> :but RETURNING id",
        account_id=account_id,
        now=now,
        but=but,
    )


def end_surplus(account_id: str, *, now: int, keep: int) -> Statement:
    """End the oldest sessions beyond the number that an account may have."""
    return statement(
        f"""
        UPDATE session SET ended_at = :now WHERE id IN (
            SELECT id FROM session WHERE {LIVE} ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET :keep
        ) RETURNING id
        """,
        account_id=account_id,
        now=now,
        keep=keep,
    )


def forget(*, before: int) -> Statement:
    """Delete what ended long ago; its families go with it."""
    return statement(
        "DELETE FROM session WHERE expires_at < :before OR (ended_at IS NOT NULL AND ended_at < :before)",
        before=before,
    )


ENDED_NOW: Final = "SELECT digest FROM session WHERE account_id = :account_id AND ended_at = :now"
"""Names what the statements above have just ended, for the revocation that follows in the same write."""

_OF_ACCOUNT: Final = (
    f"SELECT {_COLUMNS} FROM session WHERE account_id = :account_id ORDER BY created_at DESC LIMIT :size"
)


async def of_account(database: Database, account_id: str, *, size: int) -> list[Row]:
    """List all sessions of an account that are remembered, ended ones too."""
    return await database.fetch_all(_OF_ACCOUNT, account_id=account_id, size=size)
