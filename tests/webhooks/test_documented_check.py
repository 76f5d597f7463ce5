"""The five lines that receivers paste believe what is ours and nothing else."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import START, House
from tests.webhooks.receiver import Receiver

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "tell-other-programs.md"


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    """Take the function out of the page."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)
    checked: Callable[..., bool] = names["is_genuine"]
    return checked


async def test_the_documented_check(
    teller: House, receiver: Receiver, is_genuine: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Genuine during a rotation too; not with another secret, another body, another id, another time, or late."""
    endpoint, first = await teller.auth.webhooks.add(receiver.url, ["account.registered"])
    second = await teller.auth.webhooks.rotate_secret(endpoint.id)
    _, other = await teller.auth.webhooks.add(receiver.url, ["session.started"])
    await teller.register()
    await teller.auth.audit.seal()
    await teller.auth.webhooks.work()
    (message,) = receiver.received

    monkeypatch.setattr("time.time", lambda: START + 10)
    genuine = [is_genuine(secret, message.headers, message.body) for secret in (first, second, other)]
    forged = [
        is_genuine(first, message.headers, message.body + b" "),
        is_genuine(first, message.headers | {"webhook-id": "msg_other"}, message.body),
        is_genuine(first, message.headers | {"webhook-timestamp": str(START + 1)}, message.body),
        is_genuine(first, message.headers | {"webhook-signature": "v1,"}, message.body),
    ]
    monkeypatch.setattr("time.time", lambda: START + 301)
    late = is_genuine(first, message.headers, message.body)

    assert genuine == [True, True, False]
    assert forged == [False] * 4
    assert not late
