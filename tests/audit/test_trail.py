"""What is in the trail, who sees it, and how it is forgotten."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from doorward import hooks
from doorward.audit import store
from doorward.audit.flows import PAGE_SIZE, entry
from doorward.core.secret import Secret, SecretRing
from doorward.core.source import Source
from doorward.db import Database, GuardFailed
from doorward.hooks import ProfileChanged, SignInRefused
from doorward.settings import DAY
from tests.audit.trail import faults, lived_in, tamper
from tests.support.house import PASSWORD, START, House, bearer

SOURCE = Source(ip_prefix="203.0.113.0/24", request_id="request1")


async def erase(house: House, database: Database, person: str) -> None:
    """Take somebody out of the trail, as a deletion does."""
    audit = house.auth.audit
    pseudonym = audit.new_pseudonym()
    await database.write(*audit.pseudonymising(person, pseudonym=pseudonym, now=START, source=SOURCE))


async def _own(house: House, token: str, cursor: str = "") -> dict[str, Any]:
    answer = await house.client.get(f"/v1/me/audit?cursor={cursor}", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_owner_sees_the_own_trail_and_nothing_private(house: House) -> None:
    """The event, when, from which network, by whom; not why, and nothing of others."""
    await house.register("other@example.test")
    entered = await house.enter()
    await house.client.post("/v1/login", json={"login": "ada@example.test", "password": "wrong password"})
    await house.auth.accounts.set_roles(entered["account"]["id"], ("editor",))

    page = await _own(house, entered["access_token"])

    told = [(each["event"], each["actor"]) for each in page["events"]]
    assert told == [
        ("account.roles_changed", "operator"),
        ("session.refused", "anonymous"),
        ("session.started", "owner"),
        ("account.registered", "anonymous"),
    ]
    assert page["events"][1]["ip_prefix"] == "203.0.113.0/24"
    assert page["events"][1]["at"] == "2027-01-15T08:00:00Z"
    assert page["next"] is None
    assert "wrong password" not in json.dumps(page)


async def test_acts_of_a_signed_in_owner_are_the_owners(house: House) -> None:
    """The access token or the cookie has proved who it is."""
    entered = await house.enter()
    await house.client.patch("/v1/me", json={"username": "ada"}, headers=bearer(entered["access_token"]))

    page = await _own(house, entered["access_token"])

    assert (page["events"][0]["event"], page["events"][0]["actor"]) == ("account.profile_changed", "owner")


async def test_the_trail_is_paged_by_key(house: House, database: Database) -> None:
    """A page ends with a cursor; nonsense starts anew."""
    entered = await house.enter()
    event = ProfileChanged(account_id=entered["account"]["id"])
    await database.write(*(entry(event, now=START, source=SOURCE) for _ in range(PAGE_SIZE)))

    first = await _own(house, entered["access_token"])
    second = await _own(house, entered["access_token"], first["next"])
    nonsense = await _own(house, entered["access_token"], "nonsense")

    assert (len(first["events"]), len(second["events"])) == (PAGE_SIZE, 2)
    assert second["next"] is None
    assert nonsense == first


async def test_nobody_sees_a_trail_without_a_credential(house: House) -> None:
    """The trail is the account's."""
    assert (await house.client.get("/v1/me/audit")).status_code == 401


async def test_a_deleted_person_is_gone_from_the_trail_and_the_chain_is_whole(house: House, database: Database) -> None:
    """What named the person is erased for good, what has happened stays proved."""
    await lived_in(house)
    person = (await house.auth.accounts.find_by_email("person1@example.test")).id
    session = (await house.auth.sessions.page(person)).sessions[0].id

    await erase(house, database, person)
    before_sealing = await faults(house)
    await house.auth.audit.seal()
    verdict = await house.auth.audit.verify()

    assert before_sealing == []
    assert verdict.faults == ()
    assert verdict.erased == 2
    rows = await database.fetch_all("SELECT * FROM audit_event")
    text = repr([tuple(map(row.__getitem__, row.keys())) for row in rows])
    assert person not in text
    assert session not in text
    pseudonyms = {row["account_id"] for row in rows if row["account_id"].startswith("ano_")}
    assert len(pseudonyms) == 1
    assert len([row for row in rows if row["account_id"] in pseudonyms]) == 3


async def test_lines_that_wait_to_be_sealed_are_erased_too(house: House, database: Database) -> None:
    """A deletion within the second is no exception, also for a sealer that has read the line already."""
    await house.register()
    person = (await house.auth.accounts.find_by_email("ada@example.test")).id
    (held,) = await store.unsealed(database, size=1)

    await erase(house, database, person)

    with pytest.raises(GuardFailed):
        await database.write(store.seal(held, position=1, salt=b"s", commitment=b"c", digest=b"d"))
    await house.auth.audit.seal()
    assert await faults(house) == []
    assert person not in repr([line async for line in house.auth.audit.sealed()])


@pytest.mark.parametrize("changed", ['detail = \'{"why":"x"}\'', "actor = 'acc_somebody'"])
async def test_an_erased_line_that_still_names_somebody_shows(house: House, database: Database, changed: str) -> None:
    """Dropping the salt of a line is not enough to change it."""
    await lived_in(house)
    person = (await house.auth.accounts.find_by_email("person1@example.test")).id
    await erase(house, database, person)
    await house.auth.audit.seal()

    await tamper(database, f"UPDATE audit_event SET {changed} WHERE salt IS NULL")

    assert "the line is not erased, and its salt is gone" in await faults(house)


async def test_a_later_line_that_is_made_part_of_an_erasure_shows(house: House, database: Database) -> None:
    """An owner who has left covers only what was written before: nobody hides a line of today among theirs."""
    await lived_in(house)
    await erase(house, database, (await house.auth.accounts.find_by_email("person1@example.test")).id)
    await house.auth.audit.seal()
    await house.register("person9@example.test")
    await house.auth.audit.seal()
    before = await faults(house)

    await tamper(
        database,
        """
        UPDATE audit_event SET session_id = NULL, actor = '', ip_prefix = '', detail = '{}', salt = NULL,
            account_id = (SELECT MAX(account_id) FROM audit_event WHERE event = 'audit.pseudonymised')
        WHERE position = (SELECT MAX(position) FROM audit_event)
        """,
    )

    assert before == []
    assert await faults(house) == ["the line was made anonymous, and nothing in the trail says so"]


async def test_what_is_old_is_forgotten_and_the_rest_stays_proved(house: House, database: Database) -> None:
    """The trail then begins after a checkpoint that says so under the server's key."""
    await lived_in(house)
    first = await house.auth.audit.head()
    assert first is not None
    house.clock.advance(365 * DAY + 1)
    await house.auth.keep_house()
    await house.register("newcomer@example.test")
    await house.auth.audit.seal()

    verdict = await house.auth.audit.verify([(first.position, first.digest.hex()), (1, "00" * 32)])

    assert verdict.faults == ()
    assert (verdict.begins_after, verdict.ends_at) == (6, 8)
    events = [line.event async for line in house.auth.audit.sealed()]
    assert events == ["audit.pruned", "account.registered"]


async def test_pruning_twice_is_pruning_once(house: House) -> None:
    """Nothing is old, or everything old is gone already."""
    assert await house.auth.audit.prune(before=START) == 0
    await lived_in(house)

    first = await house.auth.audit.prune(before=START + 1)
    again = await house.auth.audit.prune(before=START + 1)

    assert (first, again) == (6, 6)


async def test_an_anchor_is_signed_anew_with_a_newer_secret(house: House) -> None:
    """So that the secret it was signed with may be dropped."""
    await lived_in(house)
    await house.auth.audit.prune(before=START + 1)
    newer = Secret("a newer secret of thirty-two bytes or more")
    house.auth.audit._ring = SecretRing((*house.auth.settings.secret, newer))
    await house.auth.audit.prune(before=START + 1)
    await house.auth.audit.seal()
    house.auth.audit._ring = SecretRing((newer,))

    assert await faults(house) == []


async def test_the_beginning_cannot_be_cut_off_as_if_it_had_been_pruned(house: House, database: Database) -> None:
    """Without the server's word for it, a missing beginning is missing."""
    await lived_in(house)

    await tamper(
        database, "DELETE FROM audit_event WHERE position <= 3", "DELETE FROM audit_checkpoint WHERE position <= 3"
    )

    assert "lines are missing here" in await faults(house)


async def test_an_event_cannot_forge_a_line(house: House) -> None:
    """What somebody typed is JSON in the detail, without a line break (ASVS 16.4.1)."""
    statement = entry(SignInRefused(why='x"}\n2026 forged'), now=START, source=SOURCE)

    assert "\n" not in statement.parameters["detail_0"]
    assert json.loads(statement.parameters["detail_0"]) == {"why": 'x"}\n2026 forged'}


def test_no_event_has_a_field_for_a_secret_or_a_name() -> None:
    """Members of events go into the trail and to webhooks: none is called like something that must not be there."""
    kinds = [kind for kind in vars(hooks).values() if isinstance(kind, type) and issubclass(kind, hooks.Event)]
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}

    assert not {name for name in names if any(word in name for word in ("password", "token", "secret", "hash"))}


async def test_each_request_of_a_journey_is_told_once(house: House) -> None:
    """Registering, logging in, failing, changing, leaving: one line each, under the request's own id."""
    request_ids = ["journey-1", "journey-2", "journey-3", "journey-4"]
    body = {"email": "ada@example.test", "password": PASSWORD}
    login = {"login": "ada@example.test", "password": PASSWORD}
    post = house.client.post
    await post("/v1/accounts", json=body, headers={"X-Request-Id": request_ids[0]})
    entered = (await post("/v1/login", json=login, headers={"X-Request-Id": request_ids[1]})).json()
    await post("/v1/login", json={**login, "password": "wrong one"}, headers={"X-Request-Id": request_ids[2]})
    leaving = bearer(entered["access_token"]) | {"X-Request-Id": request_ids[3]}
    await post("/v1/logout", json={}, headers=leaving)

    lines = (await house.auth.audit.page(None)).lines

    assert [(line.event, line.request_id) for line in reversed(lines)] == [
        ("account.registered", "journey-1"),
        ("session.started", "journey-2"),
        ("session.refused", "journey-3"),
        ("session.ended", "journey-4"),
    ]


async def test_a_long_trail_is_forgotten_in_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement takes longer than statements may."""
    monkeypatch.setattr("doorward.audit.flows.PRUNED_AT_ONCE", 1)
    for number in range(4):
        await house.register(f"person{number}@example.test")
        await house.auth.audit.seal()

    through = await house.auth.audit.prune(before=START + 1)
    await house.auth.audit.seal()

    assert through == 4
    assert await faults(house) == []
    assert {line.event async for line in house.auth.audit.sealed()} == {"audit.pruned"}


async def test_who_prunes_too_late_has_nothing_to_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process was quicker, and has gone further."""
    await lived_in(house)
    first, last = await store.checkpoints(house.auth._database)
    await house.auth.audit.prune(before=START + 1)

    async def late(*_: object, **__: object) -> object:
        return first

    monkeypatch.setattr(store, "prunable", late)

    assert await house.auth.audit.prune(before=START + 1) == 0
    assert (await house.auth.audit.head()) is not None
    assert last.position == 6


async def test_what_is_pruned_while_it_is_verified_is_no_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trail is read again from where it begins now."""
    await lived_in(house)
    read_sealed, pruned = store.sealed, []

    async def pruning(*arguments: Any, **more: Any) -> Any:
        if not pruned:
            pruned.append(await house.auth.audit.prune(before=START + 1))
        return await read_sealed(*arguments, **more)

    monkeypatch.setattr(store, "sealed", pruning)
    verdict = await house.auth.audit.verify()

    assert pruned == [6]
    assert verdict.faults == ()
    assert verdict.begins_after == 6


async def test_an_instance_that_has_done_nothing_has_nothing_to_keep(house: House) -> None:
    """No checkpoint, no line in the log."""
    await house.auth.audit.keep()

    assert await house.auth.audit.head() is None


def _kinds() -> list[type[hooks.Event]]:
    kinds = [kind for kind in vars(hooks).values() if isinstance(kind, type) and issubclass(kind, hooks.Event)]
    return [kind for kind in kinds if kind is not hooks.Event]


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.name)
def test_every_event_is_made_by_a_flow_that_writes_it_down(kind: type[hooks.Event]) -> None:
    """A kind that nobody makes is a promise that nobody keeps; whoever makes one writes it into the trail."""
    package = Path(hooks.__file__).parent
    makers = [
        path
        for path in package.rglob("*.py")
        if path.name != "hooks.py" and re.search(rf"\b{kind.__name__}\(", path.read_text(encoding="utf-8"))
    ]

    writing = re.compile(r"\b(entry|entries|_write)\(|-> GateRefused")
    assert any(writing.search(path.read_text(encoding="utf-8")) for path in makers)


def test_no_two_events_share_a_name() -> None:
    """The name is what the trail, webhooks and figures call it."""
    names = [kind.name for kind in _kinds()]

    assert len(names) == len(set(names))


async def test_one_checkpoint_an_hour_is_kept_and_proves_all_before_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one for so many lines; a trail is pruned from one to the next, and verified as ever."""
    monkeypatch.setattr("doorward.audit.flows.SPACING", 3600)
    monkeypatch.setattr("doorward.audit.flows.LINES_BETWEEN", 4)
    for number in range(6):
        await house.register(f"person{number}@example.test")
        await house.auth.audit.seal()
    in_an_hour = [each.position for each in await store.checkpoints(house.auth._database)]
    house.clock.advance(3600)
    await house.register("late@example.test")
    await house.auth.audit.seal()
    later = [each.position for each in await store.checkpoints(house.auth._database)]

    whole = await faults(house)
    await house.auth.audit.prune(before=house.clock())
    await house.auth.audit.seal()
    kept = [each.position for each in await store.checkpoints(house.auth._database)]

    assert (in_an_hour, later) == ([3, 6], [3, 6, 7])
    assert whole == await faults(house) == []
    assert kept == [6, 7, 8]


async def test_an_anchor_is_never_thinned_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the trail would begin with a gap."""
    await lived_in(house)
    await house.auth.audit.prune(before=START + 1)
    monkeypatch.setattr("doorward.audit.flows.SPACING", 3600)
    await house.auth.audit.seal()

    assert [each.position for each in await store.checkpoints(house.auth._database)] == [6, 7]
    assert await faults(house) == []
