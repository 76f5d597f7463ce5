"""Every flow that asks for a mail or redeems one, on a database that fails at the n-th call."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_args

import httpx2
import pytest

from doorward.mail import delivery
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase, How
from tests.faults.order import changed, check_order, dump
from tests.faults.test_every_call import MOST_CALLS, told_where
from tests.support.house import PASSWORD, House, bearer, open_house
from tests.support.life import KINDS, Kind, new_of, sign_up
from tests.support.mailbox import Mailbox, mailing
from tests.support.quick import QuickHasher

_numbers = itertools.count()

Act = Callable[[], Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Flow:
    """One request: how to get there, and what it may answer after the answer to the first was lost."""

    name: str
    prepare: Callable[[House, str], Awaitable[Act]]
    status: int
    again: frozenset[int]

    def __str__(self) -> str:
        return self.name


@pytest.fixture
async def fragile_mail(
    settings: Settings, aimed: AimedDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Lend a house that sends mail only when it is told to, on the wrapped database."""
    monkeypatch.setattr(delivery, "POLL_INTERVAL", 3600)
    offering = mailing(settings, sign_in_links=True)
    async with open_house(offering, mailer=Mailbox(), database=aimed) as house:
        house.auth.pool.hasher = QuickHasher(offering.passwords)
        yield house


def _asking(path: str, member: str, *, known: bool = True, **members: str) -> Callable[[House, str], Awaitable[Act]]:
    async def prepare(house: House, email: str) -> Act:
        if known:
            await sign_up(house, email)
        return lambda: house.client.post(path, json={member: email, **members})

    return prepare


def _redeeming(kind: Kind, how: str) -> Callable[[House, str], Awaitable[Act]]:
    async def prepare(house: House, email: str) -> Act:
        mail = await kind.ask(house, email)
        return lambda: kind.redeem(house, mail.secret(how))

    return prepare


def _as_owner(method: str, path: str, body: Callable[[str], Any]) -> Callable[[House, str], Awaitable[Act]]:
    async def prepare(house: House, email: str) -> Act:
        await sign_up(house, email)
        headers = bearer((await house.log_in(email))["access_token"])
        return lambda: house.client.request(method, path, json=body(email), headers=headers)

    return prepare


async def _register_again(house: House, email: str) -> Act:
    body = {"email": email, "password": PASSWORD}
    await house.client.post("/v1/accounts", json=body)
    await house.auth.life.delivery.deliver()
    return lambda: house.client.post("/v1/accounts", json=body)


async def _resend(house: House, email: str) -> Act:
    asked = await house.client.post("/v1/accounts", json={"email": email, "password": PASSWORD})
    await house.auth.life.delivery.deliver()
    return lambda: house.client.post("/v1/email/verify/resend", json={"challenge": asked.json()["challenge"]})


FLOWS = [
    Flow("register", _asking("/v1/accounts", "email", known=False, password=PASSWORD), 202, frozenset({202})),
    Flow("register a known address", _asking("/v1/accounts", "email", password=PASSWORD), 202, frozenset({202})),
    Flow("register again", _register_again, 202, frozenset({202})),
    Flow("send the verification again", _resend, 202, frozenset({202})),
    Flow("forget", _asking("/v1/password/forgot", "login"), 202, frozenset({202})),
    Flow("forget as nobody", _asking("/v1/password/forgot", "login", known=False), 202, frozenset({202})),
    Flow("ask for a link", _asking("/v1/login/link", "login"), 202, frozenset({202})),
    Flow(
        "ask for another address",
        _as_owner("POST", "/v1/me/email", lambda email: {"new_email": new_of(email)}),
        202,
        frozenset({202}),
    ),
    Flow("take everything along", _as_owner("GET", "/v1/me/export", lambda _: None), 200, frozenset({200})),
    Flow("leave", _as_owner("DELETE", "/v1/me", lambda _: {"password": PASSWORD}), 204, frozenset({204, 401})),
    *(
        Flow(f"{kind} by {how}", _redeeming(kind, how), kind.status, frozenset({kind.status, 400}))
        for kind in KINDS
        for how in ("token", "code")
        if how == "token" or kind.name == "reset"  # a code is found by other calls, and redeemed by the same
    ),
]


@pytest.mark.parametrize("flow", FLOWS, ids=str)
async def test_whichever_call_fails_nothing_is_half_done(fragile_mail: House, aimed: AimedDatabase, flow: Flow) -> None:
    """No mail without its act, no act without its mail, and the same request goes through afterwards."""
    act = await flow.prepare(fragile_mail, _fresh())
    before = await dump(aimed)
    with aimed.aim():
        answer = await act()
    everything, calls = changed(before, await dump(aimed)), aimed.calls
    assert answer.status_code == flow.status, answer.text
    assert 0 < calls <= MOST_CALLS

    for how in get_args(How):
        for fail_at in range(1, calls + 1):
            with told_where(f"{how} at call {fail_at} of {calls}"):
                await _fail_once(fragile_mail, aimed, flow, fail_at, how, everything)


async def _fail_once(
    house: House, aimed: AimedDatabase, flow: Flow, fail_at: int, how: How, everything: frozenset[str]
) -> None:
    act = await flow.prepare(house, _fresh())
    before = await dump(aimed)
    answer = None
    with aimed.aim(fail_at, how), contextlib.suppress(asyncio.CancelledError):
        answer = await asyncio.create_task(act())  # type: ignore[arg-type]

    if how != "cancelled":
        assert answer is not None
        expected = (500, "internal_error") if how == "defect" else (503, "storage_unavailable")
        assert (answer.status_code, answer.json()["code"]) == expected
        assert "set-cookie" not in answer.headers
        assert "hunter2" not in answer.text
    await check_order(aimed)
    # The count of a code is remembered before it is compared, whatever comes of it.
    assert changed(before, await dump(aimed)) in (frozenset(), frozenset({"challenge"}), everything)
    assert (await act()).status_code in flow.again
    await check_order(aimed)


def _fresh() -> str:
    return f"mailed{next(_numbers)}@example.test"


async def test_an_outbox_that_loses_the_database_loses_no_mail(fragile_mail: House, aimed: AimedDatabase) -> None:
    """One whose end could not be written down waits for its claim to end, and is then sent with the same Message-ID."""
    house = fragile_mail
    mailbox = house.auth.mail.mailer
    assert isinstance(mailbox, Mailbox)
    for fail_at in range(1, 5):
        mailbox.messages.clear()
        await house.client.post("/v1/accounts", json={"email": _fresh(), "password": PASSWORD})
        with aimed.aim(fail_at, "before"), contextlib.suppress(Exception):
            await house.auth.life.delivery.deliver()

        await house.auth.life.delivery.deliver()
        assert len(mailbox.messages) <= 1
        house.clock.advance(delivery.CLAIM)
        await house.auth.life.delivery.deliver()

        assert len(mailbox.messages) in (1, 2)
        assert len({mail.message_id for mail in mailbox.messages}) == 1
        assert (await house.auth.mail.counts()).get("waiting", 0) == 0
