"""Forms: ``application/x-www-form-urlencoded`` read strictly. What is doubtful is refused, not repaired.

The size is capped before anything is parsed (starlette CVE-2026-54283), fields are counted, a name stands there once,
the text is strict UTF-8 without NUL or lone surrogates, and nothing is trimmed: a password is taken as it was typed
(ASVS 6.2.8). The parser follows the URL standard (§5.1) where that is unambiguous, and query strings of pages are
read by it too. OAuth requests are forms as well.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from starlette.requests import Request

from doorward.errors import BodyTooLarge, FieldError, InvalidFields, MalformedRequest, UnsupportedMediaType
from doorward.web.body import read_bytes

MAX_FIELDS: Final = 32
MAX_FORM_BYTES: Final = 16 * 1024
"""A quarter of what a JSON body may have: the longest field is a password of 1,024 characters."""

_CONTENT_TYPE: Final = re.compile(
    rb"application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE
)
_ENCODED: Final = re.compile(rb"%([0-9A-Fa-f]{2})?")


class Form(Mapping[str, str]):
    """The fields of a form that was sent; one that is missing reads as empty. Values are never printed."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take what was parsed."""
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        """Return what was typed, or the empty text: a box that is not ticked is not sent at all."""
        return self._values.get(name, "")

    def __iter__(self) -> Iterator[str]:
        """Go through the names that were sent."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the fields that were sent."""
        return len(self._values)

    def __repr__(self) -> str:
        """Show nothing that was typed."""
        return "Form(…)"

    def only(self, names: Iterable[str]) -> dict[str, str]:
        """Return the named fields that were sent: those that may be shown again, which a password never is."""
        return {name: self._values[name] for name in names if name in self._values}


async def read_form(request: Request, fields: Iterable[str]) -> Form:
    """Read a form that has no other than these ``fields``.

    Raises :class:`UnsupportedMediaType`, :class:`BodyTooLarge` and :class:`MalformedRequest`.
    """
    values = parse_form(await _read_body(request))
    if not values.keys() <= set(fields):
        raise MalformedRequest("form has an unknown field")
    return Form(values)


async def read_parameters(request: Request) -> dict[str, str]:
    """Read the parameters of an OAuth request (RFC 6749 §3.2): unknown ones are kept, empty ones count as not sent.

    Raises like :func:`read_form`.
    """
    return {name: value for name, value in parse_form(await _read_body(request)).items() if value}


def check_filled(form: Form, most: Mapping[str, int]) -> None:
    """Check that fields are filled in, with at most so many characters each.

    Raises :class:`InvalidFields` with an entry for each that is not.
    """
    errors = [
        FieldError(f"/{name}", "too_long" if form[name] else "required", "This field is missing or too long.")
        for name, length in most.items()
        if not 0 < len(form[name]) <= length
    ]
    if errors:
        raise InvalidFields("form", errors=errors)


async def _read_body(request: Request) -> bytes:
    types = [value for name, value in request.scope["headers"] if name == b"content-type"]
    if len(types) != 1 or _CONTENT_TYPE.fullmatch(types[0]) is None:
        raise UnsupportedMediaType("content type is not that of a form")
    body = await read_bytes(request)
    if len(body) > MAX_FORM_BYTES:
        raise BodyTooLarge("form over the limit")
    return body


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
        plain = _decode(name)
        if plain in values:
            raise MalformedRequest("form has a field twice")
        values[plain] = _decode(value)
    return values


def _decode(part: bytes) -> str:
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
