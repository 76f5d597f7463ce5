"""The outbox: a mail is a row in the write of the act that it tells of, and is sent afterwards.

A crash between the two loses nothing. A crash after the mail server has taken a mail and before that was written down
sends it twice, with the same ``Message-ID``: SMTP cannot do better. Links and codes are not in the table. They are
derived when a mail is sent, from a challenge and the instance's secret, so a copy of the database opens no account; and
a challenge that is over by then sends no mail at all.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import MailUnavailable, NotFound, Overloaded, StorageUnavailable
from doorward.foundation import Flows, Foundation
from doorward.hooks import MailSetAside
from doorward.mail import store
from doorward.mail.compose import compose
from doorward.mail.devices import name_device
from doorward.mail.letters import LETTERS
from doorward.mail.mailer import Mailer
from doorward.mail.model import (
    Accepted,
    Again,
    Deferred,
    Message,
    Outcome,
    Refused,
    SetAside,
    decide_next,
    is_recipient,
)
from doorward.mail.translation import choose_language

POLL_INTERVAL: Final = 1.0
"""Seconds between two looks into the queue. It is looked at on a beat of its own, never because of a request, so that
what happens after an answer does not tell whether there was something to send."""

CLAIM: Final = 180
"""Seconds for which a process may hold a mail: longer than any conversation with a mail server that is still alive."""

SENDERS: Final = 4
"""Mails that one process sends at the same time."""

KEPT: Final = 7 * 86_400
"""Seconds for which a mail that was sent or set aside can be looked up."""

PAGE_SIZE: Final = 100

_log = logging.getLogger("doorward.mail")


@dataclass(frozen=True, slots=True)
class Revealed:
    """The secret of a challenge that is still good, as a mail carries it."""

    link: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: int


Revealer = Callable[[str], Awaitable[Revealed | None]]
"""Derives the link and the code of a challenge by its id; ``None`` when it is over."""


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
        self._reveal: Revealer | None = None
        self._sending = asyncio.Lock()

    @property
    def mailer(self) -> Mailer | None:
        """The way mail leaves by."""
        return self._mailer

    def reveal_with(self, reveal: Revealer) -> None:
        """Say who derives links and codes."""
        self._reveal = reveal

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
        """Make the statement that queues a mail to an address. A ``decoy`` costs the same and goes nowhere."""
        return store.insert(
            message_id=self._message_id(),
            letter=letter,
            recipient="" if decoy else to,
            account_id=account_id,
            challenge_id=challenge_id,
            language=choose_language(source.language),
            facts=_facts(source, now, address),
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

    # -- sending -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send for as long as the instance lives."""
        while self._mailer is not None:
            await asyncio.sleep(POLL_INTERVAL)
            try:
                await self.deliver()
            except StorageUnavailable:
                _log.warning("the database does not answer; mails wait")
            except Exception:
                _log.exception("sending mail failed; trying again in a moment")

    async def deliver(self) -> int:
        """Send everything that is due, and return how many mails were taken by the mail server."""
        async with self._sending:
            counts = await asyncio.gather(*(self._drain() for _ in range(SENDERS)))
        return sum(counts)

    async def _drain(self) -> int:
        sent = 0
        while True:
            now = self._clock()
            name = self._entropy(8).hex()
            (rows,) = await self._database.write(store.claim(name, now=now, until=now + CLAIM))
            if not rows:
                return sent
            sent += await self._deliver_one(rows[0], name)

    async def _deliver_one(self, row: Row, name: str) -> bool:
        message = await self._write(row)
        if message is None:
            await self._finish(row, name, "dropped", "nobody needs it any more")
            return False
        outcome = await self._try(message)
        now = self._clock()
        match outcome:
            case Accepted():
                await self._finish(row, name, "sent", "")
                return True
            case Deferred() | Refused():
                decision = decide_next(
                    outcome,
                    tries=row["tries"],
                    queued_at=row["queued_at"],
                    now=now,
                    max_age=self._settings.mail.max_age,
                    chance=self._entropy(1)[0],
                )
            case _:  # pragma: no cover - mypy proves it
                assert_never(outcome)
        match decision:
            case Again(at, why):
                await self._commit(store.put_off(row["id"], claim=name, until=at, why=why))
            case SetAside(why):
                await self._finish(row, name, "set_aside", why)
            case _:  # pragma: no cover - mypy proves it
                assert_never(decision)
        return False

    async def _try(self, message: Message) -> Outcome:
        assert self._mailer is not None  # noqa: S101 - nothing is sent without one
        try:
            return await self._mailer.send(message)
        except Exception as error:  # a host's own mailer may raise; its words may hold an address
            _log.exception("the mailer failed")
            return Deferred(type(error).__name__)

    async def _write(self, row: Row) -> Message | None:
        """Write the mail of a row, or return ``None`` for one that is not worth sending any more."""
        facts = json.loads(row["facts"])
        letter = LETTERS.get(row["letter"])
        link, code = "", ""
        if letter is None or not is_recipient(row["recipient"]):
            return None
        if row["challenge_id"] is not None:
            revealed = None if self._reveal is None else await self._reveal(row["challenge_id"])
            if revealed is None:
                return None
            link, code = revealed.link, revealed.code
            facts["until"] = revealed.expires_at
        elif letter.page:
            link = self._settings.issuer + letter.page
        composed = compose(
            row["letter"],
            language=row["language"] or "en",
            service=self._settings.service_name,
            facts=facts,
            link=link,
            code=code,
        )
        return Message(
            message_id=row["message_id"],
            sender=self._settings.mail.from_ or DEVELOPMENT_SENDER,
            sender_name=self._settings.service_name,
            recipient=row["recipient"],
            subject=composed.subject,
            text=composed.text,
            html=composed.html,
            language=row["language"] or "en",
            written_at=row["queued_at"],
        )

    async def _finish(self, row: Row, name: str, state: str, why: str) -> None:
        now = self._clock()
        statements = [store.finish(row["id"], claim=name, state=state, why=why, now=now)]
        event = None
        if state == "set_aside":
            event = MailSetAside(account_id=row["account_id"], letter=row["letter"], why=why)
            statements.append(entry(event, now=now, source=Source()))
            _log.warning("mail %s (%s) is set aside: doorward mail list --set-aside", row["id"], row["letter"])
        await self._commit(*statements)
        if event is not None:
            await self._events.publish(event)

    async def _commit(self, *statements: Statement) -> None:
        try:
            await self._database.write(*statements)
        except GuardFailed:
            _log.warning("a mail took so long that another process took it over")

    # -- operators ---------------------------------------------------------------------------------------------------

    async def page(self, state: str, *, cursor: int = 1 << 62) -> list[Queued]:
        """List mails that are ``waiting``, ``sent``, ``dropped`` or ``set_aside``, the newest first."""
        rows = await store.page(self._database, state, before=cursor, size=PAGE_SIZE)
        return [_queued(row) for row in rows]

    async def counts(self) -> dict[str, int]:
        """Count mails by state."""
        return await store.counts(self._database)

    async def retry(self, mail_id: int) -> None:
        """Put a mail back into the queue. Raises :class:`NotFound` where it was sent, or is being sent just now."""
        try:
            await self._database.write(store.retry(mail_id, now=self._clock()))
        except GuardFailed:
            raise NotFound("no such mail that could be tried again") from None

    async def test(self, address: str) -> Outcome:
        """Send a test mail at once, past the queue, and return what the mail server said."""
        if self._mailer is None:
            raise MailUnavailable("no mailer is configured")
        now = self._clock()
        composed = compose("test", language="en", service=self._settings.service_name, facts={"at": now})
        return await self._try(
            Message(
                message_id=self._message_id(),
                sender=self._settings.mail.from_ or DEVELOPMENT_SENDER,
                sender_name=self._settings.service_name,
                recipient=address,
                subject=composed.subject,
                text=composed.text,
                html=composed.html,
                language="en",
                written_at=now,
            )
        )

    # -- an account's own --------------------------------------------------------------------------------------------

    async def of_account(self, account_id: str) -> list[dict[str, Any]]:
        """List what is kept of mails to an account, for its owner."""
        rows = await store.of_account(self._database, account_id, size=1000)
        return [
            {
                "letter": row["letter"],
                "recipient": row["recipient"],
                "state": row["state"],
                "queued_at": row["queued_at"],
            }
            for row in rows
        ]

    def erasing(self, account_id: str) -> Statement:
        """Make the statement that deletes what is kept of mails to an account."""
        return store.erase(account_id)

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets what was done with long ago."""
        return store.forget(before=now - KEPT)

    def _message_id(self) -> str:
        host = self._settings.origin.partition("://")[2].partition(":")[0].strip("[]")
        return f"{uuid.UUID(bytes=self._entropy(16)).hex}@{host}"


DEVELOPMENT_SENDER: Final = "doorward@localhost.invalid"
"""Who a mail is from that never leaves this machine (RFC 2606)."""


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
