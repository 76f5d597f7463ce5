"""Registering where an address must be proved: nobody is told whether it is known here already.

Whoever registers gets the same answer, at the same cost. An unknown address gets an account that waits; the owner of a
known one gets a mail saying so. A new account whose address nobody has proved yet belongs to nobody: another
registration of the same address is kept beside the first, with its own password, and the one that is proved first
counts. So whoever registers somebody else's address in advance holds nothing when the owner comes (better-auth
CVE-2026-53516).
"""

import json
from typing import Any

from doorward.accounts import store
from doorward.accounts.flows import Accounts, FirstPassword
from doorward.accounts.model import Account
from doorward.audit.flows import Asking, entry
from doorward.core.source import Source
from doorward.db import Duplicate, Statement
from doorward.errors import LoginTaken
from doorward.foundation import Foundation
from doorward.gates import BeforeRegistration
from doorward.hooks import Event, Registered, RegistrationRepeated
from doorward.mail.flows import Outbox, language_of
from doorward.verification.flows import Challenges, Sent
from doorward.verification.model import Challenge

_BY_EMAIL = "account.email_key"


class Registration(Asking):
    """How people come in."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        accounts: Accounts,
        passwords: FirstPassword,
        challenges: Challenges,
        outbox: Outbox,
    ) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._accounts = accounts
        self._passwords = passwords
        self._challenges = challenges
        self._outbox = outbox

    async def sign_up(
        self,
        *,
        email: str,
        password: str,
        username: str | None = None,
        profile: dict[str, Any] | None = None,
        source: Source = Source(),  # noqa: B008
    ) -> Sent:
        """Register; the address has to be proved by what is mailed to it.

        Raises :class:`InvalidFields`, :class:`LoginTaken` for a username only, :class:`TooManyAttempts`,
        :class:`Overloaded`, :class:`MailUnavailable` and :class:`RefusedByPolicy`.
        """
        profile = profile or {}
        self._accounts.check_new(email=email, username=username, profile=profile)
        await self._challenges.admit(email, source=source)
        question = BeforeRegistration(email=email, username=username, profile=profile, ip_prefix=source.ip_prefix)
        await self._pass_gates(question, source=source)
        hashed = await self._passwords.new_hash(password, email=email, username=username)
        while True:
            known, named = await store.standing(self._database, email, username)
            if named is not None and not _may_take_over(known, named):
                raise LoginTaken("username")
            challenge, statements, event = self._decide(
                known, email=email, username=username, profile=profile, hashed=hashed, source=source
            )
            try:
                await self._database.write(*statements)
            except Duplicate as duplicate:
                if duplicate.constraint == _BY_EMAIL:
                    continue  # somebody was quicker by a moment: now the address is known
                raise LoginTaken(duplicate.constraint) from None
            await self._events.publish(event)
            return self._challenges.sent(challenge)

    def _decide(
        self,
        known: Account | None,
        *,
        email: str,
        username: str | None,
        profile: dict[str, Any],
        hashed: str,
        source: Source,
    ) -> tuple[Challenge, list[Statement], Event]:
        """Choose among an account that waits, another registration beside it, and a mail to the owner."""
        now = self._clock()
        event: Event
        if known is None:
            account = self._accounts.new(email=email, username=username, profile=profile, now=now)
            challenge = self._challenges.new("verify", account_id=account.id, address=email, now=now)
            event = Registered(account_id=account.id)
            first = [
                store.insert(account, language=language_of(source, self._settings)),
                self._passwords.first(account.id, hashed=hashed, now=now),
            ]
            mail = self._challenges.mailing(challenge, "verify_address", source=source, now=now)
        elif known.email_verified or known.disabled_at is not None or _is_somebodys(known):
            challenge = self._challenges.new("verify", account_id=None, address=email, now=now)
            event = RegistrationRepeated(account_id=known.id)
            first = [store.nothing(), store.nothing()]
            mail = self._outbox.sending("address_known", to=known.email, account_id=known.id, source=source, now=now)
        else:
            payload = json.dumps(
                {
                    "hash": hashed,
                    "username": username,
                    "profile": profile,
                    "language": language_of(source, self._settings),
                }
            )
            challenge = self._challenges.new(
                "verify", account_id=known.id, address=known.email, now=now, payload=payload
            )
            event = RegistrationRepeated(account_id=known.id)
            first = [store.nothing(), store.nothing()]
            mail = self._challenges.mailing(challenge, "verify_address", source=source, now=now)
        return (
            challenge,
            [*first, *self._challenges.storing(challenge, supersede=False), mail, entry(event, now=now, source=source)],
            event,
        )


def _is_somebodys(account: Account) -> bool:
    """Tell whether an account whose address nobody has proved has something to take: roles, or a past.

    An operator invited its owner or brought it in from elsewhere, or addresses needed no proof before. One click on a
    mail that a stranger asked for must not open it with the stranger's password; the owner comes in by a reset.
    """
    return bool(account.roles) or account.last_login_at is not None


def _may_take_over(known: Account | None, named: str) -> bool:
    """Tell whether the name belongs to the very account that waits for its address to be proved."""
    return known is not None and known.id == named and not known.email_verified and not _is_somebodys(known)
