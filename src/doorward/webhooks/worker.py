"""The worker that brings to endpoints what has happened.

The audit trail is the outbox: an event's line is written in the transaction of its act, and gets a place in the chain
within a second. From there the worker makes deliveries, endpoint by endpoint, in the same write that moves the
endpoint's cursor on, so each event becomes one delivery, whatever dies when. A delivery is claimed by one statement
under a lease, sent, and its outcome written down; if the process dies in between, it is sent again under the same id.
"""

import asyncio
import json
import logging
from typing import Final, assert_never

from doorward.audit.flows import Audit, entry
from doorward.audit.model import Line
from doorward.core.clock import rfc3339
from doorward.core.source import Source
from doorward.db import GuardFailed, Statement
from doorward.errors import NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import AccountDeleted, Event, WebhookDisabled
from doorward.webhooks import store
from doorward.webhooks.model import (
    Again,
    Answer,
    Delivered,
    Delivery,
    Endpoint,
    GivenUp,
    body_of,
    decide_outcome,
    message_id_of,
    signatures,
)
from doorward.webhooks.sending import Sender

AT_ONCE: Final = 8
"""Messages that one process sends at a time."""

ROUNDS: Final = 100
"""How often the worker goes on without a pause while there is more to do."""

FAN_OUT: Final = 200
"""Lines of the trail that become deliveries in one write."""

TOLD_BESIDE: Final = frozenset({AccountDeleted.name})
"""Events whose line in the trail names nobody; they are told by :meth:`Worker.telling`, and not from the trail."""

KEPT: Final = 14 * 86_400
"""Seconds for which a finished delivery can be looked up."""

_SECRET_GONE: Final = Answer(0, "its secret is gone: run 'doorward webhook rotate-secret'")
_log = logging.getLogger("doorward.webhooks")


class Worker(Flows):
    """Follows the trail, and sends what is due."""

    def __init__(self, foundation: Foundation, *, audit: Audit, sender: Sender | None = None) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._audit = audit
        settings = foundation.settings.webhooks
        self._sender = sender or Sender(allowed=settings.allowed_networks, ca_file=settings.ca_file)

    async def work(self) -> int:
        """Make deliveries of what is new and send what is due, until nothing is; return how many messages were sent."""
        total = 0
        for _ in range(ROUNDS):
            wanted = [each for each in await store.endpoints(self._database) if each.disabled_at is None]
            made = [await self.fan_out(endpoint) for endpoint in wanted]
            sent = await self.send_due() if wanted else 0
            total += sent
            if not sent and not any(made):
                break
        return total

    async def fan_out(self, endpoint: Endpoint) -> int:
        """Make deliveries of the lines that have been sealed since; return how many lines that were."""
        lines = await self._audit.sealed_after(endpoint.cursor, size=FAN_OUT)
        if not lines:
            return 0
        now = self._clock()
        told = [line for line in lines if endpoint.wants(line.event) and line.event not in TOLD_BESIDE]
        statements = [self._queued(endpoint, line, now=now) for line in told]
        try:
            await self._database.write(store.advance(endpoint, cursor=lines[-1].position or 0), *statements)
        except GuardFailed:  # another process has done it
            return 0
        return len(lines)

    async def telling(self, event: Event) -> list[Statement]:
        """Make the statements that tell of an event of :data:`TOLD_BESIDE` by name, for the write of its act."""
        now, message_id = self._clock(), message_id_of(self._entropy(32))
        body = body_of(
            event=event.name,
            at=rfc3339(now),
            account_id=event.account_id,
            session_id=event.session_id,
            detail={},
            issuer=self._settings.issuer,
        )
        return [
            store.enqueue_if_there(each.id, message_id=message_id, event=event.name, body=body, now=now)
            for each in await store.endpoints(self._database)
            if each.disabled_at is None and each.wants(event.name)
        ]

    async def send_due(self) -> int:
        """Claim what is due and send it, a few at a time; return how many messages were sent."""
        now = self._clock()
        if not await store.is_due(self._database, now=now):
            return 0
        (rows,) = await self._database.write(store.claim(now=now, size=AT_ONCE))
        await asyncio.gather(*(self._send(store.delivery_from_row(row)) for row in rows))
        return len(rows)

    async def backlog(self) -> tuple[int, int]:
        """Count what waits, and tell for how many seconds the oldest has been waiting."""
        waiting, since = await store.backlog(self._database)
        return waiting, 0 if since is None else max(0, self._clock() - since)

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets what was finished long ago."""
        return store.forget(before=now - KEPT)

    async def _send(self, delivery: Delivery) -> Answer:
        endpoint = await store.find(self._database, delivery.endpoint_id)
        if endpoint is None:  # removed meanwhile, and the delivery with it
            return Answer(0, "the endpoint was removed")
        now, body = self._clock(), delivery.body.encode()
        signed = signatures(self._ring, endpoint, delivery.message_id, body, now=now)
        headers = (
            ("webhook-id", delivery.message_id),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", " ".join(signed)),
        )
        answer = await self._sender.post(endpoint.url, headers, body) if signed else _SECRET_GONE
        self._instruments.webhook_answers.inc(f"{answer.status // 100}xx" if answer.status else "none")
        await self._conclude(delivery, endpoint, answer)
        return answer

    async def _conclude(self, delivery: Delivery, endpoint: Endpoint, answer: Answer) -> None:
        now = self._clock()
        outcome = decide_outcome(
            delivery,
            endpoint,
            answer,
            now=now,
            give_up_after=self._settings.webhooks.give_up_after,
            chance=self._entropy(1)[0] / 255,
        )
        event: Event | None = None
        match outcome:
            case Delivered():
                state, due_at, others = "delivered", now, [store.succeeded(endpoint.id)]
            case Again(later):
                state, due_at, others = "pending", later, [store.failing(endpoint.id, now=now)]
            case GivenUp(disable):
                state, due_at, others = "failed", now, [store.failing(endpoint.id, now=now)]
                if disable:
                    event = WebhookDisabled(endpoint_id=endpoint.id)
            case _:  # pragma: no cover - mypy proves it
                assert_never(outcome)
        finishing = store.finish(delivery, state=state, due_at=due_at, now=now, answer=str(answer))
        try:
            await self._database.write(finishing, *others)
        except GuardFailed:
            _log.warning("%s: the lease was over before the answer came", delivery.message_id)
            return
        if event is not None:
            await self._disable(endpoint, event, now=now)

    async def _disable(self, endpoint: Endpoint, event: Event, *, now: int) -> None:
        try:
            await self._write(event, store.disable(endpoint.id, now=now))
        except NotFound:
            return
        _log.error("%s is given up: it has not answered for long, or answers that it is gone", endpoint.id)

    def _queued(self, endpoint: Endpoint, line: Line, *, now: int) -> Statement:
        body = body_of(
            event=line.event,
            at=rfc3339(line.recorded_at),
            account_id=line.account_id,
            session_id=line.session_id,
            detail=json.loads(line.detail),
            issuer=self._settings.issuer,
        )
        message_id = message_id_of(line.digest or b"")
        return store.enqueue(endpoint.id, message_id=message_id, event=line.event, body=body, due_at=now, now=now)

    async def _write(self, event: Event, *statements: Statement) -> list[list[object]]:
        try:
            results = await self._database.write(*statements, entry(event, now=self._clock(), source=Source()))
        except GuardFailed:
            raise NotFound("no such endpoint, or it changed meanwhile") from None
        await self._events.publish(event)
        return [list(rows) for rows in results]
