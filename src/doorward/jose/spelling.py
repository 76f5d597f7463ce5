"""The one accepted spelling of bytes and of JSON.

Two readers that disagree about a text are a way in: one checks it, the other acts on it. So base64url (RFC 4648 §5)
must be canonical, and JSON (RFC 8259) must be I-JSON (RFC 7493): UTF-8, no member twice, no number that another
reader would round, no lone surrogate, and shallow. Errors are ``ValueError`` with a fixed text and never carry the
input. What the content means is not known here.
"""

import base64
import json
from typing import Any, Final

MAX_DEPTH: Final = 8
"""Objects and arrays within each other; the deepest token of ours has two."""

MAX_INTEGER: Final = 2**53 - 1
"""Beyond it, readers that keep numbers as doubles see another number (RFC 7493 §2.2)."""

_MAX_INTEGER_DIGITS: Final = len(str(-MAX_INTEGER))


def base64url_encode(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Read base64url without padding, in its canonical spelling only.

    The library's decoder skips foreign characters, takes padding and ignores trailing bits; writing the result again
    and comparing leaves none of that. Raises ``ValueError``.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    if base64url_encode(data) != text:
        raise ValueError("not canonical base64url")
    return data


def write_json(value: object) -> bytes:
    """Write compact JSON in UTF-8. Raises ``ValueError`` for NaN, infinities and lone surrogates."""
    return _ENCODER.encode(value).encode("utf-8")


def parse_strict(data: bytes) -> dict[str, object]:
    """Read one JSON object. Call it on anything that came from outside; bound its length before.

    Raises ``ValueError`` for whatever another reader could understand differently: UTF-16, a byte order mark, a member
    twice, NaN and infinities, integers beyond ±(2⁵³−1), lone surrogates (they break UTF-8 later), nesting beyond
    ``MAX_DEPTH`` (found before parsing, so that no recursion limit is ever reached), and anything but an object.
    """
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text) if _is_shallow(text) else None
        if "\\u" in text:
            write_json(value)  # a lone surrogate can only come from an escape, and cannot be written
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("not a strict JSON object")
    return value


def _is_shallow(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return True
    # Every second part between quotation marks is outside of strings, once the escaped ones are gone. Where the text
    # is not JSON this may miscount, but only behind the place where the decoder stops.
    depth = 0
    for character in "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2]):
        depth += (character in "{[") - (character in "}]")
        if depth > MAX_DEPTH:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _integer(digits: str) -> int:
    # The length is looked at first: Python refuses to read thousands of digits, and reading fewer still costs.
    if len(digits) > _MAX_INTEGER_DIGITS or abs(number := int(digits)) > MAX_INTEGER:
        raise ValueError("an integer is too large")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if number - number != 0:  # 1e999 reads as infinity
        raise ValueError("a number is too large")
    return number


def _constant(_name: str) -> object:
    raise ValueError("not a number of JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
