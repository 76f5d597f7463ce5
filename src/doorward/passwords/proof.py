"""Proving a password: count the try, hash once, decide, and remember a refusal before it is said.

The network is counted first, and one that is over its limit touches nothing else: it can neither use up the tries of
an owner nor fill the table. A login is counted by its account, so that address and username share one count; an unknown
one by what was typed. Who is signed in already has a count of its own, which strangers cannot use up.
"""

import contextlib
from dataclasses import dataclass
from typing import assert_never

from doorward.accounts.flows import account_from_row
from doorward.accounts.model import login_key
from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import Row, Statement
from doorward.errors import AccountDisabled, EmailNotVerified, InvalidCredentials, Overloaded, Problem
from doorward.foundation import Flows, Foundation
from doorward.hooks import SignInRefused
from doorward.passwords import store
from doorward.passwords.model import Admit, Candidate, Refuse, decide_login
from doorward.passwords.policy import normalise
from doorward.passwords.pool import HashingPool
from doorward.web.limits import Bucket, Limiter

_ANSWERS: dict[str, type[Problem]] = {
    problem.code: problem for problem in (InvalidCredentials, AccountDisabled, EmailNotVerified)
}


@dataclass(frozen=True, slots=True)
class Proof:
    """A right password. Its statements belong into the write of whatever it leads to."""

    candidate: Candidate
    confirm: Statement
    """Guarded: the password is still the one that was proved. Comes first in the write."""
    forgive: tuple[Statement, ...]
    """Gives the counted tries back."""


class Prover(Flows):
    """Who knows the password."""

    def __init__(self, foundation: Foundation, *, pool: HashingPool, limiter: Limiter) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._pool = pool
        self._limiter = limiter

    async def by_login(self, login: str, password: str, *, source: Source) -> Proof:
        """Prove the password of whoever logs in with an address or a username.

        Raises :class:`InvalidCredentials`, :class:`AccountDisabled` and :class:`EmailNotVerified` (both only after the
        right password), :class:`TooManyAttempts` and :class:`Overloaded`.
        """
        row = await store.find_by_login(self._database, login, now=self._clock())
        name = login_key(login) if row is None else row["id"]
        return await self._prove(row, self._limiter.login(name), password, source)

    async def by_account(self, account_id: str, password: str, *, source: Source) -> Proof:
        """Prove the password of somebody who is signed in. Raises like :meth:`by_login`."""
        row = await store.find_by_id(self._database, account_id, now=self._clock())
        return await self._prove(row, self._limiter.owner(account_id), password, source)

    async def _prove(self, row: Row | None, bucket: Bucket, password: str, source: Source) -> Proof:
        network = (self._limiter.network(source.network),) if source.network else ()
        for each in (*network, bucket):
            await self._limiter.count(each)
        candidate = None if row is None else candidate_from_row(row)
        stored = None if candidate is None else candidate.stored
        plain = normalise(password)
        verified = await self._pool.verify(stored, plain)
        decision = decide_login(candidate, verified=verified, settings=self._settings.accounts)
        match decision:
            case Admit(proved, hashed):
                replacement = await self._better_hash(hashed, plain)
                confirm = store.confirm(proved.account.id, version=proved.version, seen=hashed, replacement=replacement)
                return Proof(proved, confirm, tuple(self._limiter.forgiving(bucket, *network)))
            case Refuse(why, of, answer):
                event = SignInRefused(account_id=of, why=why)
                await self._database.write(store.fail(of or ""), entry(event, now=self._clock(), source=source))
                await self._events.publish(event)
                raise _ANSWERS[answer](why)
            case _:  # pragma: no cover - mypy proves it
                assert_never(decision)

    async def _better_hash(self, stored: str, password: str) -> str:
        """Return the hash to keep: one of today's cost where it is due and there is room, else the one there is."""
        if self._pool.needs_rehash(stored, password):
            with contextlib.suppress(Overloaded):
                return await self._pool.hash(password)
        return stored


def candidate_from_row(row: Row) -> Candidate:
    """Read what a log-in decides on."""
    return Candidate(
        account=account_from_row(row),
        stored=row["hash"],
        version=row["version"] or 0,
        live_sessions=row["live_sessions"],
    )
