"""The HTTP face of the trail: one's own part of it."""

from starlette.requests import Request
from starlette.responses import Response

from doorward.audit.flows import Audit
from doorward.audit.views import TrailAnswer, TrailEntry
from doorward.gate import Gate
from doorward.web.body import write_json
from doorward.web.routing import Operation


def operations(*, audit: Audit, gate: Gate) -> list[Operation]:
    """List the operations of this slice."""

    async def own(request: Request) -> Response:
        caller = await gate.caller(request)
        page = await audit.page(caller.principal.subject, cursor=request.query_params.get("cursor", ""))
        return write_json(TrailAnswer([TrailEntry.of(line) for line in page.lines], page.next))

    return [
        Operation(
            "GET",
            "/v1/me/audit",
            own,
            "List what has happened to one's own account",
            answers={200: TrailAnswer},
            needs_caller=True,
            query=("cursor",),
        )
    ]
