"""JSON bodies: what is read, and what is said about the rest."""

import asyncio
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct
from starlette.requests import Request

from doorward.errors import BodyTooLarge, InvalidFields, MalformedRequest, UnsupportedMediaType
from doorward.web.body import MAX_BODY_BYTES, check_content_type, parse_object, read_bytes, read_json, to_struct


class Sample(Struct, forbid_unknown_fields=True):
    """A body with everything that bodies have."""

    name: Annotated[str, Meta(min_length=2, max_length=4)]
    count: int = 0


def request(
    *messages: dict[str, Any], content_type: str | None = "application/json", lengths: tuple[bytes, ...] = ()
) -> Request:
    """Make a request that is received in these messages."""
    queue = list(messages)

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    headers += [(b"content-length", length) for length in lengths]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """Make one message of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_one_body() -> None:
    """However the network has cut it."""
    body = await read_json(request(part(b'{"name": ', more=True), part(b'"ada", "count": 2}')), Sample)

    assert body == Sample(name="ada", count=2)


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "Application/json,"],
)
def test_only_declared_json_is_read(content_type: str | None) -> None:
    """JSON that a form can send without a preflight is how CSRF gets in (FastAPI CVE-2021-32677)."""
    with pytest.raises(UnsupportedMediaType):
        check_content_type(request(part(b"{}"), content_type=content_type))


async def test_a_body_is_never_longer_than_allowed() -> None:
    """Whatever its declared length, it is cut off while it is read."""
    whole, more = b" " * MAX_BODY_BYTES, b" "

    assert len(await read_bytes(request(part(whole)))) == MAX_BODY_BYTES
    with pytest.raises(BodyTooLarge):
        await read_bytes(request(part(whole, more=True), part(more, more=True), part(b"never read")))


async def test_a_body_of_the_declared_length_is_complete() -> None:
    """The server has said all that there is; its end of the body is not waited for."""
    whole = request(part(b'{"name": "ada"}', more=True), lengths=(b"15",))

    assert await read_bytes(whole) == b'{"name": "ada"}'


@pytest.mark.parametrize("lengths", [(b"1",), (b"3",), (b"+2",), (b"2", b"2"), (b"",)])
async def test_a_body_of_another_length_is_read_to_its_end(lengths: tuple[bytes, ...]) -> None:
    """A prefix of a body is never taken for the body."""
    whole = request(part(b"{}", more=True), part(b"{}"), lengths=lengths)

    assert await read_bytes(whole) == b"{}{}"


async def test_a_client_that_goes_away_has_sent_nothing() -> None:
    """Half a body is not a body."""
    with pytest.raises(MalformedRequest):
        await read_bytes(request(part(b"{", more=True), {"type": "http.disconnect"}))


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow POST: a connection that sends a byte now and then is let go."""

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}  # pragma: no cover - it never comes

    monkeypatch.setattr("doorward.web.body.BODY_TIME_LIMIT", 0.01)
    slow = Request(
        {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", b"application/json")]}, never
    )

    with pytest.raises(MalformedRequest):
        await read_bytes(slow)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}{}",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": ["\\udfff"]}',
        b'{"a": [' + b"0," * 4500 + b"0]}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"a": ' + b'{"a": ' * 33 + b"1" + b"}" * 34,
    ],
)
def test_what_is_not_one_clean_object_is_malformed(body: bytes) -> None:
    """And the reason does not repeat it."""
    with pytest.raises(MalformedRequest) as refused:
        parse_object(body)

    assert len(refused.value.why) < 100


def test_ordinary_json_is_read() -> None:
    """Escapes, surrogate pairs, nesting, numbers."""
    assert parse_object(b'{"a": ["\\ud83d\\ude00", {"b": 1.5}], "c": null}') == {"a": ["😀", {"b": 1.5}], "c": None}


def test_every_wrong_member_is_said() -> None:
    """Unknown, missing, of the wrong type."""
    with pytest.raises(InvalidFields) as refused:
        to_struct({"count": "two", "no/such~field": 1}, Sample)

    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/no~1such~0field", "unknown_field"),
        ("/name", "required"),
        ("/count", "wrong_type"),
    ]


@pytest.mark.parametrize(("name", "code"), [("a", "too_short"), ("abcde", "too_long"), (None, "wrong_type")])
def test_bounds_have_codes_of_their_own(name: Any, code: str) -> None:
    """And the words never contain what was sent."""
    with pytest.raises(InvalidFields) as refused:
        to_struct({"name": name}, Sample)

    assert refused.value.errors[0].code == code
