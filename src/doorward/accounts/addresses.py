"""An account's address: proving it, asking for another mail, changing it, and taking a change back.

Every secret is bound to its purpose, its account and its address, and is redeemed in the write of what it is for. The
order of the locks is the same everywhere: password, account, challenge, sessions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from doorward.accounts import store
from doorward.accounts.flows import Accounts, FirstPassword
from doorward.accounts.leaving import Leaving
from doorward.accounts.model import Account, check_email
from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed, Row, Statement
from doorward.errors import FieldError, InvalidFields, LoginTaken
from doorward.foundation import Flows, Foundation
from doorward.hooks import EmailChanged, EmailChangeRequested, EmailChangeUndone, EmailVerified, Event
from doorward.mail.flows import Outbox
from doorward.sessions.flows import Sessions
from doorward.verification.flows import Answer, Challenges, Sent
from doorward.verification.model import OVERTAKEN, Challenge


@dataclass(frozen=True, slots=True)
class _Write:
    """What a redeemed challenge leads to, and which of its statements returns the account."""

    statements: Sequence[Statement]
    account_at: int


class Addresses(Flows):
    """Who can be reached where."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        accounts: Accounts,
        sessions: Sessions,
        passwords: FirstPassword,
        challenges: Challenges,
        outbox: Outbox,
        leaving: Leaving,
    ) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._challenges = challenges
        self._outbox = outbox
        self._leaving = leaving

    # -- proving -----------------------------------------------------------------------------------------------------

    async def verify(self, answer: Answer, *, source: Source = Source()) -> Account:  # noqa: B008
        """Take a secret from a mail as the proof of an address: a new account's, or the one to change to.

        Raises :class:`ChallengeInvalid`, :class:`TooManyAttempts`, and :class:`LoginTaken` when somebody else has
        proved the new address meanwhile, or an account with roles or a disabled one waits for its owner there.
        """
        await self._challenges.admit_network(source)
        challenge = await self._challenges.find(answer, "verify", "change", source=source)
        if _is_taken(challenge):
            why = "the new address was somebody else's when it was asked for"
            raise await self._challenges.overtaken(challenge, why, source=source)
        now = self._clock()
        account_id = challenge.account_id or ""
        event: Event
        told: Sequence[Event] = ()
        if challenge.purpose == "change":
            event = EmailChanged(account_id=account_id)
            write, told = await self._changing(challenge, source=source, now=now)
        else:
            event = EmailVerified(account_id=account_id, replaced=challenge.payload is not None)
            write = self._proving(challenge, now=now)
        results = await self._write(challenge, write.statements, event, told=told, source=source, now=now)
        return store.from_row(results[write.account_at][0])

    async def resend(self, *, challenge_id: str, source: Source = Source()) -> Sent:  # noqa: B008
        """Send another mail for a challenge of a registration or a change; the last one's secret is dead.

        The answer is the same for every id. Raises :class:`TooManyAttempts` and :class:`Overloaded`.
        """
        found = await self._challenges.peek(challenge_id)
        await self._challenges.admit(_counted_by(challenge_id, found), source=source)
        if found is None or found.purpose not in ("verify", "change") or found.ended_at is not None:
            found = None
        now = self._clock()
        target = found or self._challenges.new("verify", account_id=None, address="", now=now)
        letter = "confirm_new_address" if target.purpose == "change" else "verify_address"
        await self._database.write(
            self._challenges.renewing(target, now=now),
            self._challenges.mailing(
                replace(target, account_id=None) if _is_taken(target) else target, letter, source=source, now=now
            ),
        )
        return Sent(challenge_id, self._challenges.sent(target).expires_in)

    async def resend_to(self, *, email: str, source: Source = Source()) -> Sent:  # noqa: B008
        """Send another mail to an address that waits to be proved; the answer is the same for every address.

        Where several people have registered with it, whoever reads the mail chooses the password: what others have
        chosen must not take effect by a link that the owner asked for.
        """
        await self._challenges.admit(email, source=source)
        account, _ = await store.standing(self._database, email, None)
        waits = account is not None and not account.email_verified and account.disabled_at is None
        account_id = account.id if account is not None and waits else None
        open_ones = [
            one for one in await self._challenges.of_account(account_id or "")
            if one.purpose == "verify" and one.ended_at is None
        ]  # fmt: skip
        now = self._clock()
        address = email if account is None or not waits else account.email
        own = next((one for one in open_ones if one.payload is None), None)
        if any(one.payload is not None for one in open_ones):
            target, letter = (
                self._challenges.new("reset", account_id=account_id, address=address, now=now),
                "reset_password",
            )
            statements = self._challenges.storing(target)
        elif own is not None:
            target, letter = own, "verify_address"
            statements = [store.nothing(), self._challenges.renewing(own, now=now)]
        else:
            target, letter = (
                self._challenges.new("verify", account_id=account_id, address=address, now=now),
                "verify_address",
            )
            statements = self._challenges.storing(target, supersede=True)
        await self._database.write(*statements, self._challenges.mailing(target, letter, source=source, now=now))
        return Sent(target.id, self._settings.verification.address_lifetime)

    def _proving(self, challenge: Challenge, *, now: int) -> _Write:
        account_id = challenge.account_id or ""
        proving = [
            store.prove_first(account_id, challenge.address, now=now),
            self._challenges.redeeming(challenge, now=now),
            self._challenges.ending_all(account_id, now=now),
        ]
        if challenge.payload is None:
            return _Write(proving, 0)
        chosen = json.loads(challenge.payload)
        return _Write(
            [
                self._passwords.setting(account_id, hashed=chosen["hash"], now=now),
                *proving,
                store.adopt(
                    account_id, username=chosen["username"], profile=chosen["profile"], language=chosen["language"]
                ),
                *self._sessions.ending_all(account_id, now=now),
            ],
            4,
        )

    # -- changing ----------------------------------------------------------------------------------------------------

    async def request_change(
        self,
        account_id: str,
        *,
        new_email: str,
        session_id: str | None = None,
        source: Source = Source(),  # noqa: B008
    ) -> Sent:
        """Ask for another address, after a fresh log-in; both addresses are told, and nothing changes yet.

        Raises :class:`InvalidFields`, :class:`NotFound`, :class:`TooManyAttempts`, :class:`Overloaded` and
        :class:`MailUnavailable`. Whether the address is known here is not told.
        """
        if check_email(new_email) is not None:
            error = FieldError("/new_email", "invalid_email", "This is not an e-mail address.")
            raise InvalidFields("change of address", errors=[error])
        await self._challenges.admit(new_email, source=source)
        account = await self._accounts.find(account_id)
        other, _ = await store.standing(self._database, new_email, None)
        taken = other is not None and other.id != account_id and other.email_verified
        now = self._clock()
        undo = self._challenges.new("undo", account_id=account_id, address=account.email, now=now)
        # A wish for an address that somebody else has proved is kept like any other, so that nothing that its asker
        # sees tells: not what it ends, nor a copy of the data. Its secret leaves by no mail, and would prove nothing.
        payload = json.dumps({"from": account.email, "undo": undo.id, "taken": taken})
        change = self._challenges.new("change", account_id=account_id, address=new_email, now=now, payload=payload)
        event = EmailChangeRequested(account_id=account_id, session_id=session_id)
        if other is not None and taken:
            mail = self._outbox.sending("address_known", to=other.email, account_id=other.id, source=source, now=now)
        else:
            mail = self._challenges.mailing(change, "confirm_new_address", source=source, now=now)
        await self._database.write(
            # A newer wish replaces an older one, but never its undoing: whoever took an account over must not be able
            # to take the way back away from its owner.
            *self._challenges.storing(change),
            *self._challenges.storing(undo, supersede=False),
            mail,
            *self._outbox.telling_owner(
                "address_change_requested",
                account_id,
                challenge_id=undo.id,
                address=masked(new_email),
                source=source,
                now=now,
            ),
            entry(event, now=now, source=source),
        )
        await self._events.publish(event)
        return self._challenges.sent(change)

    async def undo(self, answer: Answer, *, source: Source = Source()) -> None:  # noqa: B008
        """Stop a change, or take it back, from the old address.

        Whoever wanted the change was logged in, so all sessions end and the password is dead; the old address gets a
        mail with which to set another one. Raises like :meth:`verify`.
        """
        await self._challenges.admit_network(source)
        challenge = await self._challenges.find(answer, "undo", source=source)
        now = self._clock()
        account_id = challenge.account_id or ""
        evicting, told = await self._leaving.making_room(challenge.address, but=account_id, source=source, now=now)
        reset = self._challenges.new("reset", account_id=account_id, address=challenge.address, now=now)
        statements = [
            self._passwords.forgetting(account_id),
            *evicting,
            store.change_email(account_id, challenge.address, present=None, now=now),
            self._challenges.redeeming(challenge, now=now),
            self._challenges.ending_all(account_id, now=now, keep="undo"),
            self._challenges.ending_later(challenge, now=now),
            *self._challenges.storing(reset),
            self._challenges.mailing(reset, "address_restored", source=source, now=now),
            *self._sessions.ending_all(account_id, now=now),
        ]
        await self._write(
            challenge, statements, EmailChangeUndone(account_id=account_id), told=told, source=source, now=now
        )

    async def _changing(self, challenge: Challenge, *, source: Source, now: int) -> tuple[_Write, list[Event]]:
        account_id = challenge.account_id or ""
        wish = json.loads(challenge.payload or "{}")
        evicting, told = await self._leaving.making_room(challenge.address, but=account_id, source=source, now=now)
        write = _Write(
            [
                *evicting,
                store.change_email(account_id, challenge.address, present=wish["from"], now=now),
                self._challenges.redeeming(challenge, now=now),
                self._challenges.ending_all(account_id, now=now, keep="undo"),
                self._outbox.sending(
                    "address_changed",
                    to=wish["from"],
                    account_id=account_id,
                    challenge_id=wish["undo"],
                    address=masked(challenge.address),
                    source=source,
                    now=now,
                ),
            ],
            len(evicting),
        )
        return write, told

    async def _write(
        self,
        challenge: Challenge,
        statements: Sequence[Statement],
        event: Event,
        *,
        told: Sequence[Event],
        source: Source,
        now: int,
    ) -> list[list[Row]]:
        try:
            results = await self._database.write(
                *statements,
                self._sessions.changing_account(event.account_id or "", now=now),
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            raise await self._challenges.overtaken(challenge, OVERTAKEN, source=source) from None
        except Duplicate as duplicate:
            raise LoginTaken(duplicate.constraint) from None
        self._sessions.obey(results)
        await self._events.publish(*told, event)
        return results


def _is_taken(challenge: Challenge) -> bool:
    """Tell whether a wish was for an address that somebody else had proved already."""
    return challenge.purpose == "change" and json.loads(challenge.payload or "{}").get("taken") is True


def _counted_by(challenge_id: str, found: Challenge | None) -> str:
    """Name what sending a challenge's mail again counts by: the address, like every other way to send one there.

    A decoy has one for that, and what is over or leads to a reset by now is counted like what is not. Only what was
    asked for by a login (``payload`` says so) has no address in common with its decoy.
    """
    by_address = found is not None and (
        found.purpose in ("verify", "change") or (found.purpose == "reset" and found.payload is None)
    )
    return found.address if found is not None and by_address else challenge_id


def masked(address: str) -> str:
    """Write an address so that its owner knows it and a stranger's words are not carried into a mail."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}…@{domain}"
