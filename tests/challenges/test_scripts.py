"""The scripts that answer a challenge come from the server itself, and hold to its strictest policy."""

import pytest

from doorward.challenges.flows import SCRIPT_PATH, WORKER_PATH
from tests.support.house import House


@pytest.mark.parametrize("path", [SCRIPT_PATH, WORKER_PATH])
async def test_a_script_is_served_and_needs_nothing_from_outside(house: House, path: str) -> None:
    """With its type, for a day, and without a way to build code from text."""
    answer = await house.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for word in ("http:", "https:", "eval(", "Function(", "innerHTML", "import("):
        assert word not in answer.text
