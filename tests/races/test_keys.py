"""Several processes make and rotate signing keys at the same moment."""

from collections import Counter
from pathlib import Path

import pytest

from doorward.db import Database, GuardFailed
from doorward.errors import StorageUnavailable
from tests.races.crew import Crew, Place
from tests.support.house import House


async def _states(database: Database) -> Counter[str]:
    return Counter(row["state"] for row in await database.fetch_all("SELECT state FROM signing_key"))


async def test_processes_that_start_on_an_empty_database_agree_on_one_active_and_one_staged_key(
    crew: Crew, place: Place, database: Database
) -> None:
    """The unique indexes let one of them win; the others read what it wrote."""
    kids = await crew.run("start", place)

    assert len(set(kids)) == 1
    assert await _states(database) == {"active": 1, "staged": 1}


async def test_processes_that_start_without_any_file_migrate_it_once(crew: Crew, tmp_path: Path) -> None:
    """On SQLite the first start makes the tables, also when there are four first starts."""
    place = Place(f"sqlite:///{tmp_path / 'fresh' / 'doorward.db'}", tmp_path)

    kids = await crew.run("start", place)

    assert len(set(kids)) == 1


@pytest.mark.parametrize("revoke", [False, True])
async def test_rotations_at_once_leave_one_active_and_one_staged_key(
    crew: Crew, place: Place, database: Database, revoke: bool
) -> None:
    """Every operator who asked is told a key, and with ``revoke`` no key from before is left."""
    async with place.open() as (auth, _):
        before = {record.kid for record in await auth.keys.records()}

    answers = await crew.run("rotate_keys", place, revoke=revoke)

    states = await _states(database)
    rows = await database.fetch_all("SELECT kid, state FROM signing_key")
    assert set(answers).isdisjoint({"storage_unavailable", "internal_error"})
    assert (states["active"], states["staged"]) == (1, 1)
    if revoke:
        assert {row["state"] for row in rows if row["kid"] in before} == {"retired"}


async def test_keys_that_never_come_to_rest_are_reported_as_such(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever loses every time hears so, after a bounded number of attempts, and the keys are whole."""

    async def always_too_late(*_: object) -> None:
        raise GuardFailed(0)

    monkeypatch.setattr(house.auth.keys, "_rotate", always_too_late)

    with pytest.raises(StorageUnavailable):
        await house.auth.keys.rotate(revoke=True)

    assert sorted(record.state.value for record in await house.auth.keys.records()) == ["active", "staged"]
