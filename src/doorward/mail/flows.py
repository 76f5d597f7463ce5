"""The outbox: a mail is a row in the write of the act that it tells of, and is sent afterwards (``delivery.py``).

A crash between the two loses nothing. No secret is in the row; what a mail says is decided when it is sent.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from doorward.core.clock import Entropy
from doorward.core.devices import name_device
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import NotFound, Overloaded
from doorward.foundation import Flows, Foundation
from doorward.mail import store
from doorward.mail.mailer import KeepsMail as KeepsMail
from doorward.mail.mailer import Mailer
from doorward.mail.model import MailUnavailable
from doorward.settings import Settings
from doorward.web.translation import choose_language

KEPT: Final = 7 * 86_400
"""Seconds for which a mail that was sent or set aside can be looked up."""

PAGE_SIZE: Final = 100
_TO_ANOTHER: Final = "confirm_new_address"
"""The letter to an address that an account would like to have."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail as an operator sees it: to whom and why, never what is secret in it."""

    id: int
    letter: str
    recipient: str
    state: str
    tries: int
    queued_at: int
    due_at: int
    done_at: int | None
    why: str


class Outbox(Flows):
    """The mails of an instance."""

    def __init__(self, foundation: Foundation, *, mailer: Mailer | None) -> None:
        """Take the mailer; ``None``: this instance sends no mail, and queues none."""
        super().__init__(foundation)
        self._mailer = mailer

    @property
    def mailer(self) -> Mailer | None:
        """The way mail leaves by."""
        return self._mailer

    # -- queueing ----------------------------------------------------------------------------------------------------

    async def require(self) -> None:
        """Raise :class:`MailUnavailable` where no mail is sent, and :class:`Overloaded` when too many wait already."""
        if self._mailer is None:
            raise MailUnavailable("no mailer is configured")
        if await store.is_full(self._database, most=self._settings.mail.max_waiting):
            raise Overloaded("too many mails are waiting", retry_after=60)

    def sending(
        self,
        letter: str,
        *,
        to: str,
        account_id: str | None,
        challenge_id: str | None = None,
        source: Source,
        now: int,
        address: str = "",
        decoy: bool = False,
    ) -> Statement:
        """Make the statement that queues a mail to an address.

        A ``decoy`` costs the same, goes nowhere, and keeps nothing of whoever asked.
        """
        facts = _facts(source, now, address)
        return store.insert(
            message_id=self._message_id(),
            letter=letter,
            recipient="" if decoy else to,
            account_id=account_id,
            challenge_id=challenge_id,
            language=language_of(source, self._settings),
            facts="{}" if decoy else facts,
            state="decoy" if decoy else "waiting",
            now=now,
        )

    def telling_owner(
        self,
        letter: str,
        account_id: str,
        *,
        source: Source,
        now: int,
        challenge_id: str | None = None,
        address: str = "",
        is_last: bool = False,
    ) -> list[Statement]:
        """Make the statement that tells an owner, at the proved address and in the language of the account.

        ``is_last``: the account is being deleted, so the mail does not belong to it any more.
        """
        if self._mailer is None:
            return []
        return [
            store.insert_to_owner(
                account_id,
                kept_as=None if is_last else account_id,
                message_id=self._message_id(),
                letter=letter,
                challenge_id=challenge_id,
                facts=_facts(source, now, address),
                now=now,
            )
        ]

    def telling_of_device(self, account_id: str, *, session_id: str, source: Source, now: int) -> list[Statement]:
        """Make the statement that tells an owner of a log-in from a device or a network that is new to the account."""
        if self._mailer is None:
            return []
        return [
            store.insert_if_device_is_new(
                account_id,
                session_id=session_id,
                user_agent=source.user_agent,
                ip_prefix=source.ip_prefix,
                message_id=self._message_id(),
                letter="new_device",
                facts=_facts(source, now, ""),
                now=now,
            )
        ]

    # -- operators ---------------------------------------------------------------------------------------------------

    async def page(self, state: str, *, cursor: int = 1 << 62) -> list[Queued]:
        """List mails that are ``waiting``, ``sent``, ``dropped`` or ``set_aside``, the newest first."""
        rows = await store.page(self._database, state, before=cursor, size=PAGE_SIZE)
        return [_queued(row) for row in rows]

    async def backlog(self) -> tuple[int, int]:
        """Count what waits, and tell for how many seconds the oldest has been waiting."""
        waiting, since = await store.backlog(self._database)
        return waiting, 0 if since is None else max(0, self._clock() - since)

    async def counts(self) -> dict[str, int]:
        """Count mails by state."""
        return await store.counts(self._database)

    async def retry(self, mail_id: int) -> None:
        """Put a mail back into the queue. Raises :class:`NotFound` where it was sent, or is being sent just now."""
        try:
            await self._database.write(store.retry(mail_id, now=self._clock()))
        except GuardFailed:
            raise NotFound("no such mail that could be tried again") from None

    # -- an account's own --------------------------------------------------------------------------------------------

    async def of_account(self, account_id: str) -> list[dict[str, Any]]:
        """List what is kept of mails to an account, for its owner; not whether one went to an address to change to,
        which would tell whether that belongs to somebody.
        """
        rows = await store.of_account(self._database, account_id, size=1000)
        return [
            {
                "letter": row["letter"],
                "recipient": row["recipient"],
                "state": row["state"],
                "queued_at": row["queued_at"],
            }
            for row in rows
            if row["letter"] != _TO_ANOTHER
        ]

    def erasing(self, account_id: str) -> Statement:
        """Make the statement that deletes what is kept of mails to an account."""
        return store.erase(account_id)

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets what was done with long ago."""
        return store.forget(before=now - KEPT)

    def _message_id(self) -> str:
        return new_message_id(self._entropy, self._settings.origin)


def new_message_id(entropy: Entropy, origin: str) -> str:
    """Make the ``Message-ID`` of a mail, without its angle brackets."""
    host = origin.partition("://")[2].partition(":")[0].strip("[]")
    return f"{entropy(16).hex()}@{host}"


def language_of(source: Source, settings: Settings) -> str:
    """Choose the language of a mail: what whoever asks reads, if we write it."""
    return choose_language(asked=None, kept=None, accepts=source.language, default=settings.pages.language).code


def _facts(source: Source, now: int, address: str) -> str:
    """Write what a mail tells of the request that caused it: never the request's own words."""
    facts: dict[str, Any] = {"at": now}
    if source.ip_prefix:
        facts |= {"network": source.ip_prefix, "device": name_device(source.user_agent)}
    if address:
        facts["address"] = address
    return json.dumps(facts)


def _queued(row: Row) -> Queued:
    return Queued(
        id=row["id"],
        letter=row["letter"],
        recipient=row["recipient"],
        state=row["state"],
        tries=row["tries"],
        queued_at=row["queued_at"],
        due_at=row["due_at"],
        done_at=row["done_at"],
        why=row["why"],
    )
