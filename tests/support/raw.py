"""Requests as bytes, straight into the ASGI application: what no client library would let a test send."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[bytes, bytes]]

JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
OURS: tuple[bytes, bytes] = (b"sec-fetch-site", b"same-origin")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem, or nothing."""
        return str(self.json.get("code", "")) if self.body.startswith(b"{") else ""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def everything(self) -> bytes:
        """All that left the server, for those who look for what should not."""
        return b"\n".join([*(name + b": " + value for name, value in self.headers), b"", self.body])


async def call(
    app: Any,
    method: str,
    path: str,
    *,
    headers: Headers = (),
    body: bytes | Iterable[bytes] = b"",
    query: bytes = b"",
    root_path: str = "",
    client: tuple[str, int] | None = ("203.0.113.7", 50000),
    **scope: Any,
) -> Answer:
    """Send one request; ``body`` may be chunks, of which no more is taken than the application asks for."""
    chunks = iter([body] if isinstance(body, bytes) else body)
    pending: list[bytes | None] = [next(chunks, None)]

    async def receive() -> dict[str, Any]:
        chunk = pending.pop()
        pending.append(None if chunk is None else next(chunks, None))
        return {"type": "http.request", "body": chunk or b"", "more_body": pending[0] is not None}

    start: dict[str, Any] = {}
    parts: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert not start, "two answers to one request"
            start.update(message)
        else:
            assert start, "a body before its head"
            parts.append(message.get("body", b""))

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": query,
            "root_path": root_path,
            "headers": list(headers),
            "client": client,
            "server": ("auth.example.test", 443),
            "extensions": {},
            **scope,
        },
        receive,
        send,
    )
    return Answer(start["status"], list(start["headers"]), b"".join(parts))


async def post(app: Any, path: str, value: object, *headers: tuple[bytes, bytes]) -> Answer:
    """Send JSON."""
    return await call(app, "POST", path, headers=[JSON, *headers], body=json.dumps(value).encode())


def bearer(token: str) -> tuple[bytes, bytes]:
    """Make the header of an access token."""
    return (b"authorization", b"Bearer " + token.encode())


def cookie(value: str | bytes) -> tuple[bytes, bytes]:
    """Make a Cookie header."""
    return (b"cookie", value.encode() if isinstance(value, str) else value)
