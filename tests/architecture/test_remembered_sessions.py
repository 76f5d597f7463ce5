"""What a remembered session says of its account changes with a notice to every process that remembers it."""

import re

from tests.architecture.test_source import PACKAGE

_REMEMBERED = re.compile(r"\b(roles|email_verified_at)\s*=\s*[:\w]")
_UPDATE = re.compile(r"UPDATE account SET.*?(?:RETURNING|\"\"\")", re.DOTALL)

KNOWN = {"accounts/store.py: roles", "accounts/store.py: email_verified_at"}
"""Each with a call of ``Sessions.changing_account`` in the write that it is part of, and ``Sessions.obey`` after it."""


def test_whoever_changes_what_is_remembered_says_so() -> None:
    """A new statement that sets the roles, or that an address is verified, is added above together with its notice."""
    found = {
        f"{path.relative_to(PACKAGE)}: {column}"
        for path in PACKAGE.rglob("store.py")
        for update in _UPDATE.findall(path.read_text("utf-8"))
        for column in _REMEMBERED.findall(update)
    }

    assert found == KNOWN
