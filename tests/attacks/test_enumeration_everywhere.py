"""Whether an account exists, and in what state, is told by no answer and no cost (ASVS 6.3.8; Zitadel CVE-2023-44399).

Times are noisy, so what is held here is their cause: the hashes and the calls of the database. The times themselves are
measured by ``make measure-enumeration``; a small version of that runs here and prints, and asserts nothing about time.
"""

import http.client
import ssl
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from benchmarks.comparison import compare
from benchmarks.enumeration import KINDS as MEASURED
from benchmarks.enumeration import QUESTIONS as ASKED
from benchmarks.enumeration import SETTINGS, ask, tell
from benchmarks.enumeration import Question as Measured
from benchmarks.enumeration import settle as settle_measured
from doorward.db import open_database
from doorward.settings import Settings
from tests.attacks.enumeration import KINDS, QUESTIONS, Question, settle
from tests.attacks.test_enumeration_mail_flows import ASKING
from tests.faults.failing import AimedDatabase
from tests.serving.client import context
from tests.support.house import House, open_house
from tests.support.raw import OURS, Answer, post
from tests.support.served import Served, serving

ROUNDS = 2


def _visible(answer: Answer) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Everything a caller sees but the id of the request."""
    return answer.status, answer.body, [pair for pair in answer.headers if pair[0] != b"x-request-id"]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
async def test_every_kind_of_account_answers_alike_and_costs_the_same(
    settings: Settings, database_url: str, question: Question
) -> None:
    """Status, body, headers, hashes, and the calls of the database with their numbers of statements."""
    aimed = AimedDatabase(open_database(database_url, pool_size=4, timeout=10))
    async with open_house(settings, database=aimed) as house:
        await settle(house)
        answers, hashes, calls = {}, {}, {}
        for kind, login in KINDS.items():
            before = house.auth.pool.performed
            with aimed.aim():
                answers[kind] = _visible(await post(house.auth, question.path, question.body(login), OURS))
            hashes[kind], calls[kind] = house.auth.pool.performed - before, aimed.made

    assert hashes == dict.fromkeys(KINDS, question.hashes)
    assert calls == dict.fromkeys(KINDS, calls["unknown"])
    if not question.tells:
        assert answers == dict.fromkeys(KINDS, answers["unknown"])


async def test_every_operation_that_takes_a_login_is_asked(house: House) -> None:
    """Of those that anybody may call, here or among those that send a mail: a new one cannot be forgotten."""
    takes = {
        operation.path
        for operation in house.auth.operations()
        if operation.reads is not None
        and not operation.needs_caller
        and {"login", "email", "username"}.intersection(operation.reads.__struct_fields__)
    }

    assert takes <= {question.path for question in QUESTIONS} | {path for path, _, _ in ASKING.values()}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an instance with accounts of the kinds that are measured."""
    variables = {f"DOORWARD_{name}": str(value) for name, value in SETTINGS.items() if name != "ORIGIN"}
    with serving(tmp_path_factory.mktemp("served"), **variables) as started:
        yield started


@pytest.fixture(scope="module")
def asking(served: Served) -> Iterator[tuple[http.client.HTTPSConnection, str]]:
    """Lend one connection to it, and the token of somebody who is logged in."""
    trusting: ssl.SSLContext = context(served.authority)
    port = urlsplit(served.origin).port or 0
    connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=trusting)
    yield connection, settle_measured(connection, served.folder / "data", people=ROUNDS)
    connection.close()


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.name)
def test_the_times_of_a_running_server_are_printed(
    asking: tuple[http.client.HTTPSConnection, str], capsys: pytest.CaptureFixture[str], question: Measured
) -> None:
    """A few of them; how many and which statuses is what is asserted, because a time can always be late."""
    connection, token = asking

    sample = ask(connection, question, rounds=ROUNDS, token=token)

    with capsys.disabled():
        sys.stdout.write(f"\n{tell(sample)}\n")
    assert sample.statuses == {question.status}
    assert {kind: len(times) for kind, times in sample.seconds.items()} == dict.fromkeys(MEASURED, ROUNDS)


@pytest.mark.parametrize(
    ("first", "second", "effect", "same"),
    [
        ([1.0] * 20, [1.0] * 20, 0.5, True),
        (list(map(float, range(40))), list(map(float, range(40))), 0.5, True),
        (list(map(float, range(20))), list(map(float, range(20, 40))), 1.0, False),
        (list(map(float, range(20, 40))), list(map(float, range(20))), 0.0, False),
    ],
)
def test_the_statistic_tells_alike_from_different(
    first: list[float], second: list[float], effect: float, same: bool
) -> None:
    """Equal samples have the effect of a coin; those that do not overlap leave no doubt."""
    found = compare(first, second)

    assert found.effect == effect
    assert (found.p > 0.5) == same
    assert same or found.p < 1e-6


def test_the_statistic_is_the_one_of_the_books() -> None:
    """Of 50 pairs the second is longer in 33 and the same in 7."""
    found = compare([1.0, 2.0, 2.0, 3.0, 5.0], [2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 1.0, 2.0, 9.0, 5.0])

    assert found.effect == pytest.approx((33 + 7 / 2) / 50)
    assert 0.1 < found.p < 0.3
