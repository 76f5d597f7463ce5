"""Making authentication fail so that it is skipped: an error must close the door.

authentik CVE-2024-47070 (an unparsable X-Forwarded-For skipped the password stage), Auth.js CVE-2026-73421 (an error
object passed as a user), ASVS 16.5.3.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from doorward.verify import Guard
from tests.verify.parties import Issuer, ask, bearing, exchange, scope_of

PARTY = Issuer()
came_in: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Note that somebody has come in."""
    came_in.append(scope["path"])


class Broken:
    """An authenticator that goes wrong in a given way."""

    def __init__(self, way: Any) -> None:
        self.way = way

    async def authenticate(self, scope: Mapping[str, Any]) -> Any:
        if isinstance(self.way, BaseException | type):
            raise self.way
        return self.way


@pytest.mark.parametrize("path", ["/me", "/shop"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError,
        RecursionError,
        MemoryError,
        OSError("disk"),
        TimeoutError,
        AssertionError,
        StopAsyncIteration,
    ],
)
async def test_an_exception_closes_the_door(error: Any, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """500, and never the application; on optional paths as well."""
    came_in.clear()

    with caplog.at_level(logging.ERROR, logger="doorward.verify"):
        answered = await ask(Guard(application, Broken(error), optional=["/shop"]), path)

    assert answered.status == 500
    assert json.loads(answered.body)["code"] == "internal_error"
    assert came_in == []
    assert "refused" in caplog.text


@pytest.mark.parametrize("path", ["/me", "/shop"])
@pytest.mark.parametrize("truthy", [True, 1, "acc_one", {"subject": "acc_one"}, ValueError, object(), [], 0, ""])
async def test_an_answer_that_is_no_principal_closes_the_door(truthy: Any, path: str) -> None:
    """Neither an error object nor a truthy value is a user; and an empty one is no guest either."""
    came_in.clear()
    authenticator = Broken(None)
    authenticator.authenticate = lambda scope: _return(truthy)  # type: ignore[assignment,method-assign]

    answered = await ask(Guard(application, authenticator, optional=["/shop"]), path)

    assert answered.status == 500
    assert came_in == []


async def _return(value: Any) -> Any:
    return value


async def test_a_request_that_is_cancelled_does_not_come_in() -> None:
    """A client that hangs up during authentication leaves nothing running."""
    came_in.clear()

    with pytest.raises(asyncio.CancelledError):
        await ask(Guard(application, Broken(asyncio.CancelledError())), "/me")

    assert came_in == []


@pytest.mark.parametrize("missing", ["path", "headers"])
async def test_a_scope_without_what_is_needed_does_not_come_in(missing: str) -> None:
    """A server or a middleware that breaks the protocol breaks no door."""
    came_in.clear()
    scope = scope_of(b"/me", headers=bearing(PARTY.token()))
    del scope[missing]

    sent = await exchange(Guard(application, PARTY.verifier()), scope)

    assert sent[0]["status"] == 500
    assert came_in == []


@pytest.mark.parametrize("path", [None, 7, b"/public", ["/public"]])
async def test_a_path_that_is_no_text_does_not_come_in(path: Any) -> None:
    """Not even where the public rules would match something like it."""
    came_in.clear()
    scope = scope_of(b"/") | {"path": path}

    sent = await exchange(Guard(application, PARTY.verifier(), public=["/", "/public"]), scope)

    assert sent[0]["status"] in (401, 500)
    assert came_in == []


@pytest.mark.parametrize(
    "value", [b"garbage", b"", b"\xff\xfe", b"1.2.3.4, ", b"for=", b"[::1", b"%zz", b"\x00", b"a" * 10_000]
)
@pytest.mark.parametrize(
    "name", [b"x-forwarded-for", b"forwarded", b"cookie", b"host", b"accept", b"sec-fetch-mode", b"content-length"]
)
async def test_rubbish_in_any_header_is_a_plain_refusal(name: bytes, value: bytes) -> None:
    """authentik CVE-2024-47070: no header but Authorization decides, and none makes an error."""
    came_in.clear()
    guard = Guard(application, PARTY.verifier(), login_url="/login")

    sent = await exchange(guard, scope_of(b"/me", headers=[(name, value)]))

    assert sent[0]["status"] == 401
    assert came_in == []
