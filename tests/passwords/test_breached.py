"""Passwords from breaches: the shipped filter, the setting, the package, and what people hear."""

import gzip
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from doorward.errors import Misconfigured
from doorward.passwords.breached import FILE, PACKAGE, Breached
from doorward.passwords.fuse import pack
from doorward.settings import Settings
from tests.support.house import PASSWORD, bearer, open_house

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "packages" / "doorward-breached" / "src" / PACKAGE / FILE
SAMPLE = gzip.decompress((ROOT / "tests/vectors/breached_passwords.txt.gz").read_bytes()).decode().split("\n")
KNOWN = "a fine long password that a breach knows"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a small filter."""
    path = tmp_path / "filter.bin"
    path.write_bytes(pack([KNOWN]))
    return path


def test_the_shipped_filter_holds_the_sample() -> None:
    """Five thousand words, evenly taken from all that were put in, in any letter case."""
    breached = Breached.find(SHIPPED)

    assert len(breached) > 3_000_000
    assert len(SAMPLE) == 5000
    assert all(word in breached for word in SAMPLE)
    assert SAMPLE[0].upper() in breached


def test_the_shipped_filter_holds_hardly_anything_else() -> None:
    """One in 65,536: three are expected of two hundred thousand, and twelve are hardly possible."""
    breached = Breached.find(SHIPPED)

    assert sum(f"no breach has {number} of these" in breached for number in range(200_000)) <= 12


def test_without_a_file_and_without_the_package_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocklist that is always there does what it does."""
    monkeypatch.setattr("doorward.passwords.breached.find_spec", lambda name: None)
    nothing = Breached.find(None)

    assert len(nothing) == 0
    assert KNOWN not in nothing


def test_the_package_is_found_where_it_is_installed(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installing it is all there is to do."""
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("")
    file.rename(package / FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)

    assert KNOWN in Breached.find(None)


@pytest.mark.parametrize("content", [None, b"", b"nonsense" * 10])
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    """With its name, and what to do."""
    path = tmp_path / "filter.bin"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Misconfigured, match=r"breached_file: .*filter\.bin"):
        Breached.find(path)


async def test_a_breached_password_is_refused_wherever_one_is_set(settings: Settings, file: Path) -> None:
    """At registration and at a change, with its own code; a form that asks hears it as well."""
    breached = replace(settings, passwords=replace(settings.passwords, breached_file=file))
    async with open_house(breached) as house:
        pair = await house.enter()
        registered = await house.client.post("/v1/accounts", json={"email": "b@example.test", "password": KNOWN})
        changed = await house.client.post(
            "/v1/me/password",
            json={"current_password": PASSWORD, "new_password": KNOWN.upper()},
            headers=bearer(pair["access_token"]),
        )
        checked = await house.client.post("/v1/password/check", json={"password": KNOWN})

    for answer, pointer in ((registered, "/password"), (changed, "/new_password")):
        assert answer.status_code == 422
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, "password_breached")]
    assert checked.json()["acceptable"] is False
    assert checked.json()["score"] <= 1
