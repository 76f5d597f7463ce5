"""Logging in with a password, proving it again, and changing it.

Load, count, hash once, decide, write once, report. An unknown login, a disabled account and one without a password
cost the same single hash as any other, and the same statements; what is refused is remembered before it is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from doorward.accounts.flows import admitting
from doorward.accounts.model import Account
from doorward.audit.flows import Asking, entry
from doorward.core.source import Source
from doorward.db import GuardFailed, Statement
from doorward.errors import (
    AccountDisabled,
    InvalidCredentials,
    InvalidFields,
    InvalidRequest,
    Problem,
    SessionEnded,
)
from doorward.foundation import Foundation
from doorward.gates import BeforeLogin, BeforePasswordChange
from doorward.hooks import Event, PasswordChanged, Reauthenticated, SessionsEnded, SignedIn
from doorward.limits.flows import Limiter
from doorward.mail.flows import Outbox
from doorward.passwords import store
from doorward.passwords.assessor import Assessor
from doorward.passwords.blocklist import Blocklist
from doorward.passwords.breached import Breached
from doorward.passwords.model import Candidate
from doorward.passwords.policy import Assessment, assess, breached_error, normalise
from doorward.passwords.pool import HashingPool
from doorward.passwords.proof import Proof, Prover, candidate_from_row
from doorward.passwords.ranges import Ranges
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session, Transport
from doorward.tokens.flows import TokenPair, Tokens
from doorward.tokens.model import Family

KNOWLEDGE = ("pwd",)
"""``amr`` of a log-in by password (RFC 8176 §2)."""

_OVERTAKEN: dict[int, type[Problem]] = {0: InvalidCredentials, 1: AccountDisabled}
"""What it means that a guard of :meth:`Passwords._commit` failed, by its place."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in that has happened. Exactly one of ``tokens`` and ``cookie`` is there, by the transport."""

    account: Account
    session: Session
    tokens: TokenPair | None = None
    cookie: str | None = field(default=None, repr=False)
    device: str = field(default="", repr=False)
    """By what the account knows this device from now on; see ``limits/devices.py``."""


class Passwords(Asking):
    """What people know."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        pool: HashingPool,
        blocklist: Blocklist,
        limiter: Limiter,
        sessions: Sessions,
        tokens: Tokens,
        outbox: Outbox,
    ) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._outbox = outbox
        self._pool = pool
        self._prover = Prover(foundation, pool=pool, limiter=limiter)
        self._assessor = Assessor()
        self._blocklist = blocklist
        self._breached = Breached.find(self._settings.passwords.breached_file)
        self._ranges = Ranges(self._settings.passwords)
        self._limiter = limiter
        self._sessions = sessions
        self._tokens = tokens

    async def log_in(
        self,
        *,
        login: str,
        password: str,
        transport: Transport = "bearer",
        remember: bool = False,
        source: Source = Source(),  # noqa: B008
        replaces: Session | None = None,
    ) -> LogIn:
        """Start a session for somebody who knows the password. ``replaces`` is a live cookie session to end.

        Raises :class:`InvalidCredentials`, :class:`AccountDisabled` and :class:`EmailNotVerified` (both only after the
        right password, and so :class:`RefusedByPolicy`), :class:`TooManyAttempts`, :class:`Overloaded`.
        """
        proof = await self._prover.by_login(login, password, source=source)
        account = proof.candidate.account
        question = BeforeLogin(
            account_id=account.id,
            email=account.email,
            roles=account.roles,
            amr=KNOWLEDGE,
            ip_prefix=source.ip_prefix,
            user_agent=source.user_agent,
        )
        await self._pass_gates(question, account_id=account.id, source=source, also=proof.forgive)
        now = self._clock()
        session = self._sessions.new(
            account.id, transport=transport, remember=remember, amr=KNOWLEDGE, source=source, now=now
        )
        events: list[Event] = [SignedIn(account_id=account.id, session_id=session.id, amr=KNOWLEDGE)]
        statements = self._sessions.starting(session, live=proof.candidate.live_sessions, now=now, source=source)
        if replaces is not None:
            statements += self._sessions.replacing(replaces, now=now)
            events.append(
                SessionsEnded(account_id=replaces.account_id, session_id=replaces.id, why="replaced by a log-in")
            )
        family = None
        if transport == "bearer":
            family = self._tokens.new_family(
                session, roles=account.roles, email_verified=account.email_verified, now=now
            )
            statements.append(self._tokens.starting(family))
        claims = await self._claims(family, source=source)
        await self._commit(proof, proof.confirm, statements, events, source=source, now=now)
        return self._entered(proof, replace(account, last_login_at=now), session, family, now, claims)

    async def reauthenticate(
        self,
        *,
        session_id: str,
        password: str,
        source: Source = Source(),  # noqa: B008
        by: Transport | None = None,
        spent: str = "",
    ) -> LogIn:
        """Prove the password again within a session: new ``auth_time``, new tokens or cookie, the old ones dead.

        ``by`` is how the caller came, which must be how the session began: a token exchanged for a cookie never comes
        by a new cookie. ``spent`` is the ``jti`` of the access token that asked, which dies with it (ASVS 7.2.4).
        Raises like :meth:`log_in`, :class:`SessionEnded` when the session is over, and :class:`InvalidRequest`.
        """
        session = await self._live(session_id, by)
        proof = await self._prover.by_account(session.account_id, password, source=source)
        now = self._clock()
        account = proof.candidate.account
        renewed, statements = self._sessions.reauthenticating(session, now=now)
        family = None
        if session.transport == "bearer":
            family = self._tokens.new_family(
                renewed, roles=account.roles, email_verified=account.email_verified, now=now
            )
            statements += self._tokens.replacing(renewed, family, spent=spent, now=now)
        events = [Reauthenticated(account_id=account.id, session_id=session.id)]
        claims = await self._claims(family, source=source)
        await self._commit(proof, proof.confirm, statements, events, source=source, now=now)
        return self._entered(proof, account, renewed, family, now, claims)

    async def change(
        self,
        *,
        session_id: str,
        current_password: str,
        new_password: str,
        source: Source = Source(),  # noqa: B008
        by: Transport | None = None,
    ) -> LogIn:
        """Set another password; the account's other sessions end, this one gets a new cookie if it has one.

        Raises like :meth:`reauthenticate`, and :class:`InvalidFields` when the policy refuses the new password.
        """
        session = await self._live(session_id, by)
        proof = await self._prover.by_account(session.account_id, current_password, source=source)
        account = proof.candidate.account
        try:
            hashed = await self.new_hash(
                new_password, pointer="/new_password", email=account.email, username=account.username
            )
        except InvalidFields:
            await self._database.write(*proof.forgive)  # a weak wish is no wrong guess
            raise
        question = BeforePasswordChange(account_id=account.id, session_id=session.id, ip_prefix=source.ip_prefix)
        await self._pass_gates(question, account_id=account.id, source=source, also=proof.forgive)
        now = self._clock()
        renewed, renewing = self._sessions.renewing(session, now=now)
        changing = store.change(account.id, version=proof.candidate.version, hashed=hashed, now=now)
        statements = [
            *renewing,
            *self._sessions.ending_all(account.id, now=now, but=session.id),
            *self._outbox.telling_owner("password_changed", account.id, source=source, now=now),
        ]
        events = [PasswordChanged(account_id=account.id, session_id=session.id)]
        await self._commit(proof, changing, statements, events, source=source, now=now)
        cookie = self._sessions.cookie(renewed) if session.transport == "cookie" else None
        device = self._limiter.device_token(account.id, version=proof.candidate.version + 1, device=proof.device)
        return LogIn(account, renewed, cookie=cookie, device=device)

    def first(self, account_id: str, *, hashed: str, now: int) -> Statement:
        """Make the statement that gives a new account its password, for the write that makes the account."""
        return store.insert(account_id, hashed=hashed, now=now)

    def importable(self, stored: str) -> str | None:
        """Return what to store for a hash from elsewhere, the pepper around it; ``None`` if it cannot be verified here.

        Parameters beyond the bounds of ``formats.py`` are as good as unreadable: they are an attack on every log-in.
        """
        hasher = self._pool.hasher
        return hasher.wrap(stored) if hasher.is_usable(stored) else None

    def importing(self, hashes: Mapping[str, str], *, now: int) -> Statement:
        """Make the statement that gives many new accounts their passwords, for the write that makes the accounts."""
        return store.insert_many(hashes, now=now)

    def setting(self, account_id: str, *, hashed: str, now: int) -> Statement:
        """Make the statement that sets a password after a proof of another kind, such as a link from a mail."""
        return store.put(account_id, hashed=hashed, now=now)

    def forgetting(self, account_id: str) -> Statement:
        """Make the statement that leaves an account without a password, because somebody else may know it."""
        return store.remove(account_id)

    async def proving(self, account_id: str, password: str, *, source: Source) -> list[Statement]:
        """Prove the present password; return statements for the write of what follows, the first guarded."""
        proof = await self._prover.by_account(account_id, password, source=source)
        return [proof.confirm, *proof.forgive]

    async def by_login(self, login: str) -> Candidate | None:
        """Find whose login it is, with what a log-in needs to know, and prove nothing."""
        row = await store.find_by_login(self._database, login, now=self._clock())
        return None if row is None else candidate_from_row(row)

    async def by_account(self, account_id: str) -> Candidate | None:
        """Find the same for an account that is known already."""
        row = await store.find_by_id(self._database, account_id, now=self._clock())
        return None if row is None else candidate_from_row(row)

    async def export(self, account_id: str) -> dict[str, Any]:
        """Tell what is kept about a password but the hash, for its owner."""
        row = await store.find_history(self._database, account_id)
        return {} if row is None else {"changed_at": row["changed_at"], "failures": row["failures"]}

    async def new_hash(
        self, password: str, *, pointer: str = "/password", email: str | None, username: str | None
    ) -> str:
        """Hash a new password that the policy accepts. Raises :class:`InvalidFields` and :class:`Overloaded`."""
        assessment = await self.assess(password, pointer=pointer, email=email, username=username)
        if not assessment.acceptable:
            raise InvalidFields("password policy", errors=assessment.errors)
        if await self._ranges.knows(normalise(password)):
            raise InvalidFields("known to the range service", errors=[breached_error(pointer)])
        return await self._pool.hash(normalise(password))

    async def assess(
        self,
        password: str,
        *,
        pointer: str = "/password",
        email: str | None = None,
        username: str | None = None,
        source: Source = Source(),  # noqa: B008
    ) -> Assessment:
        """Say what the policy makes of a password, in a thread: the estimate of its strength takes milliseconds.

        Raises :class:`TooManyAttempts` for a network that asks more often than a form does.
        """
        if source.network:
            await self._limiter.count(self._limiter.questions(source.network))
        return await self._assessor.run(
            partial(
                assess,
                password,
                settings=self._settings.passwords,
                email=email,
                username=username,
                service_name=self._settings.service_name,
                blocklist=self._blocklist,
                breached=self._breached,
                pointer=pointer,
            )
        )

    async def failures(self, account_id: str) -> int | None:
        """Count the wrong passwords since the last right one; ``None``: the account has no password."""
        row = await store.find_by_id(self._database, account_id, now=self._clock())
        return None if row is None else row["failures"]

    async def _claims(self, family: Family | None, *, source: Source) -> Mapping[str, Any]:
        """Ask the host what it adds to the access token, before anything is written."""
        return {} if family is None else await self._tokens.claims_for(family, source=source)

    def _entered(
        self,
        proof: Proof,
        account: Account,
        session: Session,
        family: Family | None,
        now: int,
        claims: Mapping[str, Any],
    ) -> LogIn:
        """Write what the session's transport needs, after the commit: a pair of tokens, or the cookie."""
        device = self._limiter.device_token(account.id, version=proof.candidate.version, device=proof.device)
        if family is None:
            return LogIn(account, session, cookie=self._sessions.cookie(session), device=device)
        return LogIn(account, session, tokens=self._tokens.pair(family, now=now, claims=claims), device=device)

    async def _commit(
        self,
        proof: Proof,
        guard: Statement,
        statements: Sequence[Statement],
        events: Sequence[Event],
        *,
        source: Source,
        now: int,
    ) -> None:
        """Write what a right password leads to, all of it or nothing.

        The first two statements say that the password is still that one and the account not disabled; of the rest
        only the session is guarded.
        """
        try:
            results = await self._database.write(
                guard,
                admitting(proof.candidate.account.id, now=now),
                *statements,
                *proof.forgive,
                *(entry(event, now=now, source=source) for event in events),
            )
        except GuardFailed as failed:
            raise _OVERTAKEN.get(failed.index, SessionEnded)("overtaken while the password was checked") from None
        self._sessions.obey(results)
        await self._events.publish(*events)

    async def _live(self, session_id: str, by: Transport | None) -> Session:
        session = await self._sessions.find(session_id)
        if session is None or session.ended_at is not None or self._clock() >= session.expires_at:
            raise SessionEnded("the session is over")
        if by is not None and by != session.transport:
            raise InvalidRequest("exchanged token", detail="This session belongs to a cookie; use it here.")
        return session
