"""Logging in with a link or a code from a mail: off by default, one factor, never a second one.

E-mail is no out-of-band authenticator (NIST SP 800-63B-4 §3.1.3.1, ASVS 6.3.6), so such a session is of the first
assurance level and says ``email`` in its ``amr``. Who reads the mail owns the address: where it was not proved before,
a password that somebody else may have chosen is dead, and so are the sessions made with it (better-auth
CVE-2026-53516).
"""

from collections.abc import Sequence
from typing import Final

from doorward.accounts.flows import account_from_row, admitting, proving_address
from doorward.audit.flows import Asking, entry
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import NotFound
from doorward.foundation import Foundation
from doorward.gates import BeforeLogin, RefusedByPolicy
from doorward.hooks import Event, SessionsEnded, SignedIn, SignInLinkRequested
from doorward.limits.flows import Limiter
from doorward.passwords.flows import LogIn, Passwords
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session, Transport
from doorward.tokens.flows import Tokens
from doorward.verification.flows import Answer, Challenges, Sent
from doorward.verification.model import OVERTAKEN, Challenge

POSSESSION: Final = ("email",)
"""``amr`` of such a log-in. RFC 8176 has no name for it; ``email`` is what others say."""


class SignInLinks(Asking):
    """The way in without a password."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        passwords: Passwords,
        sessions: Sessions,
        tokens: Tokens,
        limiter: Limiter,
        challenges: Challenges,
    ) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._passwords = passwords
        self._sessions = sessions
        self._tokens = tokens
        self._limiter = limiter
        self._challenges = challenges

    async def send(self, login: str, *, source: Source = Source()) -> Sent:  # noqa: B008
        """Send a link and a code, if there is anybody to send them to; answered alike for every login.

        Raises :class:`NotFound` where this way is not offered, :class:`TooManyAttempts`, :class:`Overloaded` and
        :class:`MailUnavailable`.
        """
        self._require_offered()
        await self._challenges.admit(login, source=source)
        found = await self._passwords.by_login(login)
        account = None if found is None or found.account.disabled_at is not None else found.account
        now = self._clock()
        account_id = None if account is None else account.id
        challenge = self._challenges.new(
            "sign_in", account_id=account_id, address="" if account is None else account.email, now=now
        )
        event = SignInLinkRequested(account_id=account_id)
        await self._database.write(
            *self._challenges.storing(challenge),
            self._challenges.mailing(challenge, "sign_in", source=source, now=now),
            entry(event, now=now, source=source),
        )
        await self._events.publish(event)
        return self._challenges.sent(challenge)

    async def redeem(
        self,
        answer: Answer,
        *,
        transport: Transport = "bearer",
        remember: bool = False,
        source: Source = Source(),  # noqa: B008
        replaces: Session | None = None,
    ) -> LogIn:
        """Start a session for whoever has the secret. ``replaces`` is a live cookie session to end.

        Raises :class:`ChallengeInvalid`, :class:`RefusedByPolicy`, :class:`TooManyAttempts`, and :class:`NotFound`
        where it is not offered.
        """
        self._require_offered()
        await self._challenges.admit_network(source)
        challenge = await self._challenges.find(answer, "sign_in", source=source)
        candidate = await self._passwords.by_account(challenge.account_id or "")
        if candidate is None:
            raise await self._challenges.overtaken(challenge, "the account is gone", source=source)
        account = candidate.account
        question = BeforeLogin(
            account_id=account.id,
            email=account.email,
            roles=account.roles,
            amr=POSSESSION,
            ip_prefix=source.ip_prefix,
            user_agent=source.user_agent,
        )
        try:
            await self._pass_gates(question, account_id=account.id, source=source)
        except RefusedByPolicy:
            await self._challenges.forgive(challenge, answer)
            raise
        now = self._clock()
        session = self._sessions.new(
            account.id, transport=transport, remember=remember, amr=POSSESSION, source=source, now=now
        )
        statements: list[Statement] = []
        if not account.email_verified:
            statements += [self._passwords.forgetting(account.id)]
        proving_at = len(statements)
        statements += [
            proving_address(account.id, challenge.address, now=now),
            admitting(account.id, now=now),
            self._challenges.redeeming(challenge, now=now),
        ]
        if not account.email_verified:
            statements += [self._challenges.ending_all(account.id, now=now)]
            statements += [
                *self._sessions.ending_all(account.id, now=now),
                self._sessions.changing_account(account.id, now=now),
            ]
        statements += self._sessions.starting(session, live=candidate.live_sessions, now=now, source=source)
        events: list[Event] = [SignedIn(account_id=account.id, session_id=session.id, amr=POSSESSION)]
        if replaces is not None:
            statements += self._sessions.replacing(replaces, now=now)
            events.append(
                SessionsEnded(account_id=replaces.account_id, session_id=replaces.id, why="replaced by a log-in")
            )
        family = None
        if transport == "bearer":
            family = self._tokens.new_family(session, roles=account.roles, email_verified=True, now=now)
            statements.append(self._tokens.starting(family))
        claims = {} if family is None else await self._tokens.claims_for(family, source=source)
        results = await self._write(challenge, statements, events, source=source, now=now)
        proved = account_from_row(results[proving_at][0])
        version = candidate.version if account.email_verified else 0  # of the password that is still there
        known = self._limiter.recognise(source, account.id, version=version)
        device = self._limiter.device_token(account.id, version=version, device=known)
        if family is None:
            return LogIn(proved, session, cookie=self._sessions.cookie(session), device=device)
        return LogIn(proved, session, tokens=self._tokens.pair(family, now=now, claims=claims), device=device)

    async def _write(
        self,
        challenge: Challenge,
        statements: Sequence[Statement],
        events: Sequence[Event],
        *,
        source: Source,
        now: int,
    ) -> list[list[Row]]:
        try:
            results = await self._database.write(
                *statements, *(entry(event, now=now, source=source) for event in events)
            )
        except GuardFailed:
            raise await self._challenges.overtaken(challenge, OVERTAKEN, source=source) from None
        self._sessions.obey(results)
        await self._events.publish(*events)
        return results

    def _require_offered(self) -> None:
        if not self._settings.verification.sign_in_links:
            raise NotFound("logging in by mail is not offered")
