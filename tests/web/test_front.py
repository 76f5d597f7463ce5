"""The last resort: what happens when an answer has begun already."""

from typing import Any

import pytest

from doorward.errors import Internal
from doorward.web.front import Front


async def test_an_answer_that_has_begun_is_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    """The status has left, so the connection is closed; nothing else is said."""
    sent: list[Any] = []

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("halfway")

    async def send(message: Any) -> None:
        sent.append(message)

    front = Front(half, entropy=lambda size: b"x" * size, documentation="https://auth.example.test/docs")

    with pytest.raises(Internal):
        await front({"type": "http", "method": "GET", "headers": []}, None, send)  # type: ignore[arg-type]

    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "halfway" in caplog.text
