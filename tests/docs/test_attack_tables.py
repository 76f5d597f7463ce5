"""Pages that name tests name such as there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "cookies-and-forgery.md"
NAMED = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part)
def test_the_attack_is_tried(file: str, name: str) -> None:
    """A rule without its test is a promise."""
    module = ast.parse((ROOT / "tests" / "attacks" / file).read_text(encoding="utf-8"))

    assert name in {node.name for node in module.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}


def test_every_rule_has_a_test() -> None:
    """No row is left without one."""
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "---" not in line
    ]
    without = [row for row in rows if "test_" not in row and not row.startswith("| rule |")]

    assert without == []
