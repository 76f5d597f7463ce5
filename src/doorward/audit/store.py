"""The SQL of the audit trail."""

from doorward.db import Statement, statement


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
