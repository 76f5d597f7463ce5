"""Setting a password by a secret from a mail: for who has forgotten it, and for who was invited.

Asking is answered alike for every login, at the same cost. Redeeming sets the password, proves the address by the same
stroke, ends all sessions and every other open challenge, and tells the owner. It logs nobody in, and second factors
still stand (ASVS 6.4.3). An operator may start a reset and never chooses the password (ASVS 6.4.6).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from doorward.accounts.flows import Accounts, account_from_row, inserting, inviting_again, proving_address
from doorward.accounts.model import Account
from doorward.audit.flows import Asking, entry
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed, Statement
from doorward.errors import InvalidFields, LoginTaken, NotFound, Overloaded
from doorward.foundation import Foundation
from doorward.gates import BeforePasswordChange, BeforeRegistration, RefusedByPolicy
from doorward.hooks import (
    AccountInvited,
    Event,
    InvitationAccepted,
    PasswordReset,
    PasswordResetRequested,
    RolesChanged,
)
from doorward.mail.flows import Outbox
from doorward.passwords.flows import Passwords
from doorward.passwords.model import Candidate
from doorward.sessions.flows import Sessions
from doorward.verification.flows import Answer, Challenges, Sent
from doorward.verification.model import OVERTAKEN, Challenge


class Recovery(Asking):
    """The way back in, and the first way in."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        challenges: Challenges,
        outbox: Outbox,
    ) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._challenges = challenges
        self._outbox = outbox

    # -- resetting ---------------------------------------------------------------------------------------------------

    async def forgot(self, login: str, *, source: Source = Source()) -> Sent:  # noqa: B008
        """Send a link and a code for another password, if there is anybody to send them to.

        Raises :class:`TooManyAttempts`, :class:`Overloaded` and :class:`MailUnavailable`; never whether the login is
        known, disabled or proved.
        """
        await self._challenges.admit(login, source=source)
        found = await self._passwords.by_login(login)
        usable = None if found is None or found.account.disabled_at is not None else found
        return await self._send_reset(usable, "reset_password", source=source)

    async def start(self, account_id: str, *, source: Source = Source()) -> Sent:  # noqa: B008
        """Send an owner a link and a code for another password, because an operator says so.

        Raises :class:`NotFound`, :class:`Overloaded` and :class:`MailUnavailable`.
        """
        await self._outbox.require()
        found = await self._passwords.by_account(account_id)
        if found is None:
            raise NotFound("no such account")
        return await self._send_reset(found, "reset_by_operator", source=source)

    async def reset(self, answer: Answer, new_password: str, *, source: Source = Source()) -> None:  # noqa: B008
        """Set another password by a secret from a mail.

        Raises :class:`ChallengeInvalid`, :class:`TooManyAttempts`, :class:`Overloaded`, and :class:`InvalidFields`
        when the policy refuses the password, which uses nothing up.
        """
        await self._challenges.admit_network(source)
        challenge = await self._challenges.find(answer, "reset", source=source)
        await self._set(challenge, answer, new_password, pointer="/new_password", source=source)

    async def _send_reset(
        self, found: Candidate | None, letter: Literal["reset_password", "reset_by_operator"], *, source: Source
    ) -> Sent:
        now = self._clock()
        account_id = None if found is None else found.account.id
        challenge = self._challenges.new(
            "reset",
            account_id=account_id,
            address="" if found is None else found.account.email,
            payload="" if found is None else str(found.version),  # of the password that is to be replaced
            now=now,
        )
        event = PasswordResetRequested(account_id=account_id)
        await self._database.write(
            *self._challenges.storing(challenge),
            self._challenges.mailing(challenge, letter, source=source, now=now),
            entry(event, now=now, source=source),
        )
        await self._events.publish(event)
        return self._challenges.sent(challenge)

    # -- inviting ----------------------------------------------------------------------------------------------------

    async def invite(
        self,
        email: str,
        *,
        username: str | None = None,
        roles: tuple[str, ...] = (),
        source: Source = Source(),  # noqa: B008
    ) -> Account:
        """Make an account without a password, and send its owner a link and a code to choose one.

        Inviting an address again whose owner has not come yet sends another mail; the last one's secret is dead, and a
        username and roles that are named now take the place of the former ones. An account that a stranger has made
        with the address, and nobody has proved or used, is taken over: nothing that the stranger chose remains.
        Raises :class:`InvalidFields`, :class:`LoginTaken`, :class:`Overloaded` and :class:`MailUnavailable`.
        """
        self._accounts.check_new(email=email, username=username, profile={}, roles=roles)
        await self._outbox.require()
        question = BeforeRegistration(email=email, username=username, profile={}, ip_prefix=source.ip_prefix)
        await self._pass_gates(question, source=source)
        now = self._clock()
        waiting = await self._waiting_for(email)
        account = self._accounts.new(email=email, username=username, profile={}, roles=roles, now=now)
        if waiting is None:
            making = [inserting(account)]
        else:
            account, making = self._inviting_again(waiting, username=username, roles=roles, now=now)
        challenge = self._challenges.new("invite", account_id=account.id, address=account.email, now=now)
        events: list[Event] = [AccountInvited(account_id=account.id)]
        if waiting is not None and waiting.account.roles != account.roles:
            events.append(RolesChanged(account_id=account.id, roles=account.roles))
        try:
            results = await self._database.write(
                *making,
                *self._challenges.storing(challenge),
                self._challenges.mailing(challenge, "invitation", source=source, now=now),
                *[entry(event, now=now, source=source) for event in events],
            )
        except Duplicate as duplicate:
            raise LoginTaken(duplicate.constraint) from None
        except GuardFailed:
            raise LoginTaken("the account was proved, used, disabled or given roles meanwhile") from None
        self._sessions.obey(results)
        await self._events.publish(*events)
        return account

    async def accept(
        self,
        answer: Answer,
        password: str,
        *,
        source: Source = Source(),  # noqa: B008
    ) -> Account:
        """Choose the first password of an account that one was invited to. Raises like :meth:`reset`."""
        await self._challenges.admit_network(source)
        challenge = await self._challenges.find(answer, "invite", source=source)
        return await self._set(challenge, answer, password, pointer="/password", source=source)

    async def _waiting_for(self, email: str) -> Candidate | None:
        """Find who was invited before and has not come yet, or what a stranger has made of the address.

        With a password, an account has to have neither roles nor a past: otherwise there is somebody to take it from.
        """
        found = await self._passwords.by_login(email)
        if found is None or found.account.email_verified or found.account.disabled_at is not None:
            return None
        is_somebodys = bool(found.account.roles) or found.account.last_login_at is not None
        return None if found.stored is not None and is_somebodys else found

    def _inviting_again(
        self, waiting: Candidate, *, username: str | None, roles: tuple[str, ...], now: int
    ) -> tuple[Account, list[Statement]]:
        """Make the account as it is from now on, and the statements: of a stranger's words and secrets none remain."""
        former = waiting.account
        if waiting.stored is None:
            account = replace(former, username=username or former.username, roles=roles or former.roles)
        else:
            account = replace(former, username=username, profile={}, roles=roles)
        return account, [
            self._passwords.forgetting(account.id),
            inviting_again(former, username=account.username, profile=account.profile, roles=account.roles),
            self._challenges.ending_all(account.id, now=now),
            *self._sessions.ending_all(account.id, now=now),
            self._sessions.changing_account(account.id, now=now),
        ]

    # -- both --------------------------------------------------------------------------------------------------------

    async def _set(
        self, challenge: Challenge, answer: Answer, password: str, *, pointer: str, source: Source
    ) -> Account:
        account_id = challenge.account_id or ""
        found = await self._passwords.by_account(account_id)
        if found is None:
            raise await self._challenges.overtaken(challenge, "the account is gone", source=source)
        if challenge.purpose == "reset" and challenge.payload not in (None, str(found.version)):
            why = "the password was changed since the mail was asked for"
            raise await self._challenges.overtaken(challenge, why, source=source)
        account = found.account
        try:
            hashed = await self._passwords.new_hash(
                password, pointer=pointer, email=account.email, username=account.username
            )
            question = BeforePasswordChange(account_id=account_id, session_id="", ip_prefix=source.ip_prefix)
            await self._pass_gates(question, account_id=account_id, source=source)
        except (InvalidFields, Overloaded, RefusedByPolicy):
            await self._challenges.forgive(challenge, answer)
            raise
        now = self._clock()
        event: Event = InvitationAccepted(account_id=account_id)
        telling: Sequence[Statement] = ()
        if challenge.purpose == "reset":
            event = PasswordReset(account_id=account_id)
            telling = self._outbox.telling_owner("password_changed", account_id, source=source, now=now)
        try:
            _, (row,), *results = await self._database.write(
                self._passwords.setting(account_id, hashed=hashed, now=now),
                proving_address(account_id, challenge.address, now=now),
                self._challenges.redeeming(challenge, now=now),
                # The way back to an older address stays open: whoever resets may be the thief.
                self._challenges.ending_all(account_id, now=now, keep="undo"),
                *self._sessions.ending_all(account_id, now=now),
                self._sessions.changing_account(account_id, now=now),
                *telling,
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            raise await self._challenges.overtaken(challenge, OVERTAKEN, source=source) from None
        self._sessions.obey(results)
        await self._events.publish(event)
        return account_from_row(row)
