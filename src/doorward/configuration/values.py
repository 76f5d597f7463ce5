"""From what people write to what the program uses: one setting's value, checked by itself.

A text (environment, ``.env``, command line) and an already typed value (TOML, Python) take the same way and meet the
same bounds. What is wrong is said by ``ValueError`` in words that can stand in a sentence; a secret never appears in
them. Whether values fit *together* is decided in ``safety.py``.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from doorward.configuration.catalogue import Entry, Kind
from doorward.core.secret import Secret

_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_DURATION: Final = re.compile(r"([0-9]{1,12})([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SWITCH: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_SHOWN: Final = 40
"""So much of a wrong value is repeated: enough to find it, too little to flood a log."""


def convert(entry: Entry, value: object) -> object:
    """Return the typed value of a setting. Raises ``ValueError`` with what is wrong with it."""
    if entry.optional and value in (None, ""):
        return None
    return _CONVERTERS[entry.kind](entry, value)


def show_seconds(seconds: int) -> str:
    """Write a duration as people would: ``600`` is ``10m``."""
    for unit in "dhm":
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def _text(entry: Entry, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("contains a control character")
    _check_bounds(entry, len(value), lambda bound: f"{bound} characters")
    return value


def _number(entry: Entry, value: object) -> int:
    number = int(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"must be a whole number, not {_shown(value)}")
    _check_bounds(entry, number, str)
    return number


def _duration(entry: Entry, value: object) -> int:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = int(match[1]) * _SECONDS[match[2]] if match else value
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise ValueError(f"must be a duration like 90, 30s, 10m, 12h or 30d, not {_shown(value)}")
    _check_bounds(entry, seconds, show_seconds)
    return seconds


def _switch(_entry: Entry, value: object) -> bool:
    switch = _SWITCH.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(switch, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return switch


def _choice(entry: Entry, value: object) -> str:
    if not isinstance(value, str) or value.strip() not in entry.choices:
        raise ValueError(f"must be one of {', '.join(entry.choices)}, not {_shown(value)}")
    return value.strip()


def _path(_entry: Entry, value: object) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("must be a path")
    return Path(value)


def _list(_entry: Entry, value: object) -> tuple[str, ...]:
    parts = split(value) if isinstance(value, str) else value
    if not isinstance(parts, Iterable):
        raise ValueError("must be a list, separated by commas")
    texts = tuple(parts)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a list of texts")
    return texts


def _secrets(_entry: Entry, value: object) -> tuple[Secret, ...]:
    parts = split(value) if isinstance(value, str) else [value] if isinstance(value, Secret | bytes) else value
    if not isinstance(parts, Iterable):
        raise ValueError("must be one or more secrets, separated by commas")
    found = tuple(parts)
    if not all(isinstance(each, str | bytes | Secret) for each in found):
        raise ValueError("must be a list of secrets")
    return tuple(each if isinstance(each, Secret) else Secret(each) for each in found)


def split(text: str) -> list[str]:
    """Split a list written as text: by commas or line ends, without the blanks around."""
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def _check_bounds(entry: Entry, size: int, show: Callable[[int], str]) -> None:
    if entry.least is not None and size < entry.least:
        raise ValueError(f"must be at least {show(entry.least)}")
    if entry.most is not None and size > entry.most:
        raise ValueError(f"must be at most {show(entry.most)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


_CONVERTERS: Final[dict[Kind, Callable[[Entry, object], object]]] = {
    "text": _text,
    "number": _number,
    "switch": _switch,
    "duration": _duration,
    "list": _list,
    "path": _path,
    "choice": _choice,
    "secrets": _secrets,
}
