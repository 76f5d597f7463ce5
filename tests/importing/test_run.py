"""Running an import: what is wrong is said by line, and nothing is done twice."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from doorward.db import Database, open_database
from doorward.errors import LoginTaken, StorageUnavailable
from doorward.importing.flows import BATCH, Options, Told
from doorward.importing.reading import MAX_RECORD, Record, digest, read
from doorward.importing.systems import SYSTEMS
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase, How
from tests.importing import exports
from tests.importing.test_systems import run, write
from tests.support.house import House, open_house
from tests.support.waiting import until

HASH = exports.bcrypt_hash()


def people(count: int, start: int = 0) -> str:
    """JSON lines of so many people."""
    return "".join(
        json.dumps({"email": f"person{number}@example.test", "password_hash": HASH, "id": str(number)}) + "\n"
        for number in range(start, start + count)
    )


async def _count(database: Database, table: str = "account") -> int:
    (row,) = await database.fetch_all(f"SELECT COUNT(*) AS n FROM {table}")
    return int(row["n"])


async def test_the_same_file_again_does_nothing(house: House, tmp_path: Path) -> None:
    """It is known by its content, whatever it is called."""
    path = write(tmp_path, people(BATCH + 5), "people.jsonl")
    first, _ = await run(house, path, "jsonl")
    again, told = await run(house, path.rename(tmp_path / "other.jsonl"), "jsonl")

    assert (first.imported, first.resumed_at) == (BATCH + 5, 0)
    assert (again.imported, again.skipped, again.resumed_at, again.was_finished) == (0, 0, BATCH + 5, True)
    assert told == []
    assert await _count(house.auth._database) == BATCH + 5


async def test_every_account_is_in_the_trail_and_the_trail_is_whole(house: House, tmp_path: Path) -> None:
    """An import is as accountable as a registration."""
    await run(house, write(tmp_path, people(300), "people.jsonl"), "jsonl")
    await house.auth.audit.seal_all()

    verdict = await house.auth.audit.verify()
    lines = [line async for line in house.auth.audit.sealed()]

    assert verdict.faults == ()
    assert {(line.event, line.actor) for line in lines} == {("account.imported", "operator")}
    assert len({line.account_id for line in lines}) == 300


async def test_a_dry_run_says_everything_and_writes_nothing(house: House, tmp_path: Path) -> None:
    """What is taken, what is twice in the file, what cannot be read."""
    await house.register("person1@example.test")
    path = write(tmp_path, people(BATCH) + people(2) + "nonsense\n", "people.jsonl")

    dry, told = await run(house, path, "jsonl", dry_run=True)
    wet, _ = await run(house, path, "jsonl")

    assert (dry.imported, dry.skipped, dry.refused) == (wet.imported, wet.skipped, wet.refused) == (BATCH - 1, 3, 1)
    assert [each.words for each in told if each.outcome == "refused"] == ["this is not JSON in UTF-8"]


async def test_a_login_that_is_taken_is_never_merged(house: House, tmp_path: Path) -> None:
    """Also by a username, and in another letter case; the account there is stays as it is."""
    account = await house.register("ada@example.test", username="countess")
    lines = [
        {"email": "ADA@example.test", "password_hash": HASH},
        {"email": "other@example.test", "username": "Countess", "password_hash": HASH},
        {"email": "new@example.test", "username": "first", "password_hash": HASH},
        {"email": "third@example.test", "username": "FIRST", "password_hash": HASH},
    ]
    path = write(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "people.jsonl")

    summary, told = await run(house, path, "jsonl")

    assert (summary.imported, summary.skipped) == (1, 3)
    assert [each.number for each in told if each.outcome == "skipped"] == [1, 2, 4]
    assert (await house.auth.accounts.find_by_email("ada@example.test")).id == account["id"]
    assert (await house.log_in())["account"]["id"] == account["id"]


async def test_an_import_can_stop_at_a_conflict(house: House, tmp_path: Path) -> None:
    """Nothing of the batch is imported then; the file can be corrected."""
    await house.register("person3@example.test")

    with pytest.raises(LoginTaken) as stopped:
        await run(house, write(tmp_path, people(5), "people.jsonl"), "jsonl", stop_on_conflict=True)

    assert stopped.value.detail == "Line 4: the login is taken."
    assert await _count(house.auth._database) == 1


async def test_what_breaks_the_rules_is_refused_by_line(house: House, tmp_path: Path) -> None:
    """Addresses, profiles, roles, hashes: the rules of registration, and the bounds of a log-in."""
    lines: list[dict[str, Any]] = [
        {"email": "not an address"},
        {"email": "a@example.test", "profile": {"x": "y" * 9000}},
        {"email": "b@example.test", "roles": ["Not A Role"]},
        {"email": "c@example.test", "password_hash": "plain text password"},
        {
            "email": "d@example.test",
            "password_hash": "$argon2id$v=19$m=4194304,t=3,p=1$c2l4dGVlbiBieXRlcyE$" + "A" * 43,
        },
        {"email": "e@example.test", "password_hash": "pbkdf2_sha256$999999999$salt$" + "A" * 43 + "="},
        {"email": "f@example.test", "password_hash": "$2b$31$" + "A" * 53},
        {"email": "good@example.test", "password_hash": HASH},
    ]
    path = write(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "people.jsonl")

    summary, told = await run(house, path, "jsonl", with_roles=True)

    assert (summary.imported, summary.refused) == (1, 7)
    assert [each.number for each in told if each.outcome == "refused"] == list(range(1, 8))
    words = " ".join(each.words for each in told)
    assert "plain text password" not in words
    assert "asks for too much work" in words


async def test_a_hash_that_is_not_usable_can_be_left_out(house: House, tmp_path: Path) -> None:
    """Then the person is imported and resets the password."""
    path = write(tmp_path, json.dumps({"email": "a@example.test", "password_hash": "md5$x$y"}) + "\n", "people.jsonl")

    summary, told = await run(house, path, "jsonl", without_bad_hashes=True)

    assert summary.imported == 1
    assert told[0].words == "imported without a password: the hash cannot be verified here"


async def test_times_of_the_future_and_of_before_1970_are_bounded(house: House, tmp_path: Path) -> None:
    """Sorting and cursors rely on them."""
    lines = [
        {"email": "a@example.test", "created_at": "2999-01-01"},
        {"email": "b@example.test", "created_at": "1900-01-01"},
    ]
    await run(house, write(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "x.jsonl"), "jsonl")

    future = await house.auth.accounts.find_by_email("a@example.test")
    past = await house.auth.accounts.find_by_email("b@example.test")

    assert (future.created_at, past.created_at) == (house.clock(), 0)


async def test_an_imported_hash_gets_the_pepper(settings: Settings, tmp_path: Path) -> None:
    """From the first moment on, the database alone is not enough to guess."""
    from secrets import token_urlsafe

    from msgspec.structs import replace

    from doorward.core.secret import Secret

    peppered = replace(settings, passwords=replace(settings.passwords, pepper=(Secret(token_urlsafe(32)),)))
    async with open_house(peppered) as house:
        await run(house, write(tmp_path, people(1), "x.jsonl"), "jsonl")
        rows = await house.auth._database.fetch_all("SELECT hash FROM password")
        await house.log_in("person0@example.test")

    assert rows[0]["hash"].startswith("$doorward-pepper$")


@pytest.mark.parametrize("how", ["before", "after", "defect"])
async def test_a_failure_at_any_call_is_made_good_by_running_it_again(
    database_url: str, tmp_path: Path, settings: Settings, how: How
) -> None:
    """Whether the batch was committed or not: everybody is there once in the end."""
    path = write(tmp_path, people(2 * BATCH + 10), "people.jsonl")
    aimed = AimedDatabase(open_database(database_url, pool_size=4, timeout=10))
    async with open_house(settings, database=aimed) as house:
        for number in range(1, 10):
            with aimed.aim(number, how), contextlib.suppress(StorageUnavailable, RuntimeError, LoginTaken):
                await run(house, path, "jsonl")

        await run(house, path, "jsonl")

        assert await _count(aimed) == await _count(aimed, "password") == await _count(aimed, "audit_event")
        assert await _count(aimed) == 2 * BATCH + 10


async def test_somebody_who_registers_meanwhile_is_skipped(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is looked at again; if that never ends, the import stops and can go on later."""
    imports, accounts = house.auth.imports, house.auth.accounts
    taken, asked = accounts.taken, []

    async def late(keys: list[str]) -> set[str]:
        found = await taken(keys)
        if not asked:
            asked.append(keys)
            await house.register("person1@example.test")
        return found

    monkeypatch.setattr(accounts, "taken", late)
    summary, _ = await run(house, write(tmp_path, people(3), "people.jsonl"), "jsonl")

    async def never(_: list[str]) -> set[str]:
        return set()

    monkeypatch.setattr(accounts, "taken", never)
    with pytest.raises(LoginTaken):
        await run(house, write(tmp_path, people(2), "others.jsonl"), "jsonl")
    assert imports is house.auth.imports
    assert (summary.imported, summary.skipped) == (2, 1)


async def test_two_imports_of_one_file_at_once_import_it_once(house: House, tmp_path: Path) -> None:
    """The slower one is told, or finds everything done."""
    path = write(tmp_path, people(BATCH * 2), "people.jsonl")

    results = await asyncio.gather(*(run(house, path, "jsonl") for _ in range(3)), return_exceptions=True)

    assert {type(each) for each in results} <= {tuple, LoginTaken}
    await run(house, path, "jsonl")
    assert await _count(house.auth._database) == BATCH * 2


async def test_a_batch_of_nothing_but_errors_moves_on(house: House, tmp_path: Path) -> None:
    """They are counted once."""
    path = write(tmp_path, "nonsense\n" * (BATCH + 1), "people.jsonl")

    summary, _ = await run(house, path, "jsonl")
    again, _ = await run(house, path, "jsonl")

    assert (summary.refused, again.refused) == (BATCH + 1, 0)


_IMPORTING = """
import asyncio, sys
from pathlib import Path
from doorward.core.secret import Secret
from tests.support.house import open_house, settings_for
from tests.importing.test_systems import run

async def main(url, folder, secret, path):
    async with open_house(settings_for(url, Path(folder), secret=(Secret(secret),))) as house:
        print("ready", flush=True)
        await run(house, Path(path), "jsonl")

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_killed_in_the_middle_is_made_good(
    database_url: str, tmp_path: Path, settings: Settings, database: Database
) -> None:
    """``kill -9`` between two batches or within one: the next run goes on, and nobody is there twice."""
    path = write(tmp_path, people(6_000), "people.jsonl")
    secret = settings.secret[0].reveal().decode()
    command = [sys.executable, "-c", _IMPORTING, database_url, str(tmp_path), secret, str(path)]
    dying = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - it returns at once

    async def has_begun() -> bool:
        return await _count(database) > 3 * BATCH

    await until(has_begun)
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    at_death = await _count(database)

    async with open_house(settings) as house:
        summary, _ = await run(house, path, "jsonl")

    assert at_death < 6_000
    assert summary.resumed_at == at_death
    assert summary.imported == 6_000 - at_death
    assert await _count(database) == 6_000


# -- reading ----------------------------------------------------------------------------------------------------------


def _errors(path: Path) -> list[tuple[int, str]]:
    return [(each.number, each.error) for each in read(path) if each.members is None]


def test_bad_lines_of_csv_keep_their_numbers(tmp_path: Path) -> None:
    """A quote that never ends, a field too few, bytes of another encoding: one line each."""
    path = tmp_path / "x.csv"
    path.write_bytes(
        b'email,profile\na@example.test,{}\n\nb@example.test\n\xff@example.test,x\n"c"x,y\nd@example.test,\n'
    )

    records = list(read(path))

    assert [each.number for each in records] == [2, 4, 5, 6, 7]
    assert [each.error.partition(":")[0] for each in records] == [
        "",
        "there are 1 fields and 2 columns",
        "this is not UTF-8",
        "this is not CSV",
        "",
    ]
    assert records[-1].offset == path.stat().st_size


def test_bad_lines_of_json_keep_their_numbers(tmp_path: Path) -> None:
    """Nonsense, other values, too deep, too long, another encoding."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b'{"email": "a"}\n\nnonsense\n[1]\n' + b"[" * 200_000 + b"\n" + b"x" * (2 * MAX_RECORD + 5) + b"\n\xff\n"
    )

    assert _errors(path) == [
        (3, "this is not JSON in UTF-8"),
        (4, "this is not an object"),
        (5, "this is not JSON in UTF-8"),
        (6, "the line is too long"),
        (7, "this is not JSON in UTF-8"),
    ]


@pytest.mark.parametrize("content", ["[]", '{"users": []}', "", '{"users":\n []}', "\ufeff[]", "\n\n[ ]"])
def test_an_empty_document_has_nobody(tmp_path: Path, content: str) -> None:
    """That is no error."""
    assert list(read(write(tmp_path, content))) == []


@pytest.mark.parametrize("content", ['{"people": [\n]}', '{"users": 5\n}', '{"users"'])
def test_a_document_without_users_says_so(tmp_path: Path, content: str) -> None:
    """The wrong file, or the wrong format."""
    assert _errors(write(tmp_path, content)) == [(1, "there is no array of users")]


def test_a_document_that_breaks_off_says_where(tmp_path: Path) -> None:
    """What came before is read."""
    records = list(read(write(tmp_path, '[{"email": "a"}, 5, {"email": "b')))

    assert [each.error for each in records] == [
        "",
        "this is not an object",
        "this is not JSON, and what follows cannot be read",
    ]


def test_a_document_is_read_piece_by_piece(tmp_path: Path) -> None:
    """Characters of several bytes, cut anywhere; a person larger than a piece; a wrong byte in between."""
    users = [{"email": f"é{number}@x", "profile": {"bio": "😀" * 7000}} for number in range(20)]
    path = write(tmp_path, json.dumps(users, ensure_ascii=False))

    assert [each.members for each in read(path)] == users
    path.write_bytes(b'[{"email": "\xff' + b"a" * 100_000 + b'"}]')
    assert len([each for each in read(path) if each.members]) == 1


def test_a_person_larger_than_any_can_be_is_not_held(tmp_path: Path) -> None:
    """Memory is bounded by what a person can be."""
    path = tmp_path / "x.json"
    path.write_text('[{"email": "' + "x" * (3 * MAX_RECORD))

    assert _errors(path) == [(1, "this is not JSON, and what follows cannot be read")]


def test_one_object_a_line_is_no_document(tmp_path: Path) -> None:
    """Also when a person has a member that is called users."""
    path = write(tmp_path, '{"email": "a", "users": "x"}\n{"email": "b"}\n', "x.json")

    assert len(list(read(path))) == 2


async def test_whoever_is_told_nothing_sees_the_summary(house: House) -> None:
    """A host that calls it in process."""
    told: list[Told] = []
    records = [Record(1, {"email": "a@example.test"})]
    summary = await house.auth.imports.run(
        records, SYSTEMS["jsonl"], digest=b"x", form="jsonl", options=Options(), tell=told.append
    )

    assert (summary.imported, digest is not None) == (1, True)
