"""Does the time of an answer tell whether an account exists? ``make measure-enumeration``.

A running server is asked on one connection, in turn about accounts of every kind, in an order that is drawn anew each
round, so that whatever else the machine does disturbs all kinds alike. Each kind is compared with the unknown one by
the test of Mann and Whitney. An *effect* of 0.5 says that a guesser who looks at one time can only toss a coin; a *p*
that is not small says that the difference seen is nothing but chance. To ask about more, add a :class:`Question`.
"""

import http.client
import json
import secrets
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.comparison import Comparison, compare
from benchmarks.server import PASSWORD, PROXY_HEADERS, Server

ROUNDS: Final = 150
PEOPLE: Final = 25
"""Accounts of a kind, asked about in turn, so that none comes near the bound of failures in a row."""

KINDS: Final = ("unknown", "known", "disabled", "unproved")
"""The first is what the others are compared with; the last has registered and not proved the address."""

ASKER: Final = "xxxasker-0000@example.com"
"""Whoever is logged in, for what may be asked only then."""

SETTINGS: Final[Mapping[str, Any]] = {
    "ACCOUNTS__EMAIL_VERIFICATION": "required",
    "MAIL__DELIVERY": "file",
    "MAIL__FROM": "door@example.com",
    "ORIGIN": "https://localhost",
    "LIMITS__PER_RECOVERY": 1_000_000_000,
    "VERIFICATION__SIGN_IN_LINKS": "true",
}
"""Addresses have to be proved, mail goes into files, and no limit stands in the way."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that anybody may ask about a login."""

    name: str
    path: str
    body: Callable[[str], dict[str, Any]]
    status: int
    is_owners: bool = False
    """Only somebody who is logged in may ask."""
    needs_challenge: bool = False
    """It takes the challenge of a mail, which is asked for before and not timed."""


QUESTIONS: Final = (
    Question("log in", "/v1/login", lambda login: {"login": login, "password": "a wrong password"}, 401),
    Question("check a password", "/v1/password/check", lambda login: {"password": PASSWORD, "email": login}, 200),
    Question("forgot", "/v1/password/forgot", lambda login: {"login": login}, 202),
    Question("resend", "/v1/email/verify/resend", lambda login: {"email": login}, 202),
    Question("sign-in link", "/v1/login/link", lambda login: {"login": login}, 202),
    Question("change of address", "/v1/me/email", lambda login: {"new_email": login}, 202, is_owners=True),
    Question("verify", "/v1/email/verify", lambda _: {"code": "12345678"}, 400, needs_challenge=True),
    # The last: nobody is unknown afterwards.
    Question("register", "/v1/accounts", lambda login: {"email": login, "password": PASSWORD}, 202),
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
    """Name an account of a kind; all names are of one length, and of the unknown no two are asked about alike."""
    return f"{kind:x>8}-{number % (10_000 if kind == KINDS[0] else PEOPLE):04}@example.com"


def ask(connection: http.client.HTTPConnection, question: Question, *, rounds: int, token: str = "") -> Sample:
    """Ask about all kinds in turn and take the times."""
    seconds: dict[str, list[float]] = defaultdict(list)
    statuses = set()
    authorised = {"Authorization": f"Bearer {token}"} if question.is_owners else {}
    for number in range(-2, rounds):  # two rounds to warm up
        for kind in sorted(KINDS, key=lambda _: secrets.token_bytes(4)):
            body = question.body(login_of(kind, number))
            if question.needs_challenge:
                _, asked = _post(connection, "/v1/email/verify/resend", {"email": login_of(kind, number)}, {})
                body["challenge"] = json.loads(asked)["challenge"]
            begun = time.perf_counter()
            status, _ = _post(connection, question.path, body, authorised)
            took = time.perf_counter() - begun
            if number >= 0:
                seconds[kind].append(took)
                statuses.add(status)
    return Sample(question.name, dict(seconds), statuses)


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any], headers: dict[str, str]
) -> tuple[int, bytes]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **PROXY_HEADERS, **headers})
    response = connection.getresponse()
    return response.status, response.read()


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
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder, Server(Path(folder), **SETTINGS) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        token = settle(connection, server.folder / "data", people=PEOPLE)
        for question in QUESTIONS:
            sample = ask(connection, question, rounds=ROUNDS, token=token)
            print(tell(sample), flush=True)
            told_apart |= any(found.p <= 0.01 for _, found in sample.comparisons())
        connection.close()
    return int(told_apart)


def settle(connection: http.client.HTTPConnection, data: Path, *, people: int) -> str:
    """Make the accounts of every kind that has some, and return the access token of somebody who may ask."""
    for login in (ASKER, *(login_of(kind, number) for number in range(people) for kind in KINDS[1:])):
        status, _ = _post(connection, "/v1/accounts", {"email": login, "password": PASSWORD}, {})
        assert status == 202, status
    (file,) = data.glob("*.db")
    with sqlite3.connect(file, timeout=10) as database:
        database.execute("UPDATE account SET email_verified_at = 1 WHERE email NOT LIKE '%unproved-%'")
        database.execute("UPDATE account SET disabled_at = 1 WHERE email LIKE '%disabled-%'")
    database.close()
    status, answer = _post(connection, "/v1/login", {"login": ASKER, "password": PASSWORD}, {})
    assert status == 200, answer
    return str(json.loads(answer)["access_token"])


if __name__ == "__main__":
    sys.exit(main())
