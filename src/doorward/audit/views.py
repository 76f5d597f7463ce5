"""What an owner sees of the trail, and what an export of it says."""

import json
from typing import Any

from msgspec import Struct

from doorward.audit.model import Line
from doorward.core.clock import rfc3339
from doorward.core.source import ANONYMOUS


class TrailEntry(Struct):
    """One thing that has happened to the account. ``actor`` is ``owner``, ``operator`` or ``anonymous``."""

    event: str
    at: str
    actor: str
    session_id: str | None
    ip_prefix: str
    request_id: str

    @classmethod
    def of(cls, line: Line) -> "TrailEntry":
        """Show a line to the account's owner: without the private reasons in its details, without other people."""
        actor = {line.account_id: "owner", ANONYMOUS: ANONYMOUS}.get(line.actor, "operator")
        return cls(line.event, rfc3339(line.recorded_at), actor, line.session_id, line.ip_prefix, line.request_id)


class TrailAnswer(Struct):
    """A page of the trail, the newest first."""

    events: list[TrailEntry]
    next: str | None


def exported_line(line: Line) -> dict[str, Any]:
    """Write a line for a file or another program: with its details, its place and its digest."""
    return {
        "position": line.position,
        "at": rfc3339(line.recorded_at),
        "event": line.event,
        "account_id": line.account_id,
        "session_id": line.session_id,
        "actor": line.actor,
        "ip_prefix": line.ip_prefix,
        "request_id": line.request_id,
        "detail": json.loads(line.detail),
        "digest": None if line.digest is None else line.digest.hex(),
    }
