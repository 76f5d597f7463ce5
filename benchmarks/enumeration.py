"""Does the time of an answer tell whether an account exists? ``make measure-enumeration``.

A running server is asked on one connection, in turn about accounts of every kind, in an order that is drawn anew each
round, so that whatever else the machine does disturbs all kinds alike. Each kind is compared with the unknown one by
the test of Mann and Whitney. An *effect* of 0.5 says that a guesser who looks at one time can only toss a coin; a *p*
that is not small says that the difference seen is nothing but chance. To ask about more, add a :class:`Question`.
"""

import http.client
import json
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.comparison import Comparison, compare
from benchmarks.server import PASSWORD, PROXY_HEADERS, Server

ROUNDS: Final = 250
PEOPLE: Final = 25
"""Accounts of a kind, asked about in turn, so that none comes near the bound of failures in a row."""

KINDS: Final = ("unknown", "known", "disabled")
"""The first is what the others are compared with."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that anybody may ask about a login."""

    name: str
    path: str
    body: Callable[[str], dict[str, Any]]
    status: int


QUESTIONS: Final = (
    Question("log in", "/v1/login", lambda login: {"login": login, "password": "a wrong password"}, 401),
    Question("check a password", "/v1/password/check", lambda login: {"password": PASSWORD, "email": login}, 200),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The times of all answers to a question, by kind of account, and the statuses that were seen."""

    question: str
    seconds: dict[str, list[float]]
    statuses: set[int]

    def comparisons(self) -> Iterator[tuple[str, Comparison]]:
        """Compare every kind with the first."""
        for kind in KINDS[1:]:
            yield kind, compare(self.seconds[KINDS[0]], self.seconds[kind])


def login_of(kind: str, number: int) -> str:
    """Name an account of a kind; all names are of one length."""
    return f"{kind:x>8}-{number % PEOPLE:02}@example.com"


def ask(connection: http.client.HTTPConnection, question: Question, *, rounds: int) -> Sample:
    """Ask about all kinds in turn and take the times."""
    seconds: dict[str, list[float]] = defaultdict(list)
    statuses = set()
    for number in range(-2, rounds):  # two rounds to warm up
        for kind in sorted(KINDS, key=lambda _: secrets.token_bytes(4)):
            body = json.dumps(question.body(login_of(kind, number)))
            begun = time.perf_counter()
            connection.request("POST", question.path, body, {"Content-Type": "application/json", **PROXY_HEADERS})
            response = connection.getresponse()
            response.read()
            took = time.perf_counter() - begun
            if number >= 0:
                seconds[kind].append(took)
                statuses.add(response.status)
    return Sample(question.name, dict(seconds), statuses)


def tell(sample: Sample) -> str:
    """Write what was found."""
    lines = [f"{sample.question}: {len(sample.seconds[KINDS[0]])} answers a kind, status {sorted(sample.statuses)}"]
    for kind, found in sample.comparisons():
        verdict = "cannot be told apart" if found.p > 0.01 else "DIFFERENT"
        lines.append(
            f"    {kind:9} against {KINDS[0]}: median {found.difference * 1e6:+8.0f} µs, effect {found.effect:.3f}, "
            f"p {found.p:.3f}: {verdict}"
        )
    return "\n".join(lines)


def main() -> int:
    """Serve, ask and print; the exit code is 1 where a kind can be told apart."""
    told_apart = False
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder, Server(Path(folder)) as server:
        settle(server)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for question in QUESTIONS:
            sample = ask(connection, question, rounds=ROUNDS)
            print(tell(sample), flush=True)
            told_apart |= any(found.p <= 0.01 for _, found in sample.comparisons())
        connection.close()
    return int(told_apart)


def settle(server: Server) -> None:
    """Make the accounts of every kind that has some."""
    for number in range(PEOPLE):
        for kind in KINDS[1:]:
            body = {"email": login_of(kind, number), "password": PASSWORD}
            assert server.call("POST", "/v1/accounts", body).status == 201
        server.run("account", "disable", login_of("disabled", number))


if __name__ == "__main__":
    sys.exit(main())
