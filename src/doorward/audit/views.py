"""What an owner sees of the trail, and what an export of it says."""

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
