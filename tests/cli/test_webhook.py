"""``doorward webhook``: who is told, and what came of it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.cli.output import Exit
from tests.cli.conftest import Operator
from tests.webhooks.receiver import Receiver, receiving, signatures_of

URL = "https://hooks.example.test/doorward"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Lend a receiver that runs beside the command."""
    ready, done, lent = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with receiving(tmp_path) as opened:
            lent.append(opened)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    yield lent[0]
    done.set()
    thread.join()


def _add(operator: Operator, url: str = URL) -> dict[str, str]:
    result = operator("webhook", "add", url, "--event", "account.*", "--event", "session.started", "--json")
    assert result.exit_code == Exit.OK, result.output
    return dict(json.loads(result.output))


def test_add_prints_the_secret_once_and_list_does_not(operator: Operator) -> None:
    """The endpoint is there, its secret is nowhere."""
    made = _add(operator)

    listed = operator("webhook", "list", "--json")

    assert made["secret"].startswith("whsec_")
    assert [each["id"] for each in json.loads(listed.output)] == [made["id"]]
    assert "whsec_" not in listed.output
    assert json.loads(listed.output)[0]["events"] == ["account.*", "session.started"]


def test_an_endpoint_that_cannot_be_is_refused_in_words(operator: Operator) -> None:
    """Http, a wrong name of an event."""
    http = operator("webhook", "add", "http://example.test/", "--event", "*")
    name = operator("webhook", "add", URL, "--event", "Nonsense")

    assert (http.exit_code, name.exit_code) == (Exit.REFUSED, Exit.REFUSED)
    assert "/url: The address is not https." in http.stderr
    assert "'Nonsense' is no name of an event" in name.stderr


def test_remove(operator: Operator) -> None:
    """The second time it is not found."""
    made = _add(operator)

    assert "is removed" in operator("webhook", "remove", made["id"]).output
    assert operator("webhook", "remove", made["id"], "--json").exit_code == Exit.NOT_FOUND


def test_rotate_secret_prints_another(operator: Operator) -> None:
    """The next one each time."""
    made = _add(operator)

    rotated = json.loads(operator("webhook", "rotate-secret", made["id"], "--json").output)

    assert rotated["secret"] != made["secret"]


def test_test_and_deliveries_tell_what_the_endpoint_answers(operator: Operator, receiver: Receiver) -> None:
    """A good answer, a bad one, and the list of both."""
    operator.environ |= {
        "DOORWARD_WEBHOOKS__ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128",
        "DOORWARD_WEBHOOKS__CA_FILE": str(receiver.authority),
    }
    made = _add(operator, receiver.url)
    receiver.script = [204, 500]
    good = operator("webhook", "test", made["id"])
    bad = operator("webhook", "test", made["id"], "--json")
    listed = json.loads(operator("webhook", "deliveries", made["id"], "--json").output)
    retried = operator("webhook", "retry", made["id"], "--json")

    assert (good.exit_code, bad.exit_code) == (Exit.OK, Exit.REFUSED)
    assert json.loads(bad.output)["answer"] == "500"
    assert [(each["state"], each["answer"]) for each in listed] == [("pending", "500"), ("delivered", "204")]
    assert list(signatures_of(receiver.received[0], made["secret"])) == [True]
    assert json.loads(retried.output)["due"] == 0  # it is due within the lease anyway


def test_a_private_endpoint_is_not_spoken_to_unless_it_is_listed(operator: Operator, receiver: Receiver) -> None:
    """The answer says why."""
    made = _add(operator, receiver.url)

    result = operator("webhook", "test", made["id"])

    assert result.exit_code == Exit.REFUSED
    assert "the address is not a public one" in result.output


def test_deliveries_go_on_page_by_page(operator: Operator) -> None:
    """The hint can be pasted."""
    made = _add(operator)
    for number in range(51):
        operator.execute(
            "INSERT INTO webhook_delivery"
            " (endpoint_id, message_id, event, body, state, attempts, due_at, created_at, answer)"
            f" VALUES ('{made['id']}', 'm{number}', 'x', '{{}}', 'failed', 3, 1, 1, '500')"
        )
    first = operator("webhook", "deliveries", made["id"])
    cursor = first.output.rsplit("--cursor ", 1)[1].strip()

    second = json.loads(operator("webhook", "deliveries", made["id"], "--cursor", cursor, "--json").output)
    due = operator("webhook", "retry", made["id"])

    assert len(second) == 1
    assert "51 messages are due now" in due.output


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALLOWED_NETWORKS", "10.0.0.1/8", "is not an address or a network"),
        ("CA_FILE", "/nowhere/ca.pem", "is not a file that can be seen"),
    ],
)
def test_settings_that_cannot_work_are_findings(operator: Operator, variable: str, value: str, words: str) -> None:
    """Before anything is sent."""
    operator.environ[f"DOORWARD_WEBHOOKS__{variable}"] = value

    result = operator("webhook", "list")

    assert result.exit_code == Exit.MISCONFIGURED
    assert words in result.stderr
