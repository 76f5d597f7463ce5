"""Making, rotating and deleting services, and what the trail says of it."""

import asyncio
import json
from typing import Any

import pytest

from doorward.core.source import Source
from doorward.errors import InvalidFields, NotFound, TooManyAttempts
from doorward.hooks import Event, ServiceCreated, ServiceRefused
from doorward.services import flows
from doorward.services.model import OVERLAP, Basic, Bearer, Nothing
from doorward.services.refusals import InvalidClient, ServiceTaken, UnauthorizedClient
from doorward.settings import Limits, Settings
from tests.support.asking import asking
from tests.support.house import House, open_house

ELSEWHERE = Source.of("203.0.113.9", "", "")


async def trail(house: House, event: str) -> list[dict[str, Any]]:
    """Read what the audit trail has of one kind of event."""
    rows = await house.auth._database.fetch_all(
        "SELECT detail FROM audit_event WHERE event = :event ORDER BY id", event=event
    )
    return [json.loads(row["detail"]) for row in rows]


async def test_a_service_is_made_with_a_key_that_admits_it(house: House) -> None:
    """As Basic with its name, or as Bearer alone; the audience is that of the instance."""
    made, key = await house.auth.services.create("billing")

    for credential in (Basic("billing", key), Bearer(key)):
        admitted = await house.auth.services.admit(credential, "introspect", source=ELSEWHERE)
        assert admitted == made
    assert made.audience == house.auth.settings.audience
    assert await trail(house, "service.created") == [
        {"service": "billing", "audience": "", "may": ["introspect", "revoke"]}
    ]


async def test_the_key_is_nowhere_in_the_database(house: House) -> None:
    """Only a digest of it is kept."""
    _, key = await house.auth.services.create("billing")

    rows = await house.auth._database.fetch_all("SELECT * FROM service")
    (row,) = rows
    assert key not in repr([row[name] for name in row.keys()])  # noqa: SIM118 - rows of both drivers


async def test_a_name_is_taken_once(house: House) -> None:
    """The second service of a name is refused; the first keeps its key."""
    _, key = await house.auth.services.create("billing")

    with pytest.raises(ServiceTaken):
        await house.auth.services.create("billing")

    assert await house.auth.services.admit(Bearer(key), "revoke", source=ELSEWHERE)


async def test_what_is_no_name_and_no_audience_is_said_at_once(house: House) -> None:
    """Both fields in one refusal."""
    with pytest.raises(InvalidFields) as refused:
        await house.auth.services.create("Not a name", audience="not one")

    assert [error.pointer for error in refused.value.errors] == ["/name", "/audience"]


async def test_asking_about_refresh_tokens_includes_access_tokens(house: House) -> None:
    """Permissions are stored in their order, whatever was said."""
    made, _ = await house.auth.services.create("backend", may=("introspect-refresh",))

    assert made.may == ("introspect", "introspect-refresh")


async def test_rotation_keeps_the_former_key_for_the_overlap(house: House) -> None:
    """Seven days; then only the new one admits."""
    service = await asking(house)
    until, key = await house.auth.services.rotate("billing")

    assert until == house.clock.now + OVERLAP
    assert await house.auth.services.admit(Bearer(service.key), "introspect", source=ELSEWHERE)
    house.clock.advance(OVERLAP)
    assert await house.auth.services.admit(Basic("billing", key), "introspect", source=ELSEWHERE)
    with pytest.raises(InvalidClient):
        await house.auth.services.admit(Basic("billing", service.key), "introspect", source=ELSEWHERE)


async def test_the_next_rotation_ends_the_former_key(house: House) -> None:
    """There is one former key at most."""
    service = await asking(house)
    _, second = await house.auth.services.rotate("billing")
    await house.auth.services.rotate("billing")

    assert await house.auth.services.admit(Bearer(second), "introspect", source=ELSEWHERE)
    with pytest.raises(InvalidClient):
        await house.auth.services.admit(Bearer(service.key), "introspect", source=ELSEWHERE)


async def test_rotation_now_ends_the_former_key_at_once(house: House) -> None:
    """For when it may have leaked."""
    service = await asking(house)
    await house.auth.services.rotate("billing", now=True)

    with pytest.raises(InvalidClient):
        await house.auth.services.admit(Bearer(service.key), "introspect", source=ELSEWHERE)


async def test_a_deleted_service_is_admitted_no_more(house: House) -> None:
    """Its keys are worth nothing, and its name is free."""
    service = await asking(house)

    await house.auth.services.delete("billing")

    with pytest.raises(InvalidClient):
        await house.auth.services.admit(Bearer(service.key), "introspect", source=ELSEWHERE)
    await house.auth.services.create("billing")
    assert await trail(house, "service.deleted") == [{"service": "billing"}]


async def test_an_unknown_name_is_neither_rotated_nor_deleted(house: House) -> None:
    """Both say so."""
    with pytest.raises(NotFound):
        await house.auth.services.rotate("nobody")
    with pytest.raises(NotFound):
        await house.auth.services.delete("nobody")


async def test_services_are_listed_in_pages_by_name(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page says where to go on, the last that it was the last."""
    monkeypatch.setattr(flows, "PAGE_SIZE", 2)
    for name in ("c", "a", "b"):
        await house.auth.services.create(name)

    first = await house.auth.services.page()
    second = await house.auth.services.page(after=first.next or "")

    assert [each.name for each in first.services] == ["a", "b"]
    assert [each.name for each in second.services] == ["c"]
    assert second.next is None


async def test_a_key_may_do_what_it_was_made_for(house: House) -> None:
    """And nothing else."""
    service = await asking(house, may=("introspect",))

    with pytest.raises(UnauthorizedClient):
        await house.auth.services.admit(Bearer(service.key), "revoke", source=ELSEWHERE)


async def test_refusals_are_in_the_trail_and_told(house: House) -> None:
    """With the name that was claimed, if it is a name; saying nothing at all is no attempt."""
    told: list[Event] = []
    house.auth.events.subscribe(ServiceRefused, told.append)
    await asking(house)

    for credential in (Basic("billing", "x"), Basic("Robert'); --", "x"), Bearer("x"), Nothing()):
        with pytest.raises(InvalidClient):
            await house.auth.services.admit(credential, "introspect", source=ELSEWHERE)

    assert await trail(house, "service.refused") == [{"service": "billing"}, {"service": ""}, {"service": ""}]
    assert told == [ServiceRefused(service="billing"), ServiceRefused(service=""), ServiceRefused(service="")]


async def test_events_are_told_after_the_commit(house: House) -> None:
    """A host hears of a new service."""
    told: list[Event] = []
    house.auth.events.subscribe(ServiceCreated, told.append)

    await asking(house, audience="https://api.example")

    assert told == [ServiceCreated(service="billing", audience="https://api.example", may=("introspect", "revoke"))]


async def test_the_host_itself_is_not_counted(house: House) -> None:
    """Who calls in process has no network to count by."""
    for _ in range(2):
        with pytest.raises(InvalidClient):
            await house.auth.services.admit(Bearer("dwk_wrong"), "introspect", source=Source())

    assert await house.auth._database.fetch_all("SELECT * FROM allowance") == []


async def test_of_many_who_take_a_name_one_gets_it(house: House) -> None:
    """Settled by the primary key."""
    made = await asyncio.gather(*(house.auth.services.create("billing") for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(each, tuple) for each in made) == 1
    assert sum(isinstance(each, ServiceTaken) for each in made) == 9


async def test_wrong_keys_are_limited_by_network_and_right_ones_are_not(settings: Settings) -> None:
    """A network that guesses is told to wait; a service in the same network goes on."""
    from msgspec.structs import replace

    strict = replace(settings, limits=Limits(per_account=100, per_network=3))
    async with open_house(strict) as house:
        service = await asking(house)
        for _ in range(3):
            with pytest.raises(InvalidClient):
                await house.auth.services.admit(Bearer("dwk_wrong"), "introspect", source=ELSEWHERE)

        with pytest.raises(TooManyAttempts):
            await house.auth.services.admit(Bearer("dwk_wrong"), "introspect", source=ELSEWHERE)
        assert await house.auth.services.admit(Bearer(service.key), "introspect", source=ELSEWHERE)
