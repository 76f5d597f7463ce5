"""Whether the server lives, and whether it is ready: for load balancers and supervisors."""

from typing import Protocol

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


class Signs(Protocol):
    """What readiness asks of the keys."""

    @property
    def is_ready(self) -> bool:
        """Whether this process can sign."""


def operations(database: Database, keys: Signs) -> list[Operation]:
    """List the operations."""

    async def live(_request: Request) -> Response:
        return write_json(HealthAnswer("ok", []))

    async def ready(_request: Request) -> Response:
        failing = [] if keys.is_ready else ["keys"]
        try:
            await database.ping()
        except StorageUnavailable:
            failing.append("database")
        if failing:
            return write_json(HealthAnswer("failing", failing), status=503, headers={"Retry-After": "1"})
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
