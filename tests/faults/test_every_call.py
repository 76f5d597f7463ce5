"""SQLite's own way of testing: fail the first call, then the second, until a request gets through."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import get_args

import httpx2
import pytest

from tests.faults.failing import AimedDatabase, How
from tests.faults.journeys import JOURNEYS, OTHER_PASSWORD, Journey, Person, somebody
from tests.faults.order import changed, check_order, dump
from tests.support.house import PASSWORD, House
from tests.support.waiting import until

MOST_CALLS = 12


@pytest.mark.parametrize("journey", JOURNEYS, ids=str)
async def test_whichever_call_fails_nothing_is_issued_and_nothing_is_half_written(
    fragile: House, aimed: AimedDatabase, journey: Journey
) -> None:
    """fosite CVE-2020-15223: a refused write is never answered as done; afterwards the request can be sent again."""
    person = await somebody(fragile)
    before = await dump(aimed)
    with aimed.aim():
        answer = await journey.act(fragile, person)
    everything, calls = changed(before, await dump(aimed)), aimed.calls
    assert answer.status_code == journey.status
    assert 0 < calls <= MOST_CALLS

    for how in get_args(How):
        for fail_at in range(1, calls + 1):
            with told_where(f"{how} at call {fail_at} of {calls}"):
                await _fail_once(fragile, aimed, journey, fail_at, how, everything)


@contextlib.contextmanager
def told_where(where: str) -> Iterator[None]:
    """Let a failure say at which call it happened."""
    try:
        yield
    except AssertionError as error:
        error.add_note(where)
        raise


async def _fail_once(
    house: House, aimed: AimedDatabase, journey: Journey, fail_at: int, how: How, everything: frozenset[str]
) -> None:
    person = await somebody(house)
    before = await dump(aimed)

    refused = await _act(house, aimed, journey, person, fail_at, how)

    _check_answer(refused, how)
    await check_order(aimed)
    assert changed(before, await dump(aimed)) in (frozenset(), everything)
    again = await journey.act(house, person)
    assert again.status_code in journey.again
    await check_order(aimed)
    await _check_door(house, person)
    if journey.ends:
        await until(_refuses(house, getattr(person, journey.ends)))


async def _act(
    house: House, aimed: AimedDatabase, journey: Journey, person: Person, fail_at: int, how: How
) -> httpx2.Response | None:
    with aimed.aim(fail_at, how), contextlib.suppress(asyncio.CancelledError):
        # A task of its own, so that a cancellation ends the request and not the test.
        return await asyncio.create_task(journey.act(house, person))  # type: ignore[arg-type]
    return None


def _check_answer(answer: httpx2.Response | None, how: How) -> None:
    if how == "cancelled":
        return  # nobody was there to hear it
    assert answer is not None
    expected = (500, "internal_error") if how == "defect" else (503, "storage_unavailable")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers
    assert ("retry-after" in answer.headers) == (how != "defect")
    for secret in ("dwr_", "dws_", "eyJ", "hunter2", "Traceback", "injected"):
        assert secret not in answer.text


async def _check_door(house: House, person: Person) -> None:
    """Exactly one password opens the door, whatever became of a change."""
    answers = [
        (await house.client.post("/v1/login", json={"login": person.email, "password": password})).status_code
        for password in (PASSWORD, OTHER_PASSWORD)
    ]
    assert sorted(answers) == [200, 401]


def _refuses(house: House, headers: dict[str, str]) -> Callable[[], Awaitable[bool]]:
    async def refuses() -> bool:
        return (await house.client.get("/v1/me", headers=headers)).status_code == 401

    return refuses
