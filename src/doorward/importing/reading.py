"""Reading large files record by record, in bounded memory: CSV, JSON lines, and one JSON document with a long array.

What cannot be read is a record too, with an error instead of members, so that lines keep their numbers and one bad line
stops nothing.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

MAX_RECORD: Final = 1024 * 1024
"""Bytes of one person; the largest profile allowed here has 8 KiB."""

_CHUNK: Final = 64 * 1024
_BLANK: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Record:
    """One person of a file: the number of its line (in a JSON document: of the person), members or an error."""

    number: int
    members: Mapping[str, Any] | None
    error: str = ""
    offset: int = 0
    """Bytes of the file that have been read, for a progress bar."""


def digest(path: Path) -> bytes:
    """Name a file by its content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def read(path: Path) -> Iterator[Record]:
    """Read every record of a file, whose kind is told by its name (``.csv``) and its first character."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".csv":
            yield from _csv(file)
            return
        first = _first_line(file)
        is_document = first.startswith(b"[") or (first.startswith(b"{") and not _is_person(first))
        yield from _document(file) if is_document else _lines(file)


def _csv(file: BinaryIO) -> Iterator[Record]:
    def lines() -> Iterator[str]:
        while line := file.readline(MAX_RECORD):
            yield line.decode("utf-8-sig" if file.tell() == len(line) else "utf-8", "surrogateescape")

    reader = csv.reader(lines(), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            yield Record(reader.line_num, None, f"this is not CSV: {wrong}", file.tell())
            continue
        if header is None:
            header = [name.strip() for name in row]
        elif not row:
            continue
        elif len(row) != len(header):
            yield Record(reader.line_num, None, f"there are {len(row)} fields and {len(header)} columns", file.tell())
        elif any(not field.isprintable() and _has_surrogate(field) for field in row):
            yield Record(reader.line_num, None, "this is not UTF-8", file.tell())
        else:
            yield Record(reader.line_num, dict(zip(header, row, strict=True)), "", file.tell())


def _lines(file: BinaryIO) -> Iterator[Record]:
    number = 0
    while line := file.readline(MAX_RECORD):
        number += 1
        if not line.endswith(b"\n") and len(line) == MAX_RECORD:
            while (rest := file.readline(MAX_RECORD)) and not rest.endswith(b"\n"):
                pass
            yield Record(number, None, "the line is too long", file.tell())
        elif line.strip():
            yield _read(number, line, file.tell())


def _read(number: int, line: bytes, offset: int) -> Record:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Record(number, None, "this is not JSON in UTF-8", offset)
    return _person(number, value, offset)


def _person(number: int, value: object, offset: int) -> Record:
    if not isinstance(value, dict):
        return Record(number, None, "this is not an object", offset)
    return Record(number, value, "", offset)


def _document(file: BinaryIO) -> Iterator[Record]:
    """Read the array that is the document, or that is its member ``users``, one element after the other."""
    text = _Text(file)
    number = 0
    if not text.find_array():
        yield Record(1, None, "there is no array of users", file.tell())
        return
    while True:
        text.skip(_BLANK + ",")
        if text.peek() in ("]", ""):
            return
        number += 1
        try:
            value = text.value()
        except (ValueError, RecursionError):
            yield Record(number, None, "this is not JSON, and what follows cannot be read", file.tell())
            return
        yield _person(number, value, file.tell())


class _Text:
    """The text of a JSON document, of which only as much is held as the present element needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._rest = b""

    def find_array(self) -> bool:
        """Go behind the bracket that opens the array."""
        self.skip(_BLANK + "\ufeff")
        if self.peek() == "[":
            self._at += 1
            return True
        # The members before "users" are a realm's settings, which may be long.
        while (place := self._text.find('"users"', self._at)) < 0:
            self._at = max(self._at, len(self._text) - len('"users"'))
            if not self._more():
                return False
        self._at = place + len('"users"')
        self.skip(_BLANK + ":")
        if self.peek() != "[":
            return False
        self._at += 1
        return True

    def skip(self, characters: str) -> None:
        """Go to the next character that is none of these."""
        while self.peek() and self.peek() in characters:
            self._at += 1

    def peek(self) -> str:
        """Return the next character; nothing at the end."""
        if self._at >= len(self._text) and not self._more():
            return ""
        return self._text[self._at]

    def value(self) -> object:
        """Read one element. Raises ``ValueError`` for what is no JSON, or larger than a person can be."""
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if len(self._text) - self._at > MAX_RECORD or not self._more():
                    raise
            else:
                return value

    def _more(self) -> bool:
        chunk = self._file.read(_CHUNK)
        if not chunk:
            return False
        whole = self._rest + chunk
        try:
            text, self._rest = whole.decode("utf-8"), b""
        except UnicodeDecodeError as wrong:
            if len(whole) - wrong.start > 3:  # not merely cut in the middle of a character
                text, self._rest = whole.decode("utf-8", "replace"), b""
            else:
                text, self._rest = whole[: wrong.start].decode("utf-8"), whole[wrong.start :]
        self._text, self._at = self._text[self._at :] + text, 0
        return True


def _first_line(file: BinaryIO) -> bytes:
    """Look at the first line that has something on it, and go back."""
    line = b"\n"
    while line and not line.strip(b" \t\r\n\xef\xbb\xbf"):
        line = file.readline(MAX_RECORD)
    file.seek(0)
    return line.strip(b" \t\r\n\xef\xbb\xbf")


def _is_person(line: bytes) -> bool:
    """Tell a line of JSON lines from the beginning of a document."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and not isinstance(value.get("users"), list)


def _has_surrogate(field: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in field)
