"""Every setting as data: where it is written, what it may be, what it is without being told.

Made from ``settings/`` by looking at its types, so that a new field there is at once readable from the environment,
shown by ``doorward settings`` and part of the reference page. It reads nothing from outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import fields

from doorward.core.secret import Secret
from doorward.settings import Settings

PREFIX: Final = "DOORWARD_"

Kind = Literal["text", "number", "switch", "duration", "list", "path", "choice", "secrets"]
_KINDS: Final[dict[object, Kind]] = {
    str: "text",
    int: "number",
    bool: "switch",
    tuple[str, ...]: "list",
    tuple[Secret, ...]: "secrets",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. ``least`` and ``most`` bound a number or a duration, or count the characters of a text."""

    section: str
    name: str
    attribute: str
    kind: Kind
    optional: bool
    choices: tuple[str, ...]
    least: int | None
    most: int | None
    default: object
    description: str

    @property
    def dotted(self) -> str:
        """How the setting is called in prose and in ``doorward.toml``: ``tokens.access_lifetime``."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The environment variable: ``DOORWARD_TOKENS__ACCESS_LIFETIME``."""
        return PREFIX + self.dotted.replace(".", "__").upper()

    @property
    def file_variable(self) -> str | None:
        """The variable that names a file holding the value; only secrets have one."""
        return f"{self.variable}_FILE" if self.kind == "secrets" else None


@dataclass(frozen=True, slots=True)
class Section:
    """A group of settings, with the sentence that introduces it."""

    name: str
    description: str
    entries: tuple[Entry, ...]


@cache
def sections() -> tuple[Section, ...]:
    """List the sections in the order of ``Settings``; the first has no name and holds the top level."""
    named = [
        Section(field.name, _sentence(field.default), tuple(_entries(field.name, type(field.default))))
        for field in fields(Settings)
        if isinstance(field.default, Struct)
    ]
    return (Section("", Settings.__doc__ or "", tuple(_entries("", Settings))), *named)


@cache
def entries() -> dict[str, Entry]:
    """Return every setting by its dotted name."""
    return {entry.dotted: entry for section in sections() for entry in section.entries}


def value_of(settings: Settings, entry: Entry) -> object:
    """Return what an instance has for a setting."""
    holder = getattr(settings, entry.section) if entry.section else settings
    return getattr(holder, entry.attribute)


def _sentence(section: object) -> str:
    return (type(section).__doc__ or "").strip()


def _entries(section: str, struct: type[Struct]) -> Iterator[Entry]:
    hints = get_type_hints(struct, include_extras=True)
    for field in fields(struct):
        if not isinstance(field.default, Struct):
            yield _entry(section, field.name, hints[field.name], field.default)


def _entry(section: str, attribute: str, hint: object, default: object) -> Entry:
    base, metas, optional = _unwrap(hint)
    choices = tuple(str(choice) for choice in get_args(base)) if get_origin(base) is Literal else ()
    least = [bound for meta in metas for bound in (meta.ge, meta.min_length) if bound is not None]
    most = [bound for meta in metas for bound in (meta.le, meta.max_length) if bound is not None]
    seconds = any((meta.extra or {}).get("unit") == "seconds" for meta in metas)
    kind: Kind = "choice" if choices else "duration" if seconds else _KINDS.get(base, "path")
    return Entry(
        section=section,
        name=attribute.rstrip("_"),
        attribute=attribute,
        kind=kind,
        optional=optional,
        choices=choices,
        least=int(max(least)) if least else None,
        most=int(min(most)) if most else None,
        default=default,
        description=" ".join(meta.description for meta in metas if meta.description),
    )


def _unwrap(hint: object) -> tuple[Any, list[Meta], bool]:
    """Take a hint apart into the plain type, what ``msgspec.Meta`` says of it, and whether it may be nothing."""
    if get_origin(hint) is Annotated:
        inner, *annotations = get_args(hint)
        base, metas, optional = _unwrap(inner)
        return base, [*metas, *(each for each in annotations if isinstance(each, Meta))], optional
    if get_origin(hint) in {Union, UnionType}:
        present = [each for each in get_args(hint) if each is not NoneType]
        base, metas, _ = _unwrap(present[0])
        return base, metas, True
    return hint, [], False
