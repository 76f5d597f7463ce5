"""Counting tries, before anything is hashed.

One statement counts and tells the count, so parallel tries cannot slip past (Keycloak CVE-2024-4629). A bucket is a
digest of what is counted, so that the table names nobody; its row is reused by the next window. Limits live in the
core and not in the routes: whoever calls in process is counted too (Zitadel CVE-2025-64102), unless there is no
network to count by.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from doorward.core.clock import Clock
from doorward.db import Database, Statement, statement
from doorward.errors import TooManyAttempts
from doorward.settings import Limits as LimitSettings

# A window never goes back: a node whose clock is late by a second must not begin the count anew.
_COUNT: Final = """
    INSERT INTO attempt (bucket, window_start, tries) VALUES (:bucket, :window_start, 1)
    ON CONFLICT (bucket) DO UPDATE SET
        tries = CASE WHEN attempt.window_start < excluded.window_start THEN 1 ELSE attempt.tries + 1 END,
        window_start = CASE WHEN attempt.window_start < excluded.window_start
            THEN excluded.window_start ELSE attempt.window_start END
    RETURNING tries
"""


QUESTIONS_PER_TRY: Final = 10
"""How often a sign-up form may ask the policy for each registration that the limits allow."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Something that is counted, and how often it may happen in a window."""

    digest: bytes
    limit: int

    @classmethod
    def of(cls, kind: str, name: str, limit: int) -> "Bucket":
        """Name a bucket, for example ``("network", "203.0.113.7/32")``."""
        return cls(hashlib.sha256(f"{kind}\0{name}".encode()).digest()[:16], limit)


class Limiter:
    """Counts tries in windows of fixed length, in SQL, for all processes together."""

    def __init__(self, *, database: Database, settings: LimitSettings, clock: Clock) -> None:
        """Take what is needed."""
        self._database = database
        self._settings = settings
        self._clock = clock

    def login(self, name: str) -> Bucket:
        """What is counted for who logs in: the account's id, or what was typed where there is no account."""
        return Bucket.of("login", name, self._settings.per_account)

    def owner(self, account_id: str) -> Bucket:
        """What is counted for somebody who is signed in and proves the password again: strangers have no part in it."""
        return Bucket.of("owner", account_id, self._settings.per_account)

    def network(self, network: str) -> Bucket:
        """What is counted for a network."""
        return Bucket.of("network", network, self._settings.per_network)

    def service_keys(self, network: str) -> Bucket:
        """What is counted for a network that shows wrong service keys. Right ones are never counted."""
        return Bucket.of("service keys", network, self._settings.per_network)

    def questions(self, network: str) -> Bucket:
        """What is counted for a network that asks about passwords, as a form does at every pause in typing."""
        return Bucket.of("questions", network, QUESTIONS_PER_TRY * self._settings.per_network)

    async def count(self, bucket: Bucket) -> None:
        """Count one try. Raises :class:`TooManyAttempts` when the bucket is over its limit.

        Count the network before the login: one that is over its limit must not use up the tries of others.
        """
        now = self._clock()
        window_start = now - now % self._settings.window
        (rows,) = await self._database.write(statement(_COUNT, bucket=bucket.digest, window_start=window_start))
        if rows[0]["tries"] > bucket.limit:
            raise TooManyAttempts("limit reached", retry_after=window_start + self._settings.window - now)

    def forgiving(self, login: Bucket, *networks: Bucket) -> list[Statement]:
        """Make the statements for the write of a success: a login is forgiven all tries, a network one.

        A success is nothing to hold against an office or a campus. Sorted, so that two successes never wait for each
        other's rows crosswise.
        """
        statements = {
            login.digest: statement("UPDATE attempt SET tries = 0 WHERE bucket = :bucket", bucket=login.digest)
        }
        for network in networks:
            statements[network.digest] = statement(
                "UPDATE attempt SET tries = tries - 1 WHERE bucket = :bucket AND tries > 0", bucket=network.digest
            )
        return [statements[digest] for digest in sorted(statements)]

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets windows long gone."""
        return statement("DELETE FROM attempt WHERE window_start < :before", before=now - 2 * self._settings.window)
