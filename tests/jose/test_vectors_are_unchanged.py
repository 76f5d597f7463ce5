"""The vector files are what their README says they are."""

import hashlib
import re

import pytest

from tests.jose.vectors import VECTORS

ROWS = dict(
    re.findall(r"^\| `([^`]+\.json)` \| \d+ \| ([0-9a-f]{12}) \|", (VECTORS / "README.md").read_text(), re.MULTILINE)
)
FILES = sorted(
    str(path.relative_to(VECTORS))
    for folder in ("wycheproof", "jose-cookbook")
    for path in (VECTORS / folder).rglob("*.json")
)


@pytest.mark.parametrize("name", FILES)
def test_a_vector_file_has_the_blob_id_of_its_origin(name: str) -> None:
    """Nobody mends a vector to make a test pass."""
    data = (VECTORS / name).read_bytes()

    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    assert blob[:12] == ROWS[name]
