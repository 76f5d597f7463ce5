"""Whoever writes to the database cannot rewrite what has happened unseen."""

import asyncio
import json
from secrets import token_urlsafe

import pytest
from msgspec.structs import replace

from doorward.audit import store
from doorward.audit.flows import BATCH, entry
from doorward.audit.model import Checkpoint, exported, read_exported, sign
from doorward.core.secret import Secret, SecretRing
from doorward.core.source import Source
from doorward.db import Database, Duplicate, Statement, statement
from doorward.hooks import Event
from doorward.settings import Settings
from tests.audit.trail import faults, lived_in, tamper
from tests.support.house import House, open_house

REMOVE_LAST = "DELETE FROM audit_event WHERE position = 6"

TAMPERINGS = {
    "a line in the middle is removed": "DELETE FROM audit_event WHERE position = 2",
    "the first line is removed": "DELETE FROM audit_event WHERE position = 1",
    "the last line is removed": REMOVE_LAST,
    "everything is removed": "DELETE FROM audit_event",
    "the event is another one": "UPDATE audit_event SET event = 'account.enabled' WHERE position = 2",
    "the time is another one": "UPDATE audit_event SET recorded_at = recorded_at + 1 WHERE position = 2",
    "the account is another one": "UPDATE audit_event SET account_id = 'acc_x' WHERE position = 2",
    "the network is another one": "UPDATE audit_event SET ip_prefix = '198.51.100.0/24' WHERE position = 2",
    "the actor is another one": "UPDATE audit_event SET actor = 'operator' WHERE position = 5",
    "the details are others": "UPDATE audit_event SET detail = '{}' WHERE position = 5",
    "the request is another one": "UPDATE audit_event SET request_id = 'other' WHERE position = 2",
    "the commitment is another one": "UPDATE audit_event SET commitment = digest WHERE position = 2",
    "the digest is gone": "UPDATE audit_event SET digest = NULL WHERE position = 2",
    "the salt is gone": "UPDATE audit_event SET salt = NULL WHERE position = 2",
    "a line is erased without an event that says so": """
        UPDATE audit_event SET salt = NULL, account_id = 'ano_x', session_id = NULL, ip_prefix = '', detail = '{}'
        WHERE position = 2
    """,
    "a checkpoint is another one": "UPDATE audit_checkpoint SET sealed_at = sealed_at + 1 WHERE position = 6",
    "a checkpoint says another digest": """
        UPDATE audit_checkpoint SET digest = (SELECT digest FROM audit_event WHERE audit_event.position = 1)
        WHERE position = 3
    """,
    "the beginning is called pruned": "UPDATE audit_checkpoint SET anchor = mac WHERE position = 3",
}


@pytest.mark.parametrize("text", TAMPERINGS.values(), ids=TAMPERINGS)
async def test_whatever_is_done_to_a_sealed_line_shows(house: House, database: Database, text: str) -> None:
    """Removal in the middle and at both ends, change of any column, false erasure, forged checkpoints."""
    await lived_in(house)
    assert await faults(house) == []

    await tamper(database, text)

    assert await faults(house) != []


async def test_two_lines_that_change_places_show(house: House, database: Database) -> None:
    """The order is part of what is proved."""
    await lived_in(house)

    await tamper(
        database,
        "UPDATE audit_event SET position = 100 WHERE position = 2",
        "UPDATE audit_event SET position = 2 WHERE position = 3",
        "UPDATE audit_event SET position = 3 WHERE position = 100",
    )

    assert await faults(house) != []


async def test_a_line_put_in_the_middle_shows(house: House, database: Database) -> None:
    """Making room for it moves the others, and nobody but the server can link them anew."""
    await lived_in(house)

    await tamper(
        database,
        "UPDATE audit_event SET position = position + 100 WHERE position > 2",
        "UPDATE audit_event SET position = position - 99 WHERE position > 100",
        """
        INSERT INTO audit_event
            (recorded_at, event, actor, request_id, ip_prefix, detail, position, salt, commitment, digest)
        SELECT recorded_at, event, actor, request_id, ip_prefix, detail, 3, salt, commitment, digest
        FROM audit_event WHERE position = 2
        """,
    )

    assert await faults(house) != []


async def test_who_relinks_the_whole_chain_cannot_sign_it(house: House, database: Database) -> None:
    """The digests are public arithmetic; the checkpoint needs the instance's secret, which is not in the database."""
    await lived_in(house)
    await tamper(
        database,
        "DELETE FROM audit_event WHERE position = 6",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_event SET position = NULL, salt = NULL, digest = NULL, commitment = NULL",
    )
    audit = house.auth.audit
    own, audit._ring, audit._known = audit._ring, SecretRing((Secret(token_urlsafe(32)),)), None
    await audit.seal()
    audit._ring = own

    assert await faults(house) == ["the last checkpoint was made with a secret that is not set here"]


async def test_an_end_cut_off_cleanly_shows_against_an_exported_checkpoint(house: House, database: Database) -> None:
    """Lines and checkpoints removed together look like a younger trail, unless a checkpoint was kept elsewhere."""
    await lived_in(house)
    head = await house.auth.audit.head()
    assert head is not None
    kept = read_exported(json.dumps(exported(head, issuer="x")))
    assert kept is not None
    await tamper(
        database, "DELETE FROM audit_event WHERE position > 3", "DELETE FROM audit_checkpoint WHERE position > 3"
    )
    assert await faults(house) == []

    verdict = await house.auth.audit.verify([kept])

    assert [fault.what for fault in verdict.faults] == ["the trail ends before a checkpoint that was exported"]


async def test_a_trail_that_was_replaced_shows_against_an_exported_checkpoint(house: House) -> None:
    """A position with another digest is another trail; nonsense is no checkpoint."""
    await lived_in(house)

    verdict = await house.auth.audit.verify([(3, "00" * 32), (4, "nonsense")])

    assert {fault.what for fault in verdict.faults} == {
        "the trail is another one than the exported checkpoint was made of",
        "the exported checkpoint is not one",
    }


async def test_a_true_checkpoint_is_believed(house: House) -> None:
    """Whoever keeps checkpoints hears nothing as long as nothing is wrong."""
    await lived_in(house)
    checkpoint = await house.auth.audit.head()
    assert checkpoint is not None

    verdict = await house.auth.audit.verify([(checkpoint.position, checkpoint.digest.hex())])

    assert verdict.faults == ()
    assert (verdict.lines, verdict.ends_at) == (6, 6)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"position": "1", "digest": "x"}', "[" * 100_000])
def test_what_is_no_checkpoint_is_not_read_as_one(text: str) -> None:
    """The file comes from elsewhere."""
    assert read_exported(text) is None


async def test_a_server_notices_that_the_end_is_gone_while_it_runs(
    house: House, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The chain cannot become shorter under a process that has sealed it."""
    await lived_in(house)
    await tamper(
        database, "DELETE FROM audit_event WHERE position > 3", "DELETE FROM audit_checkpoint WHERE position > 3"
    )

    await house.log_in("person0@example.test")
    await house.auth.audit.seal()

    assert "the audit trail has lost its end: it was sealed up to 6, now to 3" in caplog.text


async def test_a_rotated_secret_leaves_the_chain_whole(house: House, settings: Settings) -> None:
    """What an old secret signed is proved by what the new one signs after it; the old one may go."""
    await lived_in(house)
    newer = Secret(token_urlsafe(32))
    both = replace(settings, secret=(*settings.secret, newer))
    async with open_house(both, clock=house.clock) as rotated:
        await rotated.log_in("person0@example.test")
        await rotated.auth.audit.seal()

    async with open_house(replace(settings, secret=(newer,)), clock=house.clock) as alone:
        assert await faults(alone) == []


async def test_sealers_that_meet_share_the_work(house: House) -> None:
    """Each line is sealed once, whoever was quicker."""
    for number in range(5):
        await house.register(f"person{number}@example.test")

    sealed = await asyncio.gather(*(house.auth.audit.seal() for _ in range(8)))

    assert sum(sealed) == 5
    assert await faults(house) == []


async def test_a_long_backlog_is_sealed_batch_by_batch(house: House, database: Database) -> None:
    """After an import, or a night without a server, nothing is left over."""
    await database.write(*(_line(number) for number in range(BATCH + 5)))

    assert await house.auth.audit.seal_all() == BATCH + 5
    assert await house.auth.audit.seal_all() == 0
    assert await faults(house) == []


def _line(number: int) -> Statement:
    return entry(_Something(account_id=f"acc_{number}"), now=number, source=Source())


class _Something(Event):
    name = "test.something"


async def test_lines_that_nobody_seals_show(house: House) -> None:
    """A trail whose sealers are stopped would be open to change without a trace."""
    await house.register()
    house.clock.advance(3600)

    assert await faults(house) == ["1 lines wait to be sealed, the oldest for long"]


async def test_a_trail_that_is_broken_everywhere_is_told_within_bounds(house: House, database: Database) -> None:
    """A hundred faults are enough to know."""
    await database.write(*(_line(number) for number in range(200)))
    await house.auth.audit.seal()

    await tamper(database, "UPDATE audit_event SET recorded_at = recorded_at + 1")

    assert len(await faults(house)) == 100


async def test_of_two_checkpoints_only_one_follows_another(house: House, database: Database) -> None:
    """A sealer that was slow, with the same lines in hand, writes nothing."""
    await lived_in(house)
    ring = house.auth.audit._ring
    digest = b"\x01" * 32
    mac = sign(ring, position=7, previous=3, digest=digest, sealed_at=1)
    with pytest.raises(Duplicate):
        await database.write(store.insert_checkpoint(Checkpoint(7, 3, digest, 1, mac)))


async def test_a_line_that_is_committed_late_comes_later_and_gaps_are_none(house: House, database: Database) -> None:
    """PostgreSQL gives ids before the commit: a slow writer's is lower than what is sealed, and some are never seen."""
    for number in (1000, 500, 2000):
        await database.write(
            statement(
                "INSERT INTO audit_event (id, recorded_at, event, request_id, ip_prefix, detail)"
                " VALUES (:id, 1, 'test.x', '', '', '{}')",
                id=number,
            )
        )
        await house.auth.audit.seal()

    rows = await database.fetch_all("SELECT id, position FROM audit_event ORDER BY position")

    assert [(row["id"], row["position"]) for row in rows] == [(1000, 1), (500, 2), (2000, 3)]
    assert await faults(house) == []


async def test_an_exported_checkpoint_at_the_beginning_says_nothing_false(house: House) -> None:
    """At position 0 there was nothing: what is linked to the first line is known to everybody."""
    await lived_in(house)

    verdict = await house.auth.audit.verify([(0, "00" * 32)])

    assert verdict.faults == ()


async def test_a_checkpoint_that_was_kept_of_between_two_is_compared(house: House, database: Database) -> None:
    """The server forgets checkpoints that later ones prove; whoever kept one can hold the trail to it still."""
    await lived_in(house)
    (line,) = await database.fetch_all("SELECT digest FROM audit_event WHERE position = 2")

    true = await house.auth.audit.verify([(2, bytes(line["digest"]).hex())])
    false = await house.auth.audit.verify([(2, "00" * 32)])

    assert true.faults == ()
    assert [fault.position for fault in false.faults] == [2]


async def test_of_what_was_erased_only_what_is_unexplained_is_told(house: House, database: Database) -> None:
    """A deletion whose event waits to be sealed explains its own lines; a false erasure beside it shows."""
    await lived_in(house)
    first, second = await database.fetch_all(
        "SELECT id FROM account WHERE email IN ('person0@example.test', 'person1@example.test') ORDER BY email"
    )
    await house.auth.life.leaving.delete(first["id"])
    await tamper(
        database,
        f"""
        UPDATE audit_event SET salt = NULL, account_id = 'ano_x', session_id = NULL, ip_prefix = '', actor = '',
            detail = '{{}}' WHERE account_id = '{second["id"]}' AND position IS NOT NULL
        """,
    )

    assert await faults(house) == ["the line was made anonymous, and nothing in the trail says so"]


async def test_a_sealed_deletion_explains_what_it_erased(house: House, database: Database) -> None:
    """The event comes after the lines that it speaks of, and is in the chain as they are."""
    await lived_in(house)
    (person,) = await database.fetch_all("SELECT id FROM account WHERE email = 'person0@example.test'")

    await house.auth.life.leaving.delete(person["id"])
    await house.auth.audit.seal_all()

    assert await faults(house) == []
