"""``kill -9`` in a loop under load: whatever was answered is there after the restart.

A real ``doorward serve`` over TLS. Clients write down only what they were told; then the program is killed in the
middle of everything, started again on the same database, and asked about every line they wrote.
"""

import asyncio
import os
import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from doorward.db import Database
from tests.faults.order import check_order
from tests.faults.program import Program
from tests.support.house import PASSWORD, bearer
from tests.support.waiting import until

ROUNDS = 3
CLIENTS = 8
ANSWERS = 80
"""Answers of a round after which the program is killed."""


@dataclass
class Ledger:
    """What clients were told, and when enough of it."""

    accounts: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    newest: dict[str, str] = field(default_factory=dict)
    """Session → the newest refresh token that somebody holds."""
    count: int = 0

    def add(self) -> None:
        """Count an answer."""
        self.count += 1


async def _live(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    """Register, log in, refresh a few times, perhaps log out, and begin again, until the line goes dead."""
    while True:
        email = f"{secrets.token_hex(6)}@example.test"
        made = await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})
        assert made.status_code == 201
        ledger.accounts.append(email)
        ledger.add()
        pair = (await client.post("/v1/login", json={"login": email, "password": PASSWORD})).json()
        ledger.newest[pair["session_id"]] = pair["refresh_token"]
        ledger.add()
        for _ in range(5):
            answer = await client.post("/v1/token/refresh", json={"refresh_token": pair["refresh_token"]})
            pair = answer.json()
            ledger.newest[pair["session_id"]] = pair["refresh_token"]
            ledger.add()
        if len(ledger.left) > len(ledger.newest):
            continue  # this one stays
        # What was sent and not answered may have happened: the session is nobody's claim until the answer is there.
        claimed = ledger.newest.pop(pair["session_id"])
        left = await client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))
        assert left.status_code == 204
        ledger.left.append((pair["access_token"], claimed))
        ledger.add()


async def _load_until_killed(program: Program, ledger: Ledger) -> None:
    with program.run() as running:
        async with program.client() as client:
            began = ledger.count
            clients = [asyncio.create_task(_live(client, ledger)) for _ in range(CLIENTS)]
            await until(lambda: ledger.count >= began + ANSWERS or any(task.done() for task in clients))
            assert not any(task.done() for task in clients)
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            ends = await asyncio.gather(*clients, return_exceptions=True)
    assert all(isinstance(end, httpx2.TransportError) for end in ends), ends


async def test_what_was_answered_is_there_after_kill_minus_nine(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    """201 means there is an account, 204 means the session is over, and the newest refresh token is good."""
    program, ledger = Program(tmp_path, database_url), Ledger()

    for _ in range(ROUNDS):
        await _load_until_killed(program, ledger)

    with program.run():
        async with program.client() as client:
            known = {row["email"] for row in await database.fetch_all("SELECT email FROM account")}
            assert set(ledger.accounts) <= known
            for access_token, refresh_token in ledger.left:
                called = await client.get("/v1/me", headers=bearer(access_token))
                refreshed = await client.post("/v1/token/refresh", json={"refresh_token": refresh_token})
                assert (called.status_code, refreshed.status_code) == (401, 401)
            for refresh_token in ledger.newest.values():
                refreshed = await client.post("/v1/token/refresh", json={"refresh_token": refresh_token})
                assert refreshed.status_code == 200
            await check_order(database)
    assert ledger.left
    assert ledger.newest
