"""The SQL of tables ``token_family`` and ``signing_key``."""

import json
from typing import Final

from doorward.db import Database, Row, Statement, announced, guarded, statement
from doorward.tokens.model import Family, KeyRecord, KeyState

_STATE: Final = """
    session_id, client_id, scope, generation, rotated_at, expires_at,
    (SELECT account_id FROM session WHERE session.id = session_id) AS account_id,
    (SELECT auth_time FROM session WHERE session.id = session_id) AS auth_time,
    (SELECT amr FROM session WHERE session.id = session_id) AS amr,
    (SELECT roles FROM session JOIN account ON account.id = session.account_id
      WHERE session.id = session_id) AS roles,
    (SELECT email_verified_at FROM session JOIN account ON account.id = session.account_id
      WHERE session.id = session_id) AS email_verified_at,
    (SELECT serial FROM status_entry WHERE status_entry.session_id = token_family.session_id) AS status_serial
"""

_IS_LIVE: Final = """EXISTS (SELECT 1 FROM session JOIN account ON account.id = session.account_id
    WHERE session.id = session_id AND session.ended_at IS NULL AND account.disabled_at IS NULL)"""

# One statement, by primary key: whoever gets the row has rotated, everybody else has not.
_ROTATE: Final = f"""
    UPDATE token_family SET generation = generation + 1, rotated_at = :now
    WHERE id = :id AND generation = :generation AND revoked_at IS NULL AND expires_at > :now
      AND rotated_at > :idle_since AND {_IS_LIVE}
    RETURNING {_STATE}
"""

_FIND: Final = f"SELECT {_STATE}, revoked_at, {_IS_LIVE} AS is_live FROM token_family WHERE id = :id"

_KEYS: Final = """
    SELECT kid, algorithm, state, sealed, created_at, activated_at, verify_until FROM signing_key
    ORDER BY created_at, kid
"""


def insert(family_id: bytes, *, session_id: str, client_id: str, scope: str, now: int, expires_at: int) -> Statement:
    """Start a family at generation 1."""
    return statement(
        """
        INSERT INTO token_family (id, session_id, client_id, scope, generation, rotated_at, expires_at, revoked_at)
        VALUES (:id, :session_id, :client_id, :scope, 1, :now, :expires_at, NULL)
        """,
        id=family_id,
        session_id=session_id,
        client_id=client_id,
        scope=scope,
        now=now,
        expires_at=expires_at,
    )


def rotate(family_id: bytes, *, generation: int, now: int, idle_since: int) -> Statement:
    """Rotate, if the presented generation is the current one and nothing has ended."""
    return statement(_ROTATE, id=family_id, generation=generation, now=now, idle_since=idle_since)


def family_from_row(family_id: bytes, row: Row, *, revoked: bool) -> Family:
    """Read a row that has a family's state."""
    return Family(
        id=family_id,
        session_id=row["session_id"],
        account_id=row["account_id"],
        client_id=row["client_id"],
        scope=row["scope"],
        generation=row["generation"],
        rotated_at=row["rotated_at"],
        expires_at=row["expires_at"],
        revoked=revoked,
        auth_time=row["auth_time"],
        amr=tuple(row["amr"].split()),
        roles=tuple(json.loads(row["roles"])),
        email_verified=row["email_verified_at"] is not None,
        status_serial=row["status_serial"],
    )


async def find(database: Database, family_id: bytes) -> Family | None:
    """Find a family with the state of its session and account."""
    row = await database.fetch_one(_FIND, id=family_id)
    if row is None:
        return None
    return family_from_row(family_id, row, revoked=row["revoked_at"] is not None or not row["is_live"])


def revoke_families(session_id: str, *, now: int) -> Statement:
    """End the families of a session that goes on with a new one."""
    return statement(
        "UPDATE token_family SET revoked_at = :now WHERE session_id = :session_id AND revoked_at IS NULL",
        session_id=session_id,
        now=now,
    )


async def keys(database: Database) -> list[KeyRecord]:
    """Read every signing key, the oldest first."""
    return [
        KeyRecord(
            kid=row["kid"],
            algorithm=row["algorithm"],
            state=KeyState(row["state"]),
            sealed=row["sealed"],
            created_at=row["created_at"],
            activated_at=row["activated_at"],
            verify_until=row["verify_until"],
        )
        for row in await database.fetch_all(_KEYS)
    ]


def insert_key(record: KeyRecord) -> Statement:
    """Add a key; a second active or staged one is refused by the unique indexes (``Duplicate``)."""
    return announced(
        statement(
            """
            INSERT INTO signing_key (kid, algorithm, state, sealed, created_at, activated_at, verify_until)
            VALUES (:kid, :algorithm, :state, :sealed, :created_at, :activated_at, NULL)
            """,
            kid=record.kid,
            algorithm=record.algorithm,
            state=record.state.value,
            sealed=record.sealed,
            created_at=record.created_at,
            activated_at=record.activated_at,
        )
    )


def activate_key(kid: str, *, now: int) -> Statement:
    """Let the staged key sign."""
    return announced(
        guarded(
            "UPDATE signing_key SET state = 'active', activated_at = :now WHERE kid = :kid AND state = 'staged'"
            " RETURNING kid",
            kid=kid,
            now=now,
        )
    )


def demote_key(kid: str, *, verify_until: int) -> Statement:
    """Let the active key sign no more."""
    return announced(
        guarded(
            "UPDATE signing_key SET state = 'verify-only', verify_until = :verify_until"
            " WHERE kid = :kid AND state = 'active' RETURNING kid",
            kid=kid,
            verify_until=verify_until,
        )
    )


def retire_key(kid: str) -> Statement:
    """Believe a key no more, and erase its private half."""
    return announced(
        guarded(
            "UPDATE signing_key SET state = 'retired', sealed = :nothing"
            " WHERE kid = :kid AND state <> 'retired' RETURNING kid",
            kid=kid,
            nothing=b"",
        )
    )


def reseal_key(kid: str, *, sealed: bytes) -> Statement:
    """Store a key sealed with a newer secret."""
    return guarded(
        "UPDATE signing_key SET sealed = :sealed WHERE kid = :kid AND state <> 'retired' RETURNING kid",
        kid=kid,
        sealed=sealed,
    )
