"""What has happened reaches whoever asked for it: signed, once at least, under one id."""

import asyncio
import json
from typing import Any

import pytest

from doorward.db import Database, statement
from doorward.errors import InvalidFields, NotFound
from doorward.settings import Settings
from doorward.webhooks.flows import MAX_ENDPOINTS
from doorward.webhooks.model import FIRST_RETRY, LEASE
from doorward.webhooks.worker import AT_ONCE, KEPT
from tests.support.house import PASSWORD, House, bearer, open_house
from tests.webhooks.receiver import Receiver, signatures_of, telling


async def _pass(house: House) -> int:
    await house.auth.audit.seal()
    return await house.auth.webhooks.work()


async def _states(house: House, endpoint_id: str) -> list[tuple[str, int, str]]:
    page = await house.auth.webhooks.page(endpoint_id)
    return [(each.state, each.attempts, each.answer) for each in page.deliveries]


async def test_a_message_tells_what_has_happened_and_is_signed(teller: House, receiver: Receiver) -> None:
    """Five lines of a receiver believe it; the body has the event, its time and who it is about."""
    _, secret = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    account = await teller.register()

    assert await _pass(teller) == 1

    (message,) = receiver.received
    assert list(signatures_of(message, secret)) == [True]
    assert json.loads(message.body) == {
        "type": "account.registered",
        "timestamp": "2027-01-15T08:00:00Z",
        "issuer": "https://auth.example.test",
        "data": {"account_id": account["id"], "session_id": None},
    }
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"localhost:{receiver.port}"


async def test_only_what_was_asked_for_is_told(teller: House, receiver: Receiver) -> None:
    """By name, by family, or everything; and nothing from before the endpoint was made."""
    await teller.register("before@example.test")
    await teller.auth.audit.seal()
    await teller.auth.webhooks.add(receiver.url, ["session.*"])
    await teller.enter()

    await _pass(teller)

    assert receiver.events == ["session.started"]


async def test_every_endpoint_is_told_under_the_same_id(teller: House, receiver: Receiver) -> None:
    """Who gets one event by two endpoints can see that it is one."""
    await teller.auth.webhooks.add(receiver.url, ["*"])
    await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await teller.register()

    await _pass(teller)

    ids = [each.id for each in receiver.received if each.event == "account.registered"]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_what_was_not_taken_is_sent_again_under_the_same_id(teller: House, receiver: Receiver) -> None:
    """After a pause that doubles, with a new time and so a new signature."""
    endpoint, secret = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [500, 302, 204]
    await teller.register()

    for pause in (0, FIRST_RETRY + 1, 2 * FIRST_RETRY + 2):
        teller.clock.advance(pause)
        assert await _pass(teller) == 1
        assert await _pass(teller) == 0

    assert len({each.id for each in receiver.received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.received}) == 3
    assert [list(signatures_of(each, secret)) for each in receiver.received] == [[True]] * 3
    assert await _states(teller, endpoint.id) == [("delivered", 3, "204")]
    assert (await teller.auth.webhooks.find(endpoint.id)).failing_since is None


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 70_000, b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_an_answer_that_is_none_is_no_success(teller: House, receiver: Receiver, answer: bytes) -> None:
    """Silence, nonsense, a head without end: tried again later."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [answer]
    await teller.register()

    await _pass(teller)

    ((state, attempts, told),) = await _states(teller, endpoint.id)
    assert (state, attempts) == ("pending", 1)
    assert told


async def test_an_early_hint_is_not_the_answer(teller: House, receiver: Receiver) -> None:
    """Informational answers come before the final one."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]
    await teller.register()

    await _pass(teller)

    assert await _states(teller, endpoint.id) == [("delivered", 1, "200")]


async def test_a_receiver_that_hangs_holds_up_nothing_for_long(settings: Settings, receiver: Receiver) -> None:
    """All of a request is bounded in time, whatever the other side does."""
    receiver.hanging = asyncio.Event()
    async with open_house(telling(settings, receiver)) as house:
        house.auth.webhooks._sender._time_limit = 0.2
        endpoint, _ = await house.auth.webhooks.add(receiver.url, ["account.registered"])
        await house.register()

        await _pass(house)

        assert await _states(house, endpoint.id) == [("pending", 1, "it took too long")]


async def test_a_gone_endpoint_is_given_up_at_once(teller: House, receiver: Receiver) -> None:
    """410 says that nobody wants it any more; the trail says that it was given up."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [410]
    await teller.register()

    await _pass(teller)

    assert (await teller.auth.webhooks.find(endpoint.id)).disabled_at is not None
    assert (await teller.auth.audit.page(None)).lines[0].event == "webhook.disabled"
    await teller.register("other@example.test")
    assert await _pass(teller) == 0


async def test_an_endpoint_that_is_silent_for_days_is_given_up_and_can_be_taken_up_again(
    teller: House, receiver: Receiver
) -> None:
    """Then what it did not take is sent, and what happens from then on."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [500] * 100
    await teller.register()
    while (await teller.auth.webhooks.find(endpoint.id)).disabled_at is None:
        await _pass(teller)
        teller.clock.advance(8 * 3600)
    receiver.script = []
    receiver.received.clear()
    await teller.register("meanwhile@example.test")
    await teller.auth.audit.seal()

    due = await teller.auth.webhooks.retry(endpoint.id)
    await teller.register("later@example.test")
    await _pass(teller)

    assert due == 1
    assert receiver.events == ["account.registered"] * 2
    assert (await teller.auth.webhooks.find(endpoint.id)).failing_since is None
    events = [line.event for line in (await teller.auth.audit.page(None)).lines]
    assert events.count("webhook.disabled") == 1
    assert events.count("webhook.enabled") == 1


async def test_a_rotated_secret_counts_beside_the_former_for_a_day(teller: House, receiver: Receiver) -> None:
    """A receiver changes its secret whenever it likes within that time, and loses nothing."""
    endpoint, first = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    second = await teller.auth.webhooks.rotate_secret(endpoint.id)
    await teller.register()
    await _pass(teller)
    teller.clock.advance(86_401)
    await teller.register("later@example.test")
    await _pass(teller)

    during, after = receiver.received
    assert first != second
    assert (sum(signatures_of(during, first)), sum(signatures_of(during, second))) == (1, 1)
    assert (sum(signatures_of(after, first)), sum(signatures_of(after, second))) == (0, 1)


async def test_an_endpoint_whose_instance_secret_is_gone_is_not_told_unsigned(
    teller: House, receiver: Receiver, database: Database
) -> None:
    """The operator reads what to do; nothing is lost until then."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await database.write(statement("UPDATE webhook_endpoint SET key_id = :other", other=b"gone"))
    await teller.register()
    await _pass(teller)
    ((state, _, answer),) = await _states(teller, endpoint.id)

    await teller.auth.webhooks.rotate_secret(endpoint.id)
    teller.clock.advance(60)
    await _pass(teller)

    assert (state, "rotate-secret" in answer) == ("pending", True)
    assert receiver.events == ["account.registered"]


async def test_a_process_that_dies_with_a_message_in_hand_loses_nothing(teller: House, receiver: Receiver) -> None:
    """The lease ends, and somebody else sends it; a late answer of the first changes nothing."""
    from doorward.webhooks import store
    from doorward.webhooks.model import Answer

    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await teller.register()
    await teller.auth.audit.seal()
    await teller.auth.webhooks.fan_out(endpoint)
    (rows,) = await teller.auth.webhooks._database.write(store.claim(now=teller.clock(), size=8))
    dead = store.delivery_from_row(rows[0])

    assert await _pass(teller) == 0
    teller.clock.advance(LEASE)
    assert await _pass(teller) == 1
    await teller.auth.webhooks._conclude(dead, endpoint, Answer(500, ""))

    assert await _states(teller, endpoint.id) == [("delivered", 2, "204")]


async def test_an_endpoint_that_is_removed_takes_its_messages_with_it(teller: House, receiver: Receiver) -> None:
    """Also one that is in hand at that moment."""
    from doorward.webhooks import store

    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await teller.register()
    await teller.auth.audit.seal()
    await teller.auth.webhooks.fan_out(endpoint)
    (rows,) = await teller.auth.webhooks._database.write(store.claim(now=teller.clock(), size=8))

    await teller.auth.webhooks.remove(endpoint.id)
    await teller.auth.webhooks._send(store.delivery_from_row(rows[0]))

    assert receiver.received == []
    with pytest.raises(NotFound):
        await teller.auth.webhooks.page(endpoint.id)


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("http://example.com/", ["*"]),
        ("https://user@example.com/", ["*"]),
        ("https://example.com/#x", ["*"]),
        ("https://example.com:0/", ["*"]),
        ("https://example.com:x/", ["*"]),
        ("https:///x", ["*"]),
        ("https://example.com/\r\nx", ["*"]),
        ("https://example.com/" + "x" * 2048, ["*"]),
        ("https://example.com/", []),
        ("https://example.com/", ["Nonsense!"]),
        ("https://example.com/", ["*"] * 65),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(house: House, url: str, events: list[str]) -> None:
    """Https, nothing hidden in the address, events by name."""
    with pytest.raises(InvalidFields):
        await house.auth.webhooks.add(url, events)


async def test_there_is_an_end_to_endpoints(house: House) -> None:
    """Every one is read every second."""
    for _ in range(MAX_ENDPOINTS):
        await house.auth.webhooks.add("https://example.com/", ["*"])

    with pytest.raises(InvalidFields):
        await house.auth.webhooks.add("https://example.com/", ["*"])


async def test_an_unknown_endpoint_is_not_found(house: House) -> None:
    """By every act."""
    webhooks = house.auth.webhooks
    acts: list[Any] = [webhooks.find, webhooks.remove, webhooks.rotate_secret, webhooks.retry, webhooks.test]

    for act in acts:
        for name in ("whk_" + "a" * 26, "nonsense"):
            with pytest.raises(NotFound):
                await act(name)


async def test_a_test_message_tells_the_answer(teller: House, receiver: Receiver) -> None:
    """So that an operator sees at once whether it works."""
    endpoint, secret = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    receiver.script = [204, 503]

    good = await teller.auth.webhooks.test(endpoint.id)
    bad = await teller.auth.webhooks.test(endpoint.id)

    assert (good.status, bad.status) == (204, 503)
    assert receiver.events == ["webhook.test"] * 2
    assert list(signatures_of(receiver.received[0], secret)) == [True]


async def test_a_test_message_that_a_server_has_in_hand_is_left_to_it(
    teller: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent once, and the operator is told where to look."""
    from doorward.webhooks import store

    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    monkeypatch.setattr(store, "claim_one", lambda _id, *, now: store.claim(now=now - 10, size=1))

    answer = await teller.auth.webhooks.test(endpoint.id)

    assert "deliveries" in str(answer)


async def test_finished_messages_are_forgotten_after_two_weeks(teller: House, receiver: Receiver) -> None:
    """Those that wait stay."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await teller.register()
    await _pass(teller)
    assert await teller.auth.webhooks.backlog() == (0, 0)
    teller.clock.advance(KEPT + 1)

    await teller.auth.keep_house()

    assert await _states(teller, endpoint.id) == []


async def test_deliveries_are_paged(teller: House, receiver: Receiver, database: Database) -> None:
    """The newest first, with a cursor to go on."""
    from doorward.webhooks import store

    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["*"])
    await database.write(
        *(
            store.enqueue(endpoint.id, message_id=f"m{number}", event="x", body="{}", due_at=1 << 40, now=1)
            for number in range(60)
        )
    )

    first = await teller.auth.webhooks.page(endpoint.id)
    second = await teller.auth.webhooks.page(endpoint.id, cursor=first.next or "")

    assert (len(first.deliveries), len(second.deliveries), second.next) == (50, 10, None)
    assert (await teller.auth.webhooks.backlog())[0] == 60


async def test_two_that_follow_the_trail_make_each_delivery_once(teller: House, receiver: Receiver) -> None:
    """Of two workers that read the same lines one writes."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["*"])
    await teller.register()
    await teller.auth.audit.seal()

    counts = await asyncio.gather(*(teller.auth.webhooks.fan_out(endpoint) for _ in range(5)))

    assert sorted(counts)[:4] == [0] * 4
    assert await teller.auth.webhooks.fan_out(await teller.auth.webhooks.find(endpoint.id)) == 0


async def test_of_two_that_give_an_endpoint_up_one_does(teller: House, receiver: Receiver) -> None:
    """The trail tells it once."""
    from doorward.hooks import WebhookDisabled

    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["*"])
    event = WebhookDisabled(endpoint_id=endpoint.id)

    for _ in range(2):
        await teller.auth.webhooks._disable(endpoint, event, now=1)

    events = [line.event for line in (await teller.auth.audit.page(None)).lines]
    assert events.count("webhook.disabled") == 1


async def test_the_body_holds_no_column_that_is_nobodys_business(teller: House, receiver: Receiver) -> None:
    """No network, no request id: who gets it may be another company."""
    await teller.auth.webhooks.add(receiver.url, ["*"])
    await teller.enter()

    await _pass(teller)

    assert receiver.received
    for message in receiver.received:
        assert b"203.0.113" not in message.body
        assert set(json.loads(message.body)) == {"type", "timestamp", "issuer", "data"}


async def test_a_message_that_is_too_old_is_given_up_and_its_endpoint_is_not(teller: House, receiver: Receiver) -> None:
    """One message that an endpoint does not like does not end all others."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    await teller.register()
    await teller.auth.audit.seal()
    await teller.auth.webhooks.fan_out(endpoint)
    teller.clock.advance(3 * 86_400)
    receiver.script = [500]

    await teller.auth.webhooks.send_due()

    assert await _states(teller, endpoint.id) == [("failed", 1, "500")]
    assert (await teller.auth.webhooks.find(endpoint.id)).disabled_at is None


async def test_no_message_and_no_column_holds_a_secret(teller: House, receiver: Receiver) -> None:
    """Passwords, tokens, cookies and the endpoint's own secret are in no body, no header and no row."""
    _, secret = await teller.auth.webhooks.add(receiver.url, ["*"])
    entered = await teller.enter()
    wrong = "canary wrong password"
    await teller.client.post("/v1/login", json={"login": "ada@example.test", "password": wrong})
    refreshed = (await teller.refresh(entered["refresh_token"])).json()
    change = {"current_password": PASSWORD, "new_password": "canary new password of many words"}
    headers = bearer(refreshed["access_token"])
    assert (await teller.client.post("/v1/me/password", json=change, headers=headers)).status_code == 204

    await _pass(teller)
    await _pass(teller)

    tables = ("webhook_endpoint", "webhook_delivery", "audit_event", "audit_checkpoint")
    rows = [repr([tuple(map(row.__getitem__, row.keys())) for row in await _all(teller, table)]) for table in tables]
    told = repr([(message.headers, message.body) for message in receiver.received]) + "".join(rows)
    assert {"session.started", "session.refused", "password.changed"} <= set(receiver.events)
    tokens = [entered["access_token"], entered["refresh_token"], refreshed["access_token"], refreshed["refresh_token"]]
    for canary in (PASSWORD, wrong, change["new_password"], secret, secret.removeprefix("whsec_"), *tokens):
        assert canary not in told


async def _all(house: House, table: str) -> list[Any]:
    return list(await house.auth._database.fetch_all(f"SELECT * FROM {table}"))


async def test_a_burst_is_told_without_waiting_for_the_next_second(teller: House, receiver: Receiver) -> None:
    """Eight at a time, one eight after the other."""
    await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    for number in range(AT_ONCE * 2 + 1):
        await teller.register(f"person{number}@example.test")

    assert await _pass(teller) == AT_ONCE * 2 + 1
    assert len({message.id for message in receiver.received}) == AT_ONCE * 2 + 1


async def test_more_than_a_worker_does_in_one_go_is_left_for_the_next(
    teller: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one instance never works for ever without looking up."""
    monkeypatch.setattr("doorward.webhooks.worker.ROUNDS", 1)
    await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    for number in range(AT_ONCE + 1):
        await teller.register(f"person{number}@example.test")

    assert [await _pass(teller), await _pass(teller)] == [AT_ONCE, 1]
