"""The page about exit codes says what the code says."""

import re
from pathlib import Path

from doorward.cli.output import Exit

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "exit-codes.md"


def test_every_exit_code_is_on_the_page() -> None:
    """With its number and its name, and no others."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert [(int(number), name) for number, name in rows] == [(code.value, code.name) for code in Exit]
