"""Forms: ``application/x-www-form-urlencoded`` read strictly. What is doubtful is refused, not repaired.

The size is capped before anything is parsed (starlette CVE-2026-54283), fields are counted, a name stands there once,
and the text is strict UTF-8 without NUL or lone surrogates. The parser follows the URL standard (§5.1) where that is
unambiguous.
"""

import re
from typing import Final

from starlette.requests import Request

from doorward.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType
from doorward.web.body import read_bytes

MAX_FIELDS: Final = 32
MAX_FORM_BYTES: Final = 16 * 1024
"""A quarter of what a JSON body may have: the longest field is a password of 1,024 characters, or a token."""

_CONTENT_TYPE: Final = re.compile(
    rb"application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE
)
_ENCODED: Final = re.compile(rb"%([0-9A-Fa-f]{2})?")


async def read_parameters(request: Request) -> dict[str, str]:
    """Read the parameters of an OAuth request (RFC 6749 §3.2): unknown ones are kept, empty ones count as not sent.

    Raises :class:`UnsupportedMediaType`, :class:`BodyTooLarge` and :class:`MalformedRequest`.
    """
    types = [value for name, value in request.scope["headers"] if name == b"content-type"]
    if len(types) != 1 or _CONTENT_TYPE.fullmatch(types[0]) is None:
        raise UnsupportedMediaType("content type is not that of a form")
    body = await read_bytes(request)
    if len(body) > MAX_FORM_BYTES:
        raise BodyTooLarge("form over the limit")
    return {name: value for name, value in parse_form(body).items() if value}


def parse_form(text: bytes) -> dict[str, str]:
    """Parse pairs of name and value. Raises :class:`MalformedRequest`; the reason never quotes the sender."""
    if not text:
        return {}
    pairs = text.split(b"&", MAX_FIELDS)
    if len(pairs) > MAX_FIELDS:
        raise MalformedRequest("form has too many fields")
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition(b"=")
        if not name or not equals:
            raise MalformedRequest("form has a nameless field, or one without a value")
        plain = decode_part(name)
        if plain in values:
            raise MalformedRequest("form has a field twice")
        values[plain] = decode_part(value)
    return values


def decode_part(part: bytes) -> str:
    """Decode one name or value. Raises :class:`MalformedRequest`."""
    raw = part.replace(b"+", b" ")
    if b"%" in raw:
        raw = _ENCODED.sub(_byte, raw)
    try:
        text = raw.decode("utf-8")  # strict: no overlong forms, and no surrogates
    except UnicodeDecodeError:
        raise MalformedRequest("form is not UTF-8") from None
    if "\0" in text:
        raise MalformedRequest("form has a NUL")
    return text


def _byte(match: "re.Match[bytes]") -> bytes:
    if match[1] is None:
        raise MalformedRequest("form has a broken percent-encoding")
    return bytes((int(match[1], 16),))
