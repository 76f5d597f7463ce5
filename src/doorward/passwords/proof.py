"""Proving a password: count the try, hash once, decide, and remember a refusal before it is said.

One write counts before the hash: the failure in a row (taken back by success) and the layers of ``limits/``. A try that
a layer refuses is counted nowhere and touches nothing else. The layers count what was typed and never ask whose it is:
if an address and a username shared a count, filling the one would tell that the other belongs to it. The failures in a
row are the account's. A device that it knows, and who is signed in already, has a count that strangers cannot use up.
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
from doorward.hooks import Event, PasswordSuspended, SignInRefused
from doorward.limits.flows import Limiter
from doorward.limits.model import Attempt
from doorward.passwords import store
from doorward.passwords.model import Admit, Candidate, Refuse, bound_of_failures, decide_login
from doorward.passwords.policy import normalise
from doorward.passwords.pool import HashingPool

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
    device: bytes | None = None
    """The device that the account knew already."""


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
        account_id, version = (None, 0) if row is None else (row["id"], row["version"] or 0)
        device = self._limiter.recognise(source, account_id, version=version)
        attempt = self._limiter.log_in(login_key(login), source, device=device)
        return await self._prove(row, attempt, password, source, device=device, known=device is not None)

    async def by_account(self, account_id: str, password: str, *, source: Source) -> Proof:
        """Prove the password of somebody who is signed in. Raises like :meth:`by_login`."""
        row = await store.find_by_id(self._database, account_id, now=self._clock())
        version = 0 if row is None else row["version"] or 0
        device = self._limiter.recognise(source, account_id, version=version)
        attempt = self._limiter.confirmation(account_id, source)
        return await self._prove(row, attempt, password, source, device=device, known=True)

    async def _prove(
        self, row: Row | None, attempt: Attempt, password: str, source: Source, *, device: bytes | None, known: bool
    ) -> Proof:
        candidate = None if row is None else candidate_from_row(row)
        account_id = "" if candidate is None else candidate.account.id
        bound = bound_of_failures(self._settings.limits, known=known)
        (counted,) = await self._limiter.admit(attempt, store.count_try(account_id, bound=bound))
        plain = normalise(password)
        verified = await self._verify(None if candidate is None else candidate.stored, plain, account_id, attempt)
        decision = decide_login(
            candidate, verified=verified, within_bound=bool(counted), settings=self._settings.accounts
        )
        match decision:
            case Admit(proved, hashed):
                replacement = await self._better_hash(hashed, plain)
                confirm = store.confirm(proved.account.id, version=proved.version, seen=hashed, replacement=replacement)
                return Proof(proved, confirm, tuple(self._limiter.forgiving(attempt)), device)
            case Refuse(why, of, answer):
                events: list[Event] = [SignInRefused(account_id=of, why=why)]
                if answer == "invalid_credentials" and counted and counted[0]["failures"] == bound:
                    events.append(PasswordSuspended(account_id=of, for_strangers=not known))
                await self._remember(events, attempt, source, right_for=of if verified and counted else None)
                raise _ANSWERS[answer](why)
            case _:  # pragma: no cover - mypy proves it
                assert_never(decision)

    async def _verify(self, stored: str | None, password: str, account_id: str, attempt: Attempt) -> bool:
        """Hash once. A try that finds the server too busy was none, and is given back."""
        try:
            return await self._pool.verify(stored, password)
        except Overloaded:
            await self._database.write(store.take_back(account_id), *self._limiter.giving_back(attempt))
            raise

    async def _remember(self, events: list[Event], attempt: Attempt, source: Source, *, right_for: str | None) -> None:
        """Write a refusal; ``right_for``: the account whose owner had the right password and is kept out otherwise."""
        forgiving = [] if right_for is None else [store.forgive(right_for), *self._limiter.forgiving(attempt)]
        now = self._clock()
        await self._database.write(*forgiving, *(entry(event, now=now, source=source) for event in events))
        await self._events.publish(*events)

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
