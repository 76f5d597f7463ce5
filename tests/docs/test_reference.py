"""The pages that are made from the code say what the code says."""

import re

import pytest

from doorward.errors import CODES
from scripts.generate_reference import FIELD_CODES, FOLDER, PAGES
from tests.architecture.test_source import MODULES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_says(name: str) -> None:
    """A page that is behind its code is a lie; ``make docs`` writes it anew."""
    written = (FOLDER / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), f"docs/reference/{name} is behind the code: run 'make docs'"


@pytest.mark.parametrize("code", CODES)
def test_type_of_a_problem_has_a_heading_to_point_to(code: str) -> None:
    """The ``type`` URL of a problem ends in its code, which is a heading of the page (RFC 9457 §3.1.1)."""
    headings = re.findall(r"^## (\w+)$", (FOLDER / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings.count(code) == 1


def test_field_codes_in_the_source_are_documented() -> None:
    """A code written in a ``FieldError`` is in the table of field codes."""
    used = {
        code
        for path in MODULES
        for code in re.findall(r"FieldError\(\s*f?\"[^\"]*\",\s*\"(\w+)\"", path.read_text(encoding="utf-8"))
    }

    assert used <= set(FIELD_CODES)
