"""What other systems know of a person, in our words. Pure.

A file is somebody else's input, and large: what is wrong with one person is said of that line and stops nobody else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.core.clock import read_iso8601

MAX_NESTED: Final = 64 * 1024
_LATEST: Final = 32_503_680_000
"""The year 3000, in seconds: a larger number is in milliseconds."""


Convert = Callable[[Mapping[str, Any]], "Person"]
"""Reads a record of another system as a person."""


class NotImportable(ValueError):  # noqa: N818 - reads as what is the case
    """A person cannot be imported; the message says why and quotes nothing personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as another system knew them. Times are whole seconds since 1970 UTC; ``stored`` is the hash as text."""

    email: str
    stored: str | None = field(default=None, repr=False)
    former_id: str = ""
    email_verified: bool = False
    username: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict, repr=False)
    roles: tuple[str, ...] = ()
    created_at: int | None = None
    disabled: bool = False


def text(raw: Mapping[str, Any], *names: str) -> str:
    """Return the first of the members that is there, as text; empty where none is."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, str):
            if value.strip():
                return value.strip()
        elif isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        elif value is not None:
            raise NotImportable(f"{name} is not text")
    return ""


def flag(raw: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """Read a yes or no in the spellings of JSON, of databases and of spreadsheets."""
    value = raw.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "t", "1", "yes", "y"):
        return True
    if word in ("false", "f", "0", "no", "n"):
        return False
    raise NotImportable(f"{name} is neither yes nor no")


def moment(raw: Mapping[str, Any], *names: str) -> int | None:
    """Read a time: RFC 3339 or ISO 8601 (without a zone: UTC), seconds or milliseconds since 1970."""
    written = text(raw, *names)
    if not written:
        return None
    try:
        if written.lstrip("-").isdecimal() and len(written) < 16:
            seconds = int(written)
            return seconds // 1000 if seconds > _LATEST else seconds
        return read_iso8601(written)
    except ValueError:
        raise NotImportable(f"{names[0]} is not a time") from None


def nested(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Read an object that may be written as text, as databases export their JSON columns."""
    value = raw.get(name)
    if isinstance(value, str) and value.strip():
        if len(value) > MAX_NESTED:
            raise NotImportable(f"{name} is too long")
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise NotImportable(f"{name} is not JSON") from None
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise NotImportable(f"{name} is not an object")
    return value


def words(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Read a list of words, in JSON or separated by blanks, commas or semicolons."""
    value = raw.get(name)
    if isinstance(value, str):
        return tuple(value.replace(",", " ").replace(";", " ").split())
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if value in (None, ""):
        return ()
    raise NotImportable(f"{name} is not a list of words")


def without_nothing(**members: Any) -> dict[str, Any]:
    """Keep what has a value."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
