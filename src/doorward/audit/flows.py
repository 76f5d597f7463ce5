"""Writing the trail: the line of an event belongs into the same write as the act it tells of (ASVS 16.3)."""

import dataclasses
import json

from doorward.audit import store
from doorward.core.source import Source
from doorward.db import Database, Statement
from doorward.hooks import Event

MOST_EXPORTED = 10_000

_IN_COLUMNS = ("account_id", "session_id")


def entry(event: Event, *, now: int, source: Source) -> Statement:
    """Make the statement that adds an event to the trail; the caller puts it beside the act's own statements.

    JSON escapes line breaks and control characters, so nothing that a caller typed can forge a line (ASVS 16.4.1).
    """
    members = {
        field.name: getattr(event, field.name) for field in dataclasses.fields(event) if field.name not in _IN_COLUMNS
    }
    return store.record(
        at=now,
        event=event.name,
        account_id=event.account_id,
        session_id=event.session_id,
        request_id=source.request_id,
        ip_prefix=source.ip_prefix,
        detail=json.dumps(members, separators=(",", ":")),
    )


def pseudonymising(account_id: str, *, pseudonym: str) -> Statement:
    """Make the statement by which the trail of a deleted account names nobody any more."""
    return store.rename(account_id, pseudonym=pseudonym)


async def export(database: Database, account_id: str) -> list[dict[str, object]]:
    """List the newest lines of the trail that are about an account, for its owner."""
    rows = await store.of_account(database, account_id, size=MOST_EXPORTED)
    return [{name: row[name] for name in ("recorded_at", "event", "session_id", "ip_prefix")} for row in rows]
