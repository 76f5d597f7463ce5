"""JSON bodies: read strictly, with everything that is wrong with their members said at once; and written.

A body is ``application/json`` exactly, at most 64 KiB, strict UTF-8, one object, no member twice, no NUL and no lone
surrogate in any string (both break stores and logs later on). The size is enforced while reading, whatever
``Content-Length`` says.
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from msgspec.structs import FieldInfo
from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import BodyTooLarge, FieldError, InvalidFields, MalformedRequest, UnsupportedMediaType

MAX_BODY_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
BODY_TIME_LIMIT: Final = 15.0
"""Seconds for the whole body: servers limit the time of a request's head, not of its body (slow POST)."""
MAX_INTEGER: Final = 2**63
"""Integers are smaller than this in size: what a signed 64-bit number holds, and msgspec can write again."""

MAX_ITEMS: Final = 4500
"""Commas and brackets of a body. A profile of 8 KiB has fewer; 64 KiB of them would hold up everybody for 30 ms."""

MAX_UNKNOWN: Final = 16
"""Unknown members that are named in an answer, so that a small body buys no large one."""

StructT = TypeVar("StructT", bound=msgspec.Struct)

_SURROGATE_OR_NUL: Final = re.compile("[\ud800-\udfff\0]")


class Confidential(msgspec.Struct):
    """A body or an answer with a secret in it, which must not be printed: not in a traceback, not in a debugger."""

    def __repr__(self) -> str:
        """Show nothing."""
        return f"{type(self).__name__}(…)"


async def read_json(request: Request, kind: type[StructT]) -> StructT:
    """Read the body as a value of ``kind``.

    Raises :class:`UnsupportedMediaType`, :class:`BodyTooLarge`, :class:`MalformedRequest` and :class:`InvalidFields`.
    """
    check_content_type(request)
    return to_struct(parse_object(await read_bytes(request)), kind)


def check_content_type(request: Request) -> None:
    """Refuse what is not declared as JSON, exactly and once; raises :class:`UnsupportedMediaType`."""
    if [value for name, value in request.scope["headers"] if name == b"content-type"] != [b"application/json"]:
        raise UnsupportedMediaType("content type is not application/json")


async def read_bytes(request: Request) -> bytes:
    """Read no more than is allowed, for no longer than is allowed.

    What has the declared length is complete (RFC 9112 §6.3, which the server enforces): asking the server for the end
    as well costs a turn through its threads. Raises :class:`BodyTooLarge` and :class:`MalformedRequest`.
    """
    declared = [value for name, value in request.scope["headers"] if name == b"content-length"]
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(BODY_TIME_LIMIT):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise MalformedRequest("the client went away within the body")
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise BodyTooLarge("body over the limit")
                more = message.get("more_body", False) and declared != [b"%d" % len(body)]
    except TimeoutError:
        raise MalformedRequest("the client sent the body too slowly") from None
    return bytes(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse one JSON object, with numbers that others can hold (RFC 8259 §6).

    Raises :class:`MalformedRequest`; the reason never quotes the body.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_ITEMS:
        raise MalformedRequest("body has too many items")
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedRequest("body is not JSON, or has a member twice") from None
    if not isinstance(value, dict):
        raise MalformedRequest("body is not an object")
    if not _is_clean(value, MAX_DEPTH):
        raise MalformedRequest("body is nested too deeply, or has a NUL or a lone surrogate")
    return value


def to_struct(members: dict[str, Any], kind: type[StructT]) -> StructT:
    """Check the members against a struct. Raises :class:`InvalidFields` with an entry for each that is wrong."""
    fields = _fields(kind)
    unknown = (name for name in members if name not in fields)
    errors = [
        FieldError(f"/{_escape(name)}", "unknown_field", "There is no such field.")
        for name in islice(unknown, MAX_UNKNOWN)
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in members:
            if field.required:
                errors.append(FieldError(f"/{name}", "required", "This field is required."))
            continue
        try:
            values[field.name] = msgspec.convert(members[name], field.type)
        except msgspec.ValidationError as error:
            errors.append(FieldError(f"/{name}", *_read_complaint(str(error))))
    if errors:
        raise InvalidFields("members", errors=errors)
    return kind(**values)


def write_json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a value as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


@lru_cache(maxsize=256)
def _fields(kind: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _read_complaint(message: str) -> tuple[str, str]:
    """Turn msgspec's sentence into a code, and pass on what it says was expected, never what was sent."""
    sentence = message.partition(" - at ")[0]
    if not sentence.startswith("Expected "):  # "Invalid enum value '…'" quotes the sender
        return "wrong_type", "This is none of the values that are allowed."
    if "length <=" in sentence:
        return "too_long", sentence + "."
    if "length >=" in sentence:
        return "too_short", sentence + "."
    return "wrong_type", sentence.partition(", got")[0] + "."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) >= MAX_INTEGER:
        raise ValueError("integer beyond 64 bits")
    return number


def _number(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("number beyond a double")
    return number


# Made once: json.loads() makes a decoder for every call with such arguments.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_number
)


def _is_clean(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return _SURROGATE_OR_NUL.search(value) is None
    if isinstance(value, dict):
        return depth > 0 and all(_is_clean(name, depth) and _is_clean(item, depth - 1) for name, item in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_is_clean(item, depth - 1) for item in value)
    return True


def _escape(name: str) -> str:
    """Write a member's name into a JSON pointer (RFC 6901 §3), not longer than is useful."""
    return name[:64].replace("~", "~0").replace("/", "~1")
