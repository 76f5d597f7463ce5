"""``GET /v1/status-lists/{number}``: a signed list, for everybody, as a standard verifier expects it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import NotFound
from doorward.settings import Settings
from doorward.status_lists.flows import PATH, StatusLists
from doorward.status_lists.model import LIST_TYPE
from doorward.web.routing import Operation

MEDIA_TYPE: Final = f"application/{LIST_TYPE}"
_MAX_DIGITS: Final = 9


class StatusListRoutes:
    """The handler of this slice."""

    def __init__(self, *, status_lists: StatusLists, settings: Settings) -> None:
        """Take what is needed."""
        self._status_lists = status_lists
        self._settings = settings

    async def show(self, request: Request) -> Response:
        """``GET /v1/status-lists/{number}``; a cache on the way may keep it for a quarter of its ``ttl``."""
        number = request.path_params["number"]
        if not (number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS and number == str(int(number))):
            raise NotFound("not the number of a list")
        token = await self._status_lists.token(int(number))
        headers = {"Cache-Control": f"public, max-age={max(1, self._settings.status_lists.ttl // 4)}"}
        return Response(token, headers=headers, media_type=MEDIA_TYPE)

    def operations(self) -> list[Operation]:
        """List the operations of this slice: there is none where the lists are switched off."""
        if not self._status_lists.is_enabled:
            return []
        return [
            Operation(
                "GET",
                PATH + "/{number}",
                self.show,
                "A list of the status of tokens (draft-ietf-oauth-status-list)",
                answers={200: str},
                problems=("not_found",),
                media_type=MEDIA_TYPE,
            )
        ]
