"""Sending and redeeming challenges, for the flows that have a purpose for them.

A flow asks for a new challenge and puts the statements into its own write, together with the mail that carries it. When
the secret comes back, :meth:`Challenges.find` says whose it is without using anything up, and the flow's own write
redeems it by one guarded statement. Whatever is wrong with a secret, the answer is the same ``challenge_invalid``.
"""

import hmac
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.accounts.model import login_key
from doorward.audit.flows import entry
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.core.opaque import HANDLE_BYTES, Opaque, seal, unseal
from doorward.core.source import Source
from doorward.db import Statement
from doorward.foundation import Flows, Foundation
from doorward.hooks import ChallengeRefused
from doorward.limits.flows import Limiter
from doorward.mail.flows import Outbox
from doorward.mail.model import Revealed
from doorward.verification import store
from doorward.verification.model import (
    PAGES,
    PREFIXES,
    Challenge,
    ChallengeInvalid,
    Purpose,
    code_purpose,
    derive_code,
    lifetime_of,
    read_code,
)

KEPT: Final = 7 * 86_400
"""Seconds for which a challenge that is over can still be asked for anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody brings back from a mail: the token of the link, or the challenge's id and the code."""

    token: str | None = field(default=None, repr=False)
    challenge: str | None = None
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """What whoever asked for a mail is told, whether there was anybody to send one to or not."""

    challenge: str
    expires_in: int


class Challenges(Flows):
    """The challenges of an instance."""

    def __init__(self, foundation: Foundation, *, outbox: Outbox, limiter: Limiter) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._outbox = outbox
        self._limiter = limiter

    # -- sending -----------------------------------------------------------------------------------------------------

    async def admit(self, login: str, *, source: Source) -> None:
        """Count a request for a mail, by network and by what was typed.

        Raises :class:`MailUnavailable`, :class:`Overloaded` and :class:`TooManyAttempts`.
        """
        await self._outbox.require()
        if source.network:
            await self._limiter.admit(self._limiter.recovery(login_key(login), source))

    async def admit_network(self, source: Source) -> None:
        """Count something that a network does to mails and their secrets. Raises :class:`TooManyAttempts`."""
        if source.network:
            await self._limiter.count(self._limiter.network(source.network))

    def new(
        self, purpose: Purpose, *, account_id: str | None, address: str, now: int, payload: str | None = None
    ) -> Challenge:
        """Make a challenge that is not stored yet; without an account it is a decoy.

        A decoy has an address only where it may be asked for again, because asking is counted by the address.
        """
        return Challenge(
            id=new_identifier("chl", self._entropy),
            handle=self._entropy(HANDLE_BYTES),
            generation=1,
            key_id=self._ring.newest_id,
            purpose=purpose,
            account_id=account_id,
            address=address,
            payload=payload,
            tries=0,
            created_at=now,
            expires_at=now + lifetime_of(purpose, self._settings.verification),
            ended_at=None,
        )

    def storing(self, challenge: Challenge, *, supersede: bool = True) -> list[Statement]:
        """Make the statements that store a challenge in place of older ones of its purpose and account."""
        ending = store.end_purpose(challenge.account_id or "", challenge.purpose, now=challenge.created_at)
        return [*([ending] if supersede else []), store.insert(challenge)]

    def renewing(self, challenge: Challenge, *, now: int) -> Statement:
        """Make the statement by which the next mail's link and code replace those of the last one."""
        return store.renew(
            challenge.id,
            generation=challenge.generation,
            key_id=self._ring.newest_id,
            now=now,
            expires_at=now + lifetime_of(challenge.purpose, self._settings.verification),
        )

    def mailing(self, challenge: Challenge, letter: str, *, source: Source, now: int) -> Statement:
        """Make the statement that queues the mail with a challenge; for a decoy one that costs the same."""
        return self._outbox.sending(
            letter,
            to=challenge.address,
            account_id=challenge.account_id,
            challenge_id=challenge.id,
            source=source,
            now=now,
            decoy=challenge.account_id is None,
        )

    def sent(self, challenge: Challenge) -> Sent:
        """Say what the asker is told."""
        return Sent(challenge.id, lifetime_of(challenge.purpose, self._settings.verification))

    async def reveal(self, challenge_id: str) -> Revealed | None:
        """Derive the link and the code of a live challenge, for the mail that carries them and for nobody else."""
        challenge = await store.find(self._database, challenge_id)
        if challenge is None or not challenge.is_live(self._clock()):
            return None
        key = self._ring.key(challenge.key_id, code_purpose(challenge.purpose))
        if key is None:
            return None
        token = seal(self._ring, PREFIXES[challenge.purpose], Opaque(challenge.handle, challenge.generation))
        # The secret is behind the '#': no server, proxy or log sees it, and no Referer carries it (ASVS 14.2.1).
        link = f"{self._settings.issuer}{PAGES[challenge.purpose]}?challenge={challenge.id}#token={token}"
        return Revealed(link, derive_code(key, challenge.handle, challenge.generation), challenge.expires_at)

    # -- redeeming ---------------------------------------------------------------------------------------------------

    async def find(self, answer: Answer, *purposes: Purpose, source: Source) -> Challenge:
        """Find the live challenge that an answer proves, without using it up; a wrong code is counted.

        Raises :class:`ChallengeInvalid`, the same for whatever is wrong and at the same cost, and the trail tells.
        """
        found, proved = await (self._by_token(answer.token, purposes) if answer.token else self._by_code(answer))
        if found is None or not proved or found.purpose not in purposes or not found.is_live(self._clock()):
            why = "unknown, used, expired, replaced, tried too often, or for something else"
            account_id = None if found is None else found.account_id
            raise await self._refused(why, purposes[0], account_id=account_id, source=source)
        return found

    async def overtaken(self, challenge: Challenge, why: str, *, source: Source) -> ChallengeInvalid:
        """Tell the trail that a challenge which was found could not be redeemed, and return what to raise.

        Its account may be gone by now, and is not named in the trail then.
        """
        left = await self.peek(challenge.id)
        account_id = None if left is None else left.account_id
        return await self._refused(why, challenge.purpose, account_id=account_id, source=source)

    async def _refused(self, why: str, purpose: Purpose, *, account_id: str | None, source: Source) -> ChallengeInvalid:
        event = ChallengeRefused(account_id=account_id, purpose=purpose)
        await self._database.write(entry(event, now=self._clock(), source=source))
        await self._events.publish(event)
        return ChallengeInvalid(why)

    def redeeming(self, challenge: Challenge, *, now: int) -> Statement:
        """Make the guarded statement that uses a challenge up; of many who try, one succeeds."""
        return store.redeem(challenge, now=now)

    async def forgive(self, challenge: Challenge, answer: Answer) -> None:
        """Give a try back: the code was right, and what failed was something else, such as a weak password."""
        if not answer.token:
            await self._database.write(store.forgive_try(challenge.id))

    def ending_all(self, account_id: str, *, now: int, keep: Purpose | None = None) -> Statement:
        """Make the statement that ends an account's challenges, but perhaps those of one purpose."""
        return store.end_all(account_id, now=now, keep=keep)

    def ending_later(self, challenge: Challenge, *, now: int) -> Statement:
        """Make the statement that ends an account's challenges of the same purpose that were made after this one."""
        return store.end_later(challenge, now=now)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def peek(self, challenge_id: str) -> Challenge | None:
        """Find a challenge by its public id, whatever its state; nothing may be granted for it."""
        return await store.find(self._database, challenge_id) if is_identifier("chl", challenge_id) else None

    async def of_account(self, account_id: str) -> list[Challenge]:
        """List the challenges of an account, the newest first."""
        return await store.of_account(self._database, account_id, size=1000)

    async def export(self, account_id: str) -> list[dict[str, Any]]:
        """List what is kept of an account's challenges, for its owner; never what is secret in them."""
        return [
            {"purpose": one.purpose, "address": one.address, "created_at": one.created_at, "expires_at": one.expires_at}
            for one in await self.of_account(account_id)
        ]

    def erasing(self, account_id: str) -> Statement:
        """Make the statement that erases what does not go with an account's row by itself."""
        return store.erase_decoys(account_id)

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets what is long over."""
        return store.forget(before=now - KEPT)

    async def _by_token(self, token: str, purposes: tuple[Purpose, ...]) -> tuple[Challenge | None, bool]:
        for purpose in purposes:
            opaque = unseal(self._ring, PREFIXES[purpose], token)
            if opaque is not None:
                found = await store.find_by_handle(self._database, opaque.handle)
                return found, found is not None and found.generation == opaque.generation
        return None, False

    async def _by_code(self, answer: Answer) -> tuple[Challenge | None, bool]:
        """Count first, then compare (Keycloak CVE-2024-4629); a decoy and an unknown id cost the same statement."""
        limit = self._settings.verification.tries
        (rows,) = await self._database.write(store.count_try(answer.challenge or "", limit=limit, now=self._clock()))
        typed = read_code(answer.code or "")
        if not rows:
            return None, False
        challenge = store.from_row(rows[0])
        key = self._ring.key(challenge.key_id, code_purpose(challenge.purpose))
        if key is None or typed is None:
            return challenge, False
        expected = derive_code(key, challenge.handle, challenge.generation)
        return challenge, hmac.compare_digest(expected, typed)
