"""The SQL of the audit trail."""

from typing import Final

from doorward.db import Database, Row, Statement, statement


def record(
    *, at: int, event: str, account_id: str | None, session_id: str | None, request_id: str, ip_prefix: str, detail: str
) -> Statement:
    """Add one line."""
    return statement(
        """
        INSERT INTO audit_event (recorded_at, event, account_id, session_id, request_id, ip_prefix, detail)
        VALUES (:at, :event, :account_id, :session_id, :request_id, :ip_prefix, :detail)
        """,
        at=at,
        event=event,
        account_id=account_id,
        session_id=session_id,
        request_id=request_id,
        ip_prefix=ip_prefix,
        detail=detail,
    )


def rename(account_id: str, *, pseudonym: str) -> Statement:
    """Call an account by another name, and forget from where it was used."""
    return statement(
        "UPDATE audit_event SET account_id = :pseudonym, ip_prefix = '' WHERE account_id = :account_id",
        account_id=account_id,
        pseudonym=pseudonym,
    )


_OF_ACCOUNT: Final = """
    SELECT recorded_at, event, session_id, ip_prefix FROM audit_event WHERE account_id = :account_id
    ORDER BY id DESC LIMIT :size
"""


async def of_account(database: Database, account_id: str, *, size: int) -> list[Row]:
    """List what is remembered of an account, the newest first."""
    return await database.fetch_all(_OF_ACCOUNT, account_id=account_id, size=size)
