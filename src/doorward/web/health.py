"""Whether the server lives, and whether it is ready: for load balancers and supervisors."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.db import Database
from doorward.errors import StorageUnavailable
from doorward.web.body import write_json
from doorward.web.routing import Operation


class HealthAnswer(Struct):
    """``status`` is ``ok`` or ``failing``; ``failing`` names the part."""

    status: str
    failing: list[str]


def operations(database: Database) -> list[Operation]:
    """List the operations."""

    async def live(_request: Request) -> Response:
        return write_json(HealthAnswer("ok", []))

    async def ready(_request: Request) -> Response:
        try:
            await database.ping()
        except StorageUnavailable:
            return write_json(HealthAnswer("failing", ["database"]), status=503, headers={"Retry-After": "1"})
        return write_json(HealthAnswer("ok", []))

    return [
        Operation("GET", "/health/live", live, "Whether the process answers", answers={200: HealthAnswer}),
        Operation(
            "GET",
            "/health/ready",
            ready,
            "Whether everything it needs answers",
            answers={200: HealthAnswer, 503: HealthAnswer},
        ),
    ]
