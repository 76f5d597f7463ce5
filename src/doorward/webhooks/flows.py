"""Endpoints, and the worker that brings them what has happened.

The audit trail is the outbox: an event's line is written in the transaction of its act, and gets a place in the chain
within a second. From there the worker makes deliveries, endpoint by endpoint, in the same write that moves the
endpoint's cursor on, so each event becomes one delivery, whatever dies when. A delivery is claimed by one statement
under a lease, sent, and its outcome written down; if the process dies in between, it is sent again under the same id.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from doorward.audit.flows import Audit, entry
from doorward.audit.model import Line
from doorward.core.clock import rfc3339
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.core.source import Source
from doorward.db import GuardFailed, Statement
from doorward.errors import FieldError, InvalidFields, NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import Event, WebhookAdded, WebhookDisabled, WebhookEnabled, WebhookRemoved, WebhookSecretRotated
from doorward.webhooks import store
from doorward.webhooks.model import (
    FORMER_SECRET_LIFETIME,
    TEST_EVENT,
    Again,
    Answer,
    Delivered,
    Delivery,
    Endpoint,
    GivenUp,
    body_of,
    check_events,
    check_url,
    decide_outcome,
    message_id_of,
    secret_of,
    signatures,
    spell_secret,
)
from doorward.webhooks.sending import Sender

AT_ONCE: Final = 8
"""Messages that one process sends at a time."""

ROUNDS: Final = 100
"""How often the worker goes on without a pause while there is more to do."""

MAX_ENDPOINTS: Final = 32
FAN_OUT: Final = 200
"""Lines of the trail that become deliveries in one write."""

PAGE_SIZE: Final = 50
KEPT: Final = 14 * 86_400
"""Seconds for which a finished delivery can be looked up."""

_THE_NEWEST: Final = 1 << 62
_SECRET_GONE: Final = Answer(0, "its secret is gone: run 'doorward webhook rotate-secret'")
_log = logging.getLogger("doorward.webhooks")


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, the newest first, and where to go on (``None``: that was all)."""

    deliveries: tuple[Delivery, ...]
    next: str | None


class Webhooks(Flows):
    """Who is told of what."""

    def __init__(self, foundation: Foundation, *, audit: Audit, sender: Sender | None = None) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._audit = audit
        settings = foundation.settings.webhooks
        self._sender = sender or Sender(allowed=settings.allowed_networks, ca_file=settings.ca_file)

    # -- operators ---------------------------------------------------------------------------------------------------

    async def add(self, url: str, events: Sequence[str]) -> tuple[Endpoint, str]:
        """Make an endpoint that is told of what happens from now on; return it with its secret.

        Raises :class:`InvalidFields`.
        """
        errors = []
        if wrong := check_url(url):
            errors.append(FieldError("/url", "wrong_type", f"The address {wrong}."))
        if wrong := check_events(events):
            errors.append(FieldError("/events", "wrong_type", wrong))
        if not errors and len(await store.endpoints(self._database)) >= MAX_ENDPOINTS:
            errors.append(FieldError("/url", "too_long", f"There may be {MAX_ENDPOINTS} endpoints at most."))
        if errors:
            raise InvalidFields("webhook", errors=errors)
        now = self._clock()
        endpoint = Endpoint(
            id=new_identifier("whk", self._entropy),
            url=url,
            events=tuple(events),
            key_id=self._ring.newest_id,
            generation=1,
            former_key_id=None,
            former_until=0,
            cursor=await self._end_of_trail(),
            created_at=now,
            failing_since=None,
            disabled_at=None,
        )
        await self._write(WebhookAdded(endpoint_id=endpoint.id), store.insert(endpoint))
        return endpoint, self._secret(endpoint)

    async def find(self, endpoint_id: str) -> Endpoint:
        """Find an endpoint. Raises :class:`NotFound`."""
        endpoint = await store.find(self._database, endpoint_id) if is_identifier("whk", endpoint_id) else None
        if endpoint is None:
            raise NotFound("no such endpoint")
        return endpoint

    async def endpoints(self) -> list[Endpoint]:
        """List all endpoints, the oldest first."""
        return await store.endpoints(self._database)

    async def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint and what it was still to be told. Raises :class:`NotFound`."""
        endpoint = await self.find(endpoint_id)
        await self._write(WebhookRemoved(endpoint_id=endpoint.id), store.remove(endpoint.id))

    async def rotate_secret(self, endpoint_id: str) -> str:
        """Give an endpoint its next secret and return it; for a day messages are signed with both.

        Raises :class:`NotFound`.
        """
        endpoint = await self.find(endpoint_id)
        until = self._clock() + FORMER_SECRET_LIFETIME
        rotating = store.rotate(endpoint, key_id=self._ring.newest_id, former_until=until)
        await self._write(WebhookSecretRotated(endpoint_id=endpoint.id), rotating)
        return self._secret(replace(endpoint, key_id=self._ring.newest_id, generation=endpoint.generation + 1))

    async def page(self, endpoint_id: str, *, cursor: str = "") -> DeliveryPage:
        """List an endpoint's deliveries, the newest first. Raises :class:`NotFound`."""
        endpoint = await self.find(endpoint_id)
        before = int(cursor) if cursor.isascii() and cursor.isdecimal() and len(cursor) < 19 else _THE_NEWEST
        found = await store.deliveries(self._database, endpoint.id, before=before, size=PAGE_SIZE + 1)
        following = str(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
        return DeliveryPage(tuple(found[:PAGE_SIZE]), following)

    async def retry(self, endpoint_id: str) -> int:
        """Take a given up endpoint up again, and make what failed due now; return how much that is.

        Raises :class:`NotFound`.
        """
        endpoint = await self.find(endpoint_id)
        now = self._clock()
        results = await self._write(
            WebhookEnabled(endpoint_id=endpoint.id),
            store.enable(endpoint.id, cursor=await self._end_of_trail()),
            store.retry(endpoint.id, now=now),
        )
        return len(results[1])

    async def test(self, endpoint_id: str) -> Answer:
        """Send a message of the type ``webhook.test`` now, and tell what the endpoint answered.

        Raises :class:`NotFound`.
        """
        endpoint = await self.find(endpoint_id)
        now = self._clock()
        body = body_of(
            event=TEST_EVENT, at=rfc3339(now), account_id=None, session_id=None, detail={}, issuer=self._settings.issuer
        )
        message_id = message_id_of(self._entropy(32))
        queued = store.enqueue(endpoint.id, message_id=message_id, event=TEST_EVENT, body=body, due_at=now, now=now)
        ((row,),) = await self._database.write(queued)
        claimed = (await self._database.write(store.claim_one(row["id"], now=now)))[0]
        if not claimed:  # a server was quicker
            return Answer(0, "a running server sends it; see 'doorward webhook deliveries'")
        return await self._send(store.delivery_from_row(claimed[0]))

    # -- the worker --------------------------------------------------------------------------------------------------

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
        statements = [self._queued(endpoint, line, now=now) for line in lines if endpoint.wants(line.event)]
        try:
            await self._database.write(store.advance(endpoint, cursor=lines[-1].position or 0), *statements)
        except GuardFailed:  # another process has done it
            return 0
        return len(lines)

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

    async def _end_of_trail(self) -> int:
        head = await self._audit.head()
        return 0 if head is None else head.position

    def _secret(self, endpoint: Endpoint) -> str:
        secret = secret_of(self._ring, endpoint, key_id=endpoint.key_id, generation=endpoint.generation)
        return spell_secret(secret or b"")

    async def _write(self, event: Event, *statements: Statement) -> list[list[object]]:
        try:
            results = await self._database.write(*statements, entry(event, now=self._clock(), source=Source()))
        except GuardFailed:
            raise NotFound("no such endpoint, or it changed meanwhile") from None
        await self._events.publish(event)
        return [list(rows) for rows in results]
