"""From ``:name`` to ``$1``: the one difference between the SQL of the two engines that is mended mechanically.

SQLite takes ``:name`` as it is; PostgreSQL's protocol counts. What stands in a string, a quoted name or a comment is
left alone, and so is the cast ``::``. Pure, standard library only.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'                        # a string
    | "(?:[^"]|"")*"                        # a quoted name
    | --[^\n]*                              # a comment to the end of the line
    | /\*.*?\*/                             # a comment
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$       # a dollar-quoted string
    | ::                                    # a cast
    | :(?P<name>[A-Za-z_][A-Za-z0-9_]*)     # a parameter
    | ;                                     # the end of a statement
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with ``$1``, ``$2`` … and the names in that order; a name used twice keeps its number."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        return match[0] if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    return _TOKEN.sub(number, sql), tuple(numbers)


def split(script: str) -> Iterator[str]:
    """Yield the statements of a script without their semicolons; what is only a comment is no statement."""
    start = 0
    for end, following in [*((m.start(), m.end()) for m in _TOKEN.finditer(script) if m[0] == ";"), (len(script), 0)]:
        text = script[start:end].strip()
        if _TOKEN.sub(_without_comment, text).strip():
            yield text
        start = following


def _without_comment(match: re.Match[str]) -> str:
    return "" if match[0].startswith(("--", "/*")) else match[0]
