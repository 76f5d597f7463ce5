"""The parties of these tests: an issuer that signs what it is told, a clock that stands still, and an ASGI client."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from doorward.jose import jwt
from doorward.jose.keys import KeySet, SigningKey
from doorward.verify import RevocationSet, Verifier

NOW = 1_800_000_000
ISSUER = "https://auth.example"


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Issuer:
    """Signs whatever it is told to."""

    name: str = ISSUER
    key: SigningKey = field(default_factory=lambda: SigningKey.generate("ES256"))

    @property
    def keys(self) -> KeySet:
        return KeySet([self.key.public])

    def claims(self, **changes: object) -> dict[str, object]:
        """Make good claims, changed; ``...`` takes a claim out."""
        claims: dict[str, object] = {
            "iss": self.name,
            "aud": self.name,
            "sub": "acc_one",
            "sid": "ses_one",
            "client_id": "doorward",
            "jti": "token-one",
            "iat": NOW,
            "exp": NOW + 600,
            "auth_time": NOW,
            "amr": ["pwd"],
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, *, typ: str = "at+jwt", **changes: object) -> str:
        return jwt.encode(self.claims(**changes), self.key, typ=typ)

    def verifier(self, **options: Any) -> Verifier:
        options.setdefault("clock", Clock())
        options.setdefault("keys", self.keys)
        return Verifier(issuer=self.name, **options)


@dataclass
class Answered:
    """What an application has answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def scope_of(
    raw_path: bytes,
    *,
    headers: Mapping[str, str] | list[tuple[bytes, bytes]] | None = None,
    method: str = "GET",
    kind: str = "http",
    root_path: str = "",
    extensions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a scope as uvicorn does: the target is cut at ``?`` and its path is decoded exactly once."""
    path, _, query = raw_path.partition(b"?")
    listed = headers if isinstance(headers, list) else [(k.encode(), v.encode()) for k, v in (headers or {}).items()]
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "https" if kind == "http" else "wss",
        "path": root_path + unquote(path.decode("ascii")),
        "raw_path": root_path.encode() + path,
        "query_string": query,
        "root_path": root_path,
        "headers": listed,
        "server": ("testserver", 443),
        "client": ("192.0.2.7", 4711),
        "state": {},
    }
    if kind == "http":
        scope["method"] = method
    else:
        scope["subprotocols"] = []
    if extensions is not None:
        scope["extensions"] = dict(extensions)
    return scope


async def exchange(app: Callable[..., Any], scope: MutableMapping[str, Any]) -> list[dict[str, Any]]:
    """Run one request and return every message that came back."""
    sent: list[dict[str, Any]] = []
    incoming = [{"type": "websocket.connect"}] if scope["type"] == "websocket" else []
    if scope["type"] == "http":
        incoming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        return (
            {"type": "websocket.disconnect", "code": 1001}
            if scope["type"] == "websocket"
            else {"type": "http.disconnect"}
        )

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def ask(app: Callable[..., Any], raw_path: bytes | str, **options: Any) -> Answered:
    """Ask an application over HTTP, in process."""
    target = raw_path.encode() if isinstance(raw_path, str) else raw_path
    sent = await exchange(app, scope_of(target, **options))
    start = sent[0]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def bearing(token: str) -> dict[str, str]:
    """Make the header that carries a token."""
    return {"authorization": f"Bearer {token}"}


def run(coroutine: Any) -> Any:
    """Run a coroutine where hypothesis cannot wait for one."""
    return asyncio.run(coroutine)


__all__ = [
    "ISSUER",
    "NOW",
    "Answered",
    "Clock",
    "Issuer",
    "RevocationSet",
    "ask",
    "bearing",
    "exchange",
    "run",
    "scope_of",
]
