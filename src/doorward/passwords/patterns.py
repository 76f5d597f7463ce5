"""Shapes that no list can hold in full: keyboard rows, counting, repeats, a common word with something simple added.

Pure. Attackers generate these, so a password that is *nothing but* such a shape counts as listed. NIST SP 800-63B-4
§3.1.1.2 forbids looking for listed words inside a longer password; whatever is said here is about the whole of it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

Listed = Callable[[str], bool]
"""Tells whether a folded word is on the list."""

_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "0123456789",
    "!@#$%^&*()",
    "qwertyuiopasdfghjklzxcvbnm",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "yxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "1qay2wsx3edc4rfv5tgb6zhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
    "a1b2c3d4e5f6g7h8i9j0",
    "qweasdzxc",
    "йцукенгшщзхъфывапролджэячсмитьбю",
)
_LINES: Final = tuple(line for row in _ROWS for line in (row, row[::-1]))
_SUCCESSORS: Final = tuple(dict(zip(line, line[1:] + line[:1], strict=True)) for line in _LINES)
_FROM_PAIR: Final = {
    pair: tuple(successor for successor in _SUCCESSORS if successor.get(pair[0]) == pair[1])
    for pair in {key + after for successor in _SUCCESSORS for key, after in successor.items()}
}
"""Which rows two neighbouring characters can begin a run in; most pairs begin none, which keeps this quick."""

_SHORTEST_RUN: Final = 3
_MOST_RUNS: Final = 3
_SHORTEST_LISTED: Final = 4
_SHORT_ADDITION: Final = re.compile(r"(?:[\W\d_]{1,4}|(?:19|20)\d\d[\W_]{0,4})", re.ASCII)


def fold(password: str) -> str:
    """Bring a password into the form in which lists are compared: NFC and case-folded. Never for hashing."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", password).casefold())


def shape(folded: str, listed: Listed) -> str | None:
    """Say which predictable shape the whole of a folded password has, in a sentence for its owner, or ``None``."""
    if is_sequence(folded):
        return "The password is a sequence or a repetition of keys."
    if repeats(folded, listed):
        return "The password repeats something common."
    if any(listed(core) for core in _cores(folded)):
        return "The password is a common one with something simple added."
    return None


def is_sequence(text: str) -> bool:
    """Tell whether a text consists of at most three runs along a keyboard row, the alphabet, digits or one key."""
    start, runs = 0, 0
    while start < len(text):
        length = _longest_run(text, start)
        runs += 1
        if length < _SHORTEST_RUN or runs > _MOST_RUNS:
            return False
        start += length
    return runs > 0


def repeats(text: str, listed: Listed) -> bool:
    """Tell whether a text is one unit over and over (the last may be cut off) and the unit itself is nothing much."""
    for size in range(1, len(text) - _SHORTEST_RUN + 1):
        if text[size:] == text[:-size]:
            unit = text[:size]
            return size < _SHORTEST_RUN or is_sequence(unit) or listed(unit)
    return False


def _cores(text: str) -> Iterator[str]:
    """Take something simple off the end, or off the beginning, and offer what is left."""
    for cut in range(_SHORTEST_LISTED, len(text)):
        if _is_simple(text[cut:]):
            yield text[:cut]
        if _is_simple(text[:-cut]):
            yield text[-cut:]


def _is_simple(addition: str) -> bool:
    return _SHORT_ADDITION.fullmatch(addition) is not None or _longest_run(addition, 0) == len(addition) > 1


def _longest_run(text: str, start: int) -> int:
    """Measure the longest run that begins at ``start``: one key repeated, or neighbours in a row."""
    rows = _FROM_PAIR.get(text[start : start + 2], ())
    return max([_same(text, start), *(_run(text, start, successor) for successor in rows)])


def _same(text: str, start: int) -> int:
    return len(text) - start - len(text[start:].lstrip(text[start]))


def _run(text: str, start: int, successor: dict[str, str]) -> int:
    end = start + 1
    while end < len(text) and successor.get(text[end - 1]) == text[end]:
        end += 1
    return end - start
