"""Writes: all or nothing, guarded, and never reported before they are done. On both engines."""

import asyncio

import pytest

from doorward.db import (
    Database,
    Duplicate,
    GuardFailed,
    all_or_nothing,
    announced,
    guarded,
    open_database,
    statement,
)

ROTATE = (
    "UPDATE family SET generation = generation + 1 WHERE id = :id AND generation = :generation RETURNING generation"
)


async def generation(database: Database, family: int = 1) -> int:
    """Read the generation of a family."""
    row = await database.fetch_one("SELECT generation FROM family WHERE id = :id", id=family)
    assert row is not None
    return int(row["generation"])


async def test_a_write_returns_the_rows_of_each_statement(database: Database) -> None:
    """Rows come back statement by statement, readable by name and by position."""
    results = await database.write(
        guarded(ROTATE, id=1, generation=0), statement("DELETE FROM note"), guarded(ROTATE, id=2, generation=0)
    )

    assert [len(rows) for rows in results] == [1, 0, 1]
    assert (results[0][0]["generation"], results[2][0][0]) == (1, 1)


async def test_a_failed_guard_rolls_back_what_was_done_before_it(database: Database) -> None:
    """The second statement matches nothing, so the first has not happened either."""
    with pytest.raises(GuardFailed) as caught:
        await database.write(guarded(ROTATE, id=1, generation=0), guarded(ROTATE, id=2, generation=7))

    assert caught.value.index == 1
    assert await generation(database) == 0


async def test_a_single_statement_is_guarded_by_its_count_of_rows(database: Database) -> None:
    """Without RETURNING the engine's own count decides."""
    await database.write(guarded("UPDATE family SET label = 'x' WHERE id = :id", id=1))

    with pytest.raises(GuardFailed) as caught:
        await database.write(guarded("UPDATE family SET label = 'x' WHERE id = :id", id=99))

    assert caught.value.index == 0


async def test_a_statement_that_must_touch_all_touches_all_or_none(database: Database) -> None:
    """Alone, and in company that shares its commit: the rows that it has found are not changed without the others."""
    sql = "UPDATE family SET generation = generation + 1 WHERE id IN (1, 2, :third) RETURNING id"
    two_of_three = all_or_nothing(statement(sql, third=99), rows=3)

    with pytest.raises(GuardFailed):
        await database.write(two_of_three)
    answers = await asyncio.gather(
        database.write(two_of_three), database.write(guarded(ROTATE, id=2, generation=0)), return_exceptions=True
    )
    await database.write(all_or_nothing(statement(sql, third=1), rows=2))

    assert isinstance(answers[0], GuardFailed)
    assert [await generation(database, family) for family in (1, 2)] == [1, 2]


async def test_an_update_that_opens_with_a_common_table_expression_is_guarded_too(database: Database) -> None:
    """Python's module does not count the rows of such a statement; we ask SQLite itself."""
    sql = "WITH w AS (SELECT 2 AS n) UPDATE family SET generation = (SELECT n FROM w) WHERE id = :id"
    await database.write(guarded(sql, id=1))

    with pytest.raises(GuardFailed):
        await database.write(guarded(sql, id=99))

    assert await generation(database) == 2


async def test_a_statement_without_guard_may_touch_nothing(database: Database) -> None:
    """Housekeeping deletes what there is."""
    assert await database.write(statement("DELETE FROM note WHERE id = :id", id=5)) == [[]]


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("INSERT INTO person (login) VALUES ('ada')", "person.login"),
        ("INSERT INTO person (login, nick, team) VALUES ('bob', 'a', 't')", "person.nick, person.team"),
        ("INSERT INTO family (id, generation) VALUES (1, 0)", "family.id"),
        ("INSERT INTO note (id, person_id, body) SELECT 2, id, body FROM note", "note.body"),
        ("INSERT INTO person (id, login) SELECT id, 'bob' FROM person", "person.id"),
    ],
)
async def test_a_duplicate_names_its_constraint_alike_on_both_engines(
    database: Database, sql: str, constraint: str
) -> None:
    """Callers can tell a taken username from a taken address without knowing the engine."""
    await database.write(statement("INSERT INTO person (login, nick, team) VALUES ('ada', 'a', 't')"))
    await database.write(statement("INSERT INTO note (id, person_id, body) SELECT 1, id, :body FROM person", body=b"x"))

    for _ in range(2):  # The second time from the memory of the connection.
        with pytest.raises(Duplicate) as caught:
            await database.write(guarded(ROTATE, id=1, generation=0), statement(sql))

        assert caught.value.constraint == constraint
    assert await generation(database) == 0


async def test_a_row_that_vanished_under_a_foreign_key_is_a_failed_guard(database: Database) -> None:
    """The account was deleted between the decision and the write: the caller lost a race."""
    with pytest.raises(GuardFailed) as caught:
        await database.write(
            guarded(ROTATE, id=1, generation=0), statement("INSERT INTO note (id, person_id) VALUES (1, 99)")
        )

    assert caught.value.index == 1
    assert await generation(database) == 0


async def test_a_wrong_statement_is_the_programs_mistake_and_not_the_storages(database: Database) -> None:
    """A typing error must not look like an outage, neither in a read nor in a write."""
    for act in (
        database.write(statement("UPDATE nothing SET x = 1")),
        database.fetch_all("SELECT * FROM nothing"),
        database.write(guarded(ROTATE, id=1, generation=0), statement("UPDATE nothing SET x = 1")),
    ):
        with pytest.raises(Exception, match="nothing"):
            await act

    assert await generation(database) == 0


async def test_a_missing_parameter_spoils_only_its_own_write(database: Database) -> None:
    """Writes that share a commit with a broken one are done all the same."""
    results = await asyncio.gather(
        database.write(guarded(ROTATE, id=1, generation=0)),
        database.write(guarded(ROTATE, id=1)),
        database.write(guarded(ROTATE, id=2, generation=0)),
        return_exceptions=True,
    )

    assert [isinstance(result, Exception) for result in results] == [False, True, False]
    assert (await generation(database, 1), await generation(database, 2)) == (1, 1)


async def test_bytes_text_numbers_and_null_come_back_as_they_went(database: Database) -> None:
    """BYTEA, TEXT, BIGINT and NULL mean the same on both engines, at the ends of their ranges too."""
    body = bytes(range(256))
    await database.write(
        statement("INSERT INTO person (id, login) VALUES (:id, :login)", id=2**63 - 1, login="Ünïcødé ’ 🚪"),
        statement(
            "INSERT INTO note (id, person_id, body) VALUES (:id, :person, :body)",
            id=-(2**63),
            person=2**63 - 1,
            body=body,
        ),
    )

    row = await database.fetch_one(
        "SELECT n.id, n.body, p.login, p.nick FROM note n JOIN person p ON p.id = n.person_id"
    )

    assert row is not None
    assert (row["id"], row["body"], row["login"], row["nick"]) == (-(2**63), body, "Ünïcødé ’ 🚪", None)


async def test_reads_see_every_write_that_was_reported(database: Database) -> None:
    """Read your own writes, at once."""
    for expected in range(1, 20):
        await database.write(guarded(ROTATE, id=1, generation=expected - 1))

        assert await generation(database) == expected


async def test_fetch_one_gives_the_first_row_or_none(database: Database) -> None:
    """No row is ``None``, more rows are cut."""
    first = await database.fetch_one("SELECT id FROM family ORDER BY id")
    none = await database.fetch_one("SELECT id FROM family WHERE id = :id", id=9)
    everything = await database.fetch_all("SELECT id FROM family ORDER BY id")

    assert first is not None
    assert (first["id"], none, [row["id"] for row in everything]) == (1, None, [1, 2])


async def test_of_fifty_racers_on_one_row_exactly_one_wins(database: Database) -> None:
    """The guard is evaluated on the newest version of the row."""
    results = await asyncio.gather(
        *[database.write(guarded(ROTATE, id=1, generation=0)) for _ in range(50)], return_exceptions=True
    )

    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert sum(isinstance(result, GuardFailed) for result in results) == 49
    assert await generation(database) == 1


async def test_concurrent_writes_of_several_statements_keep_their_own_fate(database: Database) -> None:
    """Each is all or nothing, whatever happens to the ones that share its commit."""
    insert = "INSERT INTO person (login) VALUES (:login)"
    rotate = "UPDATE family SET generation = generation + 1 WHERE id = 1 AND :odd = 1"

    results = await asyncio.gather(
        *[
            database.write(statement(insert, login=f"p{number}"), guarded(rotate, odd=number % 2))
            for number in range(20)
        ],
        return_exceptions=True,
    )

    people = await database.fetch_all("SELECT login FROM person")
    assert sum(isinstance(result, GuardFailed) for result in results) == 10
    assert {row["login"] for row in people} == {f"p{number}" for number in range(1, 20, 2)}
    assert await generation(database) == 10


async def test_a_cancelled_caller_harms_nobody_else(database: Database) -> None:
    """The others in the group get their answers, and connections are not lost."""
    tasks = [asyncio.ensure_future(database.write(guarded(ROTATE, id=2, generation=n))) for n in range(3)]
    victims = [
        asyncio.ensure_future(database.write(statement("INSERT INTO person (login) VALUES (:login)", login=str(n))))
        for n in range(40)
    ]
    await asyncio.sleep(0)
    for victim in victims:
        victim.cancel()

    outcomes = await asyncio.gather(*victims, return_exceptions=True)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    results = await asyncio.gather(*[database.write(guarded(ROTATE, id=1, generation=n)) for n in (0,)])
    assert results[0][0][0]["generation"] == 1


async def test_an_announced_write_is_a_write(database: Database) -> None:
    """The mark changes nothing of the result; a failed guard takes the announcement back."""
    results = await database.write(announced(guarded(ROTATE, id=1, generation=0)))

    with pytest.raises(GuardFailed) as caught:
        await database.write(announced(guarded(ROTATE, id=1, generation=0)))

    assert results[0][0]["generation"] == 1
    assert caught.value.index == 0


async def test_two_databases_in_one_process_do_not_meet(database: Database, database_url: str) -> None:
    """Each has its own connections; closing one leaves the other."""
    other = open_database(database_url, pool_size=1, timeout=5)
    await other.open()
    await other.write(guarded(ROTATE, id=1, generation=0))
    await other.close()

    await database.write(guarded(ROTATE, id=1, generation=1))

    assert await generation(database) == 2


async def test_ping_answers(database: Database, engine: str) -> None:
    """A living database says nothing bad."""
    await database.ping()

    assert database.dialect == engine
