"""The module for pages, as a file."""

import re

import pytest

from tests.support.house import House
from tests.support.raw import call

PATH = "/v1/doorward.js"


@pytest.fixture
def engine() -> str:
    """One engine is enough: nothing here asks it anything."""
    return "sqlite"


async def test_it_is_kept_for_an_hour_and_then_asked_for_with_its_validator(house: House) -> None:
    """Another release has another one."""
    first = await call(house.auth, "GET", PATH)
    (etag,) = first.values(b"etag")
    same = await call(house.auth, "GET", PATH, headers=[(b"if-none-match", b'"x", ' + etag)])
    other = await call(house.auth, "GET", PATH, headers=[(b"if-none-match", b'"another"')])

    assert first.values(b"content-type") == [b"text/javascript; charset=utf-8"]
    assert first.values(b"x-content-type-options") == [b"nosniff"]
    assert (same.status, same.body, same.values(b"etag")) == (304, b"", [etag])
    assert other.body == first.body


async def test_it_needs_nobody_and_stores_nothing(house: House) -> None:
    """No import, no storage, no markup, no code made of text, in a few kilobytes of which half are comments."""
    text = (await call(house.auth, "GET", PATH)).body.decode()
    code = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", text, flags=re.DOTALL)

    for word in (
        "import ",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.",
        "innerHTML",
        "eval(",
        "Function(",
    ):
        assert word not in code, word
    assert len(text) < 14_000
    assert len(code) < 8_500
