"""Sending what waits in the outbox: claim, derive the secret, compose, hand over, and write down what came of it.

A crash after the mail server has taken a mail and before that was written down sends it twice, with the same
``Message-ID``: SMTP cannot do better. Links and codes are not in the table. They are derived here, from a challenge and
the instance's secret, so a copy of the database opens no account; and a challenge that is over sends no mail at all.
"""

import asyncio
import json
import logging
from typing import Final, assert_never

from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import StorageUnavailable
from doorward.foundation import Flows, Foundation
from doorward.hooks import MailSetAside
from doorward.mail import store
from doorward.mail.compose import compose
from doorward.mail.flows import new_message_id
from doorward.mail.letters import LETTERS
from doorward.mail.mailer import Mailer
from doorward.mail.model import (
    Accepted,
    Again,
    Deferred,
    MailUnavailable,
    Message,
    Outcome,
    Refused,
    Revealer,
    SetAside,
    decide_next,
    is_recipient,
)

POLL_INTERVAL: Final = 1.0
"""Seconds between two looks into the queue. It is looked at on a beat of its own, never because of a request, so that
what happens after an answer does not tell whether there was something to send."""

CLAIM: Final = 180
"""Seconds for which a process may hold a mail: longer than any conversation with a mail server that is still alive."""

SENDERS: Final = 4
"""Mails that one process sends at the same time."""

DEVELOPMENT_SENDER: Final = "doorward@localhost.invalid"
"""Who a mail is from that never leaves this machine (RFC 2606)."""

_log = logging.getLogger("doorward.mail")


class Delivery(Flows):
    """The way from the outbox to the mail server."""

    def __init__(self, foundation: Foundation, *, mailer: Mailer | None, reveal: Revealer) -> None:
        """Take the mailer (``None``: nothing is sent) and who derives links and codes."""
        super().__init__(foundation)
        self._mailer = mailer
        self._reveal = reveal
        self._sending = asyncio.Lock()

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
        if self._mailer is None:
            return Deferred("no mailer is configured")
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
            revealed = await self._reveal(row["challenge_id"])
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

    async def test(self, address: str) -> Outcome:
        """Send a test mail at once, past the queue, and return what the mail server said."""
        if self._mailer is None:
            raise MailUnavailable("no mailer is configured")
        now = self._clock()
        composed = compose("test", language="en", service=self._settings.service_name, facts={"at": now})
        return await self._try(
            Message(
                message_id=new_message_id(self._entropy, self._settings.origin),
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
