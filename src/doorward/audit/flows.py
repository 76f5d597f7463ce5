"""Writing the trail: the line of an event belongs into the same write as the act it tells of (ASVS 16.3)."""

import dataclasses
import json

from doorward.audit import store
from doorward.core.source import Source
from doorward.db import Statement
from doorward.hooks import Event

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
