"""Endpoints as operators make, change and look at them; the worker beside them does the telling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from doorward.core.clock import rfc3339
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.errors import FieldError, InvalidFields, NotFound
from doorward.hooks import WebhookAdded, WebhookEnabled, WebhookRemoved, WebhookSecretRotated
from doorward.webhooks import store
from doorward.webhooks.model import (
    FORMER_SECRET_LIFETIME,
    TEST_EVENT,
    Answer,
    Delivery,
    Endpoint,
    body_of,
    check_events,
    check_url,
    message_id_of,
    secret_of,
    spell_secret,
)
from doorward.webhooks.worker import Worker

MAX_ENDPOINTS: Final = 32
PAGE_SIZE: Final = 50
_THE_NEWEST: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, the newest first, and where to go on (``None``: that was all)."""

    deliveries: tuple[Delivery, ...]
    next: str | None


class Webhooks(Worker):
    """Who is told of what."""

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

    async def _end_of_trail(self) -> int:
        head = await self._audit.head()
        return 0 if head is None else head.position

    def _secret(self, endpoint: Endpoint) -> str:
        secret = secret_of(self._ring, endpoint, key_id=endpoint.key_id, generation=endpoint.generation)
        return spell_secret(secret or b"")
