"""The HTTP face of revocation: the feed that services behind follow."""

from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.gate import source_of
from doorward.revocation.feed import MAX_WAIT, Feed
from doorward.verify.page import PATH
from doorward.web.body import write_json
from doorward.web.routing import Operation

_DIGITS: Final = 3


class FeedAnswer(Struct):
    """A JWS of type ``revocations+jwt``: what was revoked since the cursor, and the next cursor."""

    feed: str


def operations(feed: Feed) -> list[Operation]:
    """List the operations."""

    async def follow(request: Request) -> Response:
        query = request.query_params
        text = await feed.answer(
            query.get("after", ""), wait=_seconds(query.get("wait", "")), network=source_of(request).network
        )
        return write_json(FeedAnswer(text))

    return [
        Operation(
            "GET",
            PATH,
            follow,
            "What has been revoked since a cursor, signed; waits for news if asked to",
            answers={200: FeedAnswer},
            problems=("overloaded", "storage_unavailable"),
            query=("after", "wait"),
        )
    ]


def _seconds(text: str) -> int:
    """Read how long to wait; nonsense waits not at all."""
    return min(MAX_WAIT, int(text)) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
