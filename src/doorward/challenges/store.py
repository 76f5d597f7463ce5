"""The SQL of table ``spent_challenge``."""

from doorward.db import Statement, guarded, statement


def spend(handle: bytes, *, forget_at: int) -> Statement:
    """Let an answer count, once: whoever comes second fails the guard."""
    return guarded(
        """
        INSERT INTO spent_challenge (handle, forget_at) VALUES (:handle, :forget_at)
        ON CONFLICT (handle) DO NOTHING RETURNING handle
        """,
        handle=handle,
        forget_at=forget_at,
    )


def forget(*, now: int) -> Statement:
    """Forget answers that came too late by now anyway."""
    return statement("DELETE FROM spent_challenge WHERE forget_at <= :now", now=now)
