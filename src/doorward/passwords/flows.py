"""Logging in with a password, proving it again, and changing it.

Load, count, hash once, decide, write once, report. An unknown login, a disabled account and one without a password
cost the same single hash as any other, and the same statements; what is refused is remembered before it is said.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import assert_never

from doorward.accounts.flows import account_from_row, admitting
from doorward.accounts.model import Account, login_key
from doorward.audit.flows import entry
from doorward.core.clock import Clock
from doorward.core.source import Source
from doorward.db import Database, GuardFailed, Row, Statement
from doorward.errors import (
    AccountDisabled,
    EmailNotVerified,
    InvalidCredentials,
    InvalidFields,
    NotFound,
    Overloaded,
    Problem,
    SessionEnded,
)
from doorward.hooks import Event, Events, PasswordChanged, Reauthenticated, SignedIn, SignInRefused
from doorward.passwords import store
from doorward.passwords.blocklist import Blocklist
from doorward.passwords.model import Admit, Candidate, Refuse, decide_login
from doorward.passwords.policy import Assessment, assess, normalise
from doorward.passwords.pool import HashingPool
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session, Transport
from doorward.settings import Settings
from doorward.tokens.flows import TokenPair, Tokens
from doorward.web.limits import Limiter

KNOWLEDGE = ("pwd",)
"""``amr`` of a log-in by password (RFC 8176 §2)."""

_ANSWERS: dict[str, type[Problem]] = {
    problem.code: problem for problem in (InvalidCredentials, AccountDisabled, EmailNotVerified)
}


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in that has happened. Exactly one of ``tokens`` and ``cookie`` is there, by the transport."""

    account: Account
    session: Session
    tokens: TokenPair | None = None
    cookie: str | None = field(default=None, repr=False)


class Passwords:
    """What people know."""

    def __init__(
        self,
        *,
        database: Database,
        settings: Settings,
        pool: HashingPool,
        blocklist: Blocklist,
        limiter: Limiter,
        sessions: Sessions,
        tokens: Tokens,
        events: Events,
        clock: Clock,
    ) -> None:
        """Take what is needed; nothing happens yet."""
        self._database = database
        self._settings = settings
        self._pool = pool
        self._blocklist = blocklist
        self._limiter = limiter
        self._sessions = sessions
        self._tokens = tokens
        self._events = events
        self._clock = clock

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
        right password), :class:`TooManyAttempts`, :class:`Overloaded`.
        """
        now = self._clock()
        admitted, forgiven = await self._prove(login=login, password=password, source=source, now=now)
        account = admitted.candidate.account
        session = self._sessions.new(
            account.id, transport=transport, remember=remember, amr=KNOWLEDGE, source=source, now=now
        )
        event = SignedIn(account_id=account.id, session_id=session.id, amr=KNOWLEDGE)
        statements = [
            admitting(account.id, now=now),
            *self._sessions.starting(session, live=admitted.candidate.live_sessions, now=now),
        ]
        family = None
        if transport == "bearer":
            family = self._tokens.new_family(
                session, roles=account.roles, email_verified=account.email_verified, now=now
            )
            statements.append(self._tokens.starting(family))
        await self._commit(admitted, password, statements, event, forgiven, source=source, now=now)
        if replaces is not None:
            await self._end_replaced(replaces, source)
        account = replace(account, last_login_at=now)
        if family is None:
            return LogIn(account, session, cookie=self._sessions.cookie(session))
        return LogIn(account, session, tokens=self._tokens.pair(family, now=now))

    async def reauthenticate(
        self,
        *,
        session_id: str,
        password: str,
        source: Source = Source(),  # noqa: B008
        spent: str = "",
    ) -> LogIn:
        """Prove the password again within a session: new ``auth_time``, new tokens or cookie, the old ones dead.

        ``spent`` is the ``jti`` of the access token that asked, which dies with it (ASVS 7.2.4). Raises like
        :meth:`log_in`, and :class:`SessionEnded` when the session is over.
        """
        now = self._clock()
        session = await self._live(session_id, now)
        admitted, forgiven = await self._prove(account_id=session.account_id, password=password, source=source, now=now)
        account = admitted.candidate.account
        renewed, statement = self._sessions.reauthenticating(session, now=now)
        statements = [admitting(account.id, now=now), statement]
        family = None
        if session.transport == "bearer":
            family = self._tokens.new_family(
                renewed, roles=account.roles, email_verified=account.email_verified, now=now
            )
            statements += self._tokens.replacing(renewed, family, spent=spent, now=now)
        event = Reauthenticated(account_id=account.id, session_id=session.id)
        await self._commit(admitted, password, statements, event, forgiven, source=source, now=now)
        if family is None:
            return LogIn(account, renewed, cookie=self._sessions.cookie(renewed))
        return LogIn(account, renewed, tokens=self._tokens.pair(family, now=now))

    async def change(
        self,
        *,
        session_id: str,
        current_password: str,
        new_password: str,
        source: Source = Source(),  # noqa: B008
    ) -> LogIn:
        """Set another password; the account's other sessions end, this one gets a new cookie if it has one.

        Raises like :meth:`reauthenticate`, and :class:`InvalidFields` when the policy refuses the new password.
        """
        now = self._clock()
        session = await self._live(session_id, now)
        admitted, forgiven = await self._prove(
            account_id=session.account_id, password=current_password, source=source, now=now
        )
        account = admitted.candidate.account
        hashed = await self.new_hash(
            new_password, pointer="/new_password", email=account.email, username=account.username
        )
        renewed, renewing = self._sessions.renewing(session)
        event = PasswordChanged(account_id=account.id, session_id=session.id)
        try:
            results = await self._database.write(
                store.change(account.id, seen=admitted.stored, hashed=hashed, now=now),
                admitting(account.id, now=now),
                renewing,
                *self._sessions.ending_all(account.id, now=now, but=session.id),
                *forgiven,
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            raise InvalidCredentials("the account changed while the password was being checked") from None
        self._sessions.obey(results)
        await self._events.publish(event)
        cookie = self._sessions.cookie(renewed) if session.transport == "cookie" else None
        return LogIn(account, renewed, cookie=cookie)

    def first(self, account_id: str, *, hashed: str, now: int) -> Statement:
        """Make the statement that gives a new account its password, for the write that makes the account."""
        return store.insert(account_id, hashed=hashed, now=now)

    async def new_hash(
        self, password: str, *, pointer: str = "/password", email: str | None, username: str | None
    ) -> str:
        """Hash a new password that the policy accepts. Raises :class:`InvalidFields` and :class:`Overloaded`."""
        assessment = await self.assess(password, pointer=pointer, email=email, username=username)
        if not assessment.acceptable:
            raise InvalidFields("password policy", errors=assessment.errors)
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
        return await asyncio.to_thread(
            assess,
            password,
            settings=self._settings.passwords,
            email=email,
            username=username,
            service_name=self._settings.service_name,
            blocklist=self._blocklist,
            pointer=pointer,
        )

    async def failures(self, account_id: str) -> int | None:
        """Count the wrong passwords since the last right one; ``None``: the account has no password."""
        row = await store.find_by_id(self._database, account_id, now=self._clock())
        return None if row is None else row["failures"]

    # -- proving -----------------------------------------------------------------------------------------------------

    async def _prove(
        self, *, login: str = "", account_id: str = "", password: str, source: Source, now: int
    ) -> tuple[Admit, list[Statement]]:
        """Count the try, hash once, decide; remember a refusal and raise it, or return what was proved.

        The statements returned beside it give the counted try back and belong into the write that follows.
        """
        row = None
        if account_id:
            row = await store.find_by_id(self._database, account_id, now=now)
            login = row["email"] if row is not None else account_id
        account_bucket = self._limiter.account(login_key(login))
        network = [self._limiter.network(source.network)] if source.network else []
        await self._limiter.count(account_bucket, *network)
        if not account_id:
            row = await store.find_by_login(self._database, login, now=now)
        candidate = None if row is None else _candidate(row)
        stored = None if candidate is None else candidate.stored
        verified = await self._pool.verify(stored, normalise(password))
        decision = decide_login(candidate, verified=verified, settings=self._settings.accounts)
        match decision:
            case Admit():
                return decision, self._limiter.forgiving(account_bucket, *network)
            case Refuse(why, of, answer):
                event = SignInRefused(account_id=of, why=why)
                await self._database.write(store.fail(of or ""), entry(event, now=now, source=source))
                await self._events.publish(event)
                raise _ANSWERS[answer](why)
            case _:  # pragma: no cover - mypy proves it
                assert_never(decision)

    async def _commit(
        self,
        admitted: Admit,
        password: str,
        statements: list[Statement],
        event: Event,
        forgiven: list[Statement],
        *,
        source: Source,
        now: int,
    ) -> None:
        """Write what a right password leads to, with a better hash where one is due (the only moment we can)."""
        account = admitted.candidate.account
        replacement = await self._better_hash(admitted.stored, normalise(password))
        try:
            results = await self._database.write(
                store.confirm(account.id, seen=admitted.stored, replacement=replacement),
                *statements,
                *forgiven,
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            raise InvalidCredentials("the account changed while the password was being checked") from None
        self._sessions.obey(results)
        await self._events.publish(event)

    async def _better_hash(self, stored: str, password: str) -> str:
        """Return the hash to keep: one of today's cost where it is due and there is room, else the one there is."""
        if self._pool.needs_rehash(stored, password):
            with contextlib.suppress(Overloaded):
                return await self._pool.hash(password)
        return stored

    async def _live(self, session_id: str, now: int) -> Session:
        session = await self._sessions.find(session_id)
        if session is None or session.ended_at is not None or now >= session.expires_at:
            raise SessionEnded("the session is over")
        return session

    async def _end_replaced(self, session: Session, source: Source) -> None:
        try:
            await self._sessions.end(
                session.id, account_id=session.account_id, why="replaced by a log-in", source=source
            )
        except NotFound:
            return


def _candidate(row: Row) -> Candidate:
    return Candidate(account=account_from_row(row), stored=row["hash"], live_sessions=row["live_sessions"])
