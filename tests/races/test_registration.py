"""One address, registered by many at once."""

from collections import Counter

import pytest

from doorward.db import Database
from tests.races.crew import Crew, Place

SPELLINGS = [f"{'Ada' if i % 2 else 'ada'}@{'Example' if i % 3 else 'example'}.test" for i in range(50)]


async def test_fifty_parallel_registrations_of_one_address_make_one_account(
    crew: Crew, place: Place, database: Database
) -> None:
    """Whatever the letter case: one is 201, the others are told that the login is taken."""
    answers = await crew.run_all("register", place, emails=SPELLINGS, username=None)

    accounts = await database.fetch_all("SELECT id FROM account")
    passwords = await database.fetch_all("SELECT account_id FROM password")
    assert Counter(answers) == {(201, ""): 1, (409, "login_taken"): 49}
    assert [row["account_id"] for row in passwords] == [row["id"] for row in accounts]


@pytest.mark.parametrize("username", ["ada"])
async def test_parallel_registrations_of_one_username_make_one_account(
    crew: Crew, place: Place, database: Database, username: str
) -> None:
    """The username is as unique as the address."""
    emails = [f"person{i}@example.test" for i in range(12)]

    answers = await crew.run_all("register", place, emails=emails, username=username)

    assert Counter(answers) == {(201, ""): 1, (409, "login_taken"): 11}
    assert len(await database.fetch_all("SELECT id FROM account")) == 1
    assert len(await database.fetch_all("SELECT id FROM audit_event")) == 1
