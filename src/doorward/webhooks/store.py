"""The SQL of endpoints and of their outbox."""

import json
from typing import Final

from doorward.db import Database, Row, Statement, guarded, statement
from doorward.webhooks.model import LEASE, Delivery, Endpoint

_ENDPOINT: Final = (
    "id, url, events, key_id, generation, former_key_id, former_until, cursor, created_at, failing_since, disabled_at"
)
_DELIVERY: Final = "id, endpoint_id, message_id, event, body, state, attempts, due_at, created_at, finished_at, answer"
_ENDPOINTS: Final = f"SELECT {_ENDPOINT} FROM webhook_endpoint ORDER BY created_at, id"
_FIND: Final = f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE id = :id"
_PAGE: Final = f"""
    SELECT {_DELIVERY} FROM webhook_delivery WHERE endpoint_id = :endpoint_id AND id < :before
    ORDER BY id DESC LIMIT :size
"""
_BACKLOG: Final = """
    SELECT COUNT(*) AS waiting, MIN(created_at) AS since FROM webhook_delivery WHERE state = 'pending'
"""


_IS_DUE: Final = "SELECT 1 FROM webhook_delivery WHERE state = 'pending' AND due_at <= :now LIMIT 1"


async def is_due(database: Database, *, now: int) -> bool:
    """Tell whether there is anything to claim, without writing."""
    return await database.fetch_one(_IS_DUE, now=now) is not None


async def endpoints(database: Database) -> list[Endpoint]:
    """Read every endpoint, the oldest first. An operator makes them, so they are few."""
    return [_endpoint(row) for row in await database.fetch_all(_ENDPOINTS)]


async def find(database: Database, endpoint_id: str) -> Endpoint | None:
    """Find an endpoint."""
    row = await database.fetch_one(_FIND, id=endpoint_id)
    return None if row is None else _endpoint(row)


async def deliveries(database: Database, endpoint_id: str, *, before: int, size: int) -> list[Delivery]:
    """List the newest deliveries of an endpoint."""
    rows = await database.fetch_all(_PAGE, endpoint_id=endpoint_id, before=before, size=size)
    return [delivery_from_row(row) for row in rows]


async def backlog(database: Database) -> tuple[int, int | None]:
    """Count what waits, and tell since when the oldest does."""
    row = await database.fetch_one(_BACKLOG)
    return (0, None) if row is None else (row["waiting"], row["since"])


def insert(endpoint: Endpoint) -> Statement:
    """Make an endpoint."""
    return guarded(
        """
        INSERT INTO webhook_endpoint (id, url, events, key_id, generation, former_until, cursor, created_at)
        VALUES (:id, :url, :events, :key_id, :generation, 0, :cursor, :created_at) RETURNING id
        """,
        id=endpoint.id,
        url=endpoint.url,
        events=json.dumps(endpoint.events),
        key_id=endpoint.key_id,
        generation=endpoint.generation,
        cursor=endpoint.cursor,
        created_at=endpoint.created_at,
    )


def remove(endpoint_id: str) -> Statement:
    """Remove an endpoint; what it was still to be told goes with it."""
    return guarded("DELETE FROM webhook_endpoint WHERE id = :id RETURNING id", id=endpoint_id)


def rotate(endpoint: Endpoint, *, key_id: bytes, former_until: int) -> Statement:
    """Give an endpoint its next secret; of two rotations at once one succeeds."""
    return guarded(
        """
        UPDATE webhook_endpoint SET generation = generation + 1, former_key_id = key_id, key_id = :key_id,
            former_until = :former_until
        WHERE id = :id AND generation = :generation RETURNING id
        """,
        id=endpoint.id,
        generation=endpoint.generation,
        key_id=key_id,
        former_until=former_until,
    )


def advance(endpoint: Endpoint, *, cursor: int) -> Statement:
    """Move an endpoint's place in the trail on; of two processes that read the same lines one succeeds."""
    return guarded(
        "UPDATE webhook_endpoint SET cursor = :cursor WHERE id = :id AND cursor = :old AND disabled_at IS NULL"
        " RETURNING id",
        id=endpoint.id,
        old=endpoint.cursor,
        cursor=cursor,
    )


def enqueue(endpoint_id: str, *, message_id: str, event: str, body: str, due_at: int, now: int) -> Statement:
    """Put a message into the outbox, once."""
    return statement(
        """
        INSERT INTO webhook_delivery
            (endpoint_id, message_id, event, body, state, attempts, due_at, created_at, answer)
        VALUES (:endpoint_id, :message_id, :event, :body, 'pending', 0, :due_at, :now, '')
        ON CONFLICT (endpoint_id, message_id) DO NOTHING
        RETURNING id
        """,
        endpoint_id=endpoint_id,
        message_id=message_id,
        event=event,
        body=body,
        due_at=due_at,
        now=now,
    )


def enqueue_if_there(endpoint_id: str, *, message_id: str, event: str, body: str, now: int) -> Statement:
    """Put a message into the outbox in the write of somebody else, who must not fail if the endpoint was removed."""
    return statement(
        """
        INSERT INTO webhook_delivery
            (endpoint_id, message_id, event, body, state, attempts, due_at, created_at, answer)
        SELECT id, CAST(:message_id AS TEXT), CAST(:event AS TEXT), CAST(:body AS TEXT), 'pending', 0,
            CAST(:now AS BIGINT), CAST(:now AS BIGINT), ''
        FROM webhook_endpoint WHERE id = :endpoint_id
        """,
        endpoint_id=endpoint_id,
        message_id=message_id,
        event=event,
        body=body,
        now=now,
    )


def claim(*, now: int, size: int) -> Statement:
    """Take what is due, for as long as a lease: one statement, so no two processes have the same attempt in hand."""
    return statement(
        f"""
        UPDATE webhook_delivery SET due_at = :lease, attempts = attempts + 1
        WHERE state = 'pending' AND due_at <= :now AND id IN (
            SELECT webhook_delivery.id FROM webhook_delivery
            JOIN webhook_endpoint ON webhook_endpoint.id = endpoint_id
            WHERE state = 'pending' AND due_at <= :now AND disabled_at IS NULL ORDER BY due_at LIMIT :size)
        RETURNING {_DELIVERY}
        """,
        now=now,
        lease=now + LEASE,
        size=size,
    )


def claim_one(delivery_id: int, *, now: int) -> Statement:
    """Take one delivery that nobody has in hand, for an operator who waits for the answer."""
    return statement(
        f"""
        UPDATE webhook_delivery SET due_at = :lease, attempts = attempts + 1
        WHERE id = :id AND state = 'pending' AND due_at <= :now RETURNING {_DELIVERY}
        """,
        id=delivery_id,
        now=now,
        lease=now + LEASE,
    )


def finish(delivery: Delivery, *, state: str, due_at: int, now: int, answer: str) -> Statement:
    """Write down what came of an attempt, unless its lease was over and somebody else has the next one in hand.

    What has arrived is not kept: nobody sends it again, and it names somebody who may leave.
    """
    return guarded(
        """
        UPDATE webhook_delivery SET state = :state, due_at = :due_at, answer = :answer,
            body = CASE WHEN :state = 'delivered' THEN '' ELSE body END,
            finished_at = CASE WHEN :state = 'pending' THEN NULL ELSE CAST(:now AS BIGINT) END
        WHERE id = :id AND attempts = :attempts AND state = 'pending' RETURNING id
        """,
        id=delivery.id,
        attempts=delivery.attempts,
        state=state,
        due_at=due_at,
        now=now,
        answer=answer,
    )


def retry(endpoint_id: str, *, now: int) -> Statement:
    """Make everything that failed, or waits, due now, with its tries counted anew."""
    return statement(
        """
        UPDATE webhook_delivery SET state = 'pending', due_at = :now, attempts = 0, created_at = :now,
            finished_at = NULL
        WHERE endpoint_id = :endpoint_id AND (state = 'failed' OR (state = 'pending' AND due_at > :lease))
        RETURNING id
        """,
        endpoint_id=endpoint_id,
        now=now,
        lease=now + LEASE,
    )


def succeeded(endpoint_id: str) -> Statement:
    """Remember that an endpoint is well."""
    return statement(
        "UPDATE webhook_endpoint SET failing_since = NULL WHERE id = :id AND failing_since IS NOT NULL",
        id=endpoint_id,
    )


def failing(endpoint_id: str, *, now: int) -> Statement:
    """Remember since when an endpoint is not well."""
    return statement(
        "UPDATE webhook_endpoint SET failing_since = :now WHERE id = :id AND failing_since IS NULL",
        id=endpoint_id,
        now=now,
    )


def disable(endpoint_id: str, *, now: int) -> Statement:
    """Give an endpoint up."""
    return guarded(
        "UPDATE webhook_endpoint SET disabled_at = :now WHERE id = :id AND disabled_at IS NULL RETURNING id",
        id=endpoint_id,
        now=now,
    )


def enable(endpoint_id: str, *, cursor: int) -> Statement:
    """Take an endpoint up again, from here on; an endpoint that was not given up goes on where it is."""
    return guarded(
        """
        UPDATE webhook_endpoint SET cursor = CASE WHEN disabled_at IS NULL THEN cursor ELSE :cursor END,
            disabled_at = NULL, failing_since = NULL
        WHERE id = :id RETURNING id
        """,
        id=endpoint_id,
        cursor=cursor,
    )


def forget(*, before: int) -> Statement:
    """Forget deliveries that were finished long ago."""
    return statement("DELETE FROM webhook_delivery WHERE state <> 'pending' AND finished_at < :before", before=before)


def delivery_from_row(row: Row) -> Delivery:
    """Read a row that has all columns of a delivery."""
    return Delivery(**{name: row[name] for name in row.keys()})  # noqa: SIM118 - a row is no mapping


def _endpoint(row: Row) -> Endpoint:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row is no mapping
    return Endpoint(**{**columns, "events": tuple(json.loads(columns["events"]))})
