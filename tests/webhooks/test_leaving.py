"""Other programs hear who has left, though the trail does not name them any more."""

import json

from doorward.webhooks import store
from tests.support.house import START, House
from tests.webhooks.receiver import Receiver


async def _pass(house: House) -> None:
    await house.auth.audit.seal()
    await house.auth.webhooks.work()


async def test_a_deletion_is_told_once_and_says_whose(teller: House, receiver: Receiver) -> None:
    """A receiver erases what it keeps itself by the id that it knows; who did not ask is not told."""
    asked, _ = await teller.auth.webhooks.add(receiver.url, ["account.deleted"])
    await teller.auth.webhooks.add(receiver.url, ["session.*"])
    account = await teller.register()

    await teller.auth.life.leaving.delete(str(account["id"]))
    await _pass(teller)
    await _pass(teller)

    (message,) = receiver.received
    assert json.loads(message.body)["data"] == {"account_id": account["id"], "session_id": None}
    assert [each.event for each in (await teller.auth.webhooks.page(asked.id)).deliveries] == ["account.deleted"]


async def test_an_endpoint_that_was_given_up_is_not_told(teller: House, receiver: Receiver) -> None:
    """It begins anew when it is taken up again, as with everything else."""
    endpoint, _ = await teller.auth.webhooks.add(receiver.url, ["*"])
    await teller.auth._database.write(store.disable(endpoint.id, now=START))
    account = await teller.register()

    await teller.auth.life.leaving.delete(str(account["id"]))

    assert (await teller.auth.webhooks.page(endpoint.id)).deliveries == ()


async def test_what_has_arrived_is_not_kept(teller: House, receiver: Receiver) -> None:
    """So nothing here names somebody who has left, once every endpoint has been told."""
    await teller.auth.webhooks.add(receiver.url, ["*"])
    account = await teller.register()
    await _pass(teller)

    await teller.auth.life.leaving.delete(str(account["id"]))
    await _pass(teller)

    rows = await teller.auth._database.fetch_all("SELECT event, state, body FROM webhook_delivery")
    assert {"account.registered", "account.deleted"} <= {row["event"] for row in rows}
    assert {(row["state"], row["body"]) for row in rows} == {("delivered", "")}
