"""What must be true of all tables together, whatever has failed."""

from collections.abc import Mapping
from typing import Any

from doorward.db import Database

TABLES = (
    "account",
    "password",
    "session",
    "token_family",
    "signing_key",
    "revocation",
    "allowance",
    "audit_event",
    "mail",
    "challenge",
)


_ELSEWHEN = {
    "password": ("failures",),
    "audit_event": ("position", "salt", "commitment", "digest"),
}
"""Columns that requests do not write with their act: failures in a row are counted before anything else, as the
allowances are; the trail is sealed a moment later."""

Tables = Mapping[str, list[tuple[Any, ...]]]


async def dump(database: Database) -> Tables:
    """Read everything that requests write."""
    return {
        table: sorted(
            (
                tuple(row[name] for name in row.keys() if name not in _ELSEWHEN.get(table, ()))  # noqa: SIM118
                for row in await database.fetch_all(f"SELECT * FROM {table}")
            ),
            key=repr,
        )
        for table in TABLES
    }


def changed(before: Tables, after: Tables) -> frozenset[str]:
    """Name the tables that differ. Counted tries do not matter: they are counted before anything else."""
    return frozenset(table for table in TABLES if table != "allowance" and before[table] != after[table])


_MUST_BE_EMPTY = {
    "an account without a password": """
        SELECT id FROM account WHERE id NOT IN (SELECT account_id FROM password)
           AND id NOT IN (SELECT account_id FROM audit_event
                          WHERE event IN ('account.invited', 'account.email_change_undone'))
    """,
    "a bearer session that never had a family": """
        SELECT id FROM session WHERE transport = 'bearer' AND id NOT IN (SELECT session_id FROM token_family)
    """,
    "a live bearer session without exactly one live family": """
        SELECT id FROM session WHERE transport = 'bearer' AND ended_at IS NULL
           AND (SELECT COUNT(*) FROM token_family WHERE session_id = session.id AND revoked_at IS NULL) <> 1
    """,
    "a cookie session with a family": """
        SELECT id FROM session WHERE transport = 'cookie' AND id IN (SELECT session_id FROM token_family)
    """,
    "a session that ended without a revocation": """
        SELECT id FROM session WHERE ended_at IS NOT NULL AND digest NOT IN (SELECT digest FROM revocation)
    """,
    "a live session of a disabled account": """
        SELECT session.id FROM session JOIN account ON account.id = account_id
         WHERE ended_at IS NULL AND disabled_at IS NOT NULL
    """,
    "an account whose making is not in the trail": """
        SELECT id FROM account
         WHERE id NOT IN (SELECT account_id FROM audit_event
                          WHERE event IN ('account.registered', 'account.invited'))
    """,
    "a mail with a secret that no challenge stands behind": """
        SELECT id FROM mail WHERE state = 'waiting' AND challenge_id IS NOT NULL
           AND challenge_id NOT IN (SELECT id FROM challenge)
    """,
    "a live challenge without a mail": """
        SELECT id FROM challenge WHERE account_id IS NOT NULL AND ended_at IS NULL
           AND id NOT IN (SELECT challenge_id FROM mail WHERE challenge_id IS NOT NULL)
    """,
    "a proved address whose proof is not in the trail": """
        SELECT id FROM account WHERE email_verified_at IS NOT NULL
           AND id NOT IN (SELECT account_id FROM audit_event WHERE account_id IS NOT NULL AND event IN (
               'account.email_verified', 'account.email_changed', 'account.email_change_undone',
               'account.invitation_accepted', 'password.reset', 'session.started'))
    """,
    "a mail that still names a deleted account": """
        SELECT id FROM mail WHERE account_id IS NOT NULL AND account_id NOT IN (SELECT id FROM account)
    """,
    "a session whose start is not in the trail": """
        SELECT id FROM session WHERE id NOT IN (SELECT session_id FROM audit_event WHERE event = 'session.started')
    """,
    "a trail that tells of a session that is not there": """
        SELECT id FROM audit_event WHERE event = 'session.started' AND session_id NOT IN (SELECT id FROM session)
           AND account_id NOT LIKE 'ano_%'
    """,
    "a retired key with its private half": """
        SELECT kid FROM signing_key WHERE state = 'retired' AND LENGTH(sealed) > 0
    """,
    "a key in use without its private half": """
        SELECT kid FROM signing_key WHERE state <> 'retired' AND LENGTH(sealed) = 0
    """,
}


async def check_order(database: Database) -> None:
    """Fail with the name of what is not in order."""
    found = [what for what, sql in _MUST_BE_EMPTY.items() if await database.fetch_all(sql)]
    states = sorted(row["state"] for row in await database.fetch_all("SELECT state FROM signing_key"))
    assert found == []
    assert states.count("active") == 1
    assert states.count("staged") == 1
