"""The SQL of table ``allowance``: one statement that counts a try in all its buckets, or in none.

The ``WHERE`` of the upsert is the decision. A bucket that is full returns no row, the guard misses one, and the whole
write is rolled back: so a try that does not pass is counted nowhere, and parallel ones cannot slip through
(Keycloak CVE-2024-4629), because each sees the row as the one before has left it. Rows are locked in the order of
their digests.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from doorward.db import Database, Statement, all_or_nothing, statement
from doorward.limits.model import DELAYS, SKEW, Bucket, Count, Full, in_order

_COLUMNS: Final = "(bucket, tries, tried_at, forget_at, allowed, grows)"

# The same as begins_anew(), delay() and allowed() of the model, which say why afterwards; a test compares them.
_ANEW: Final = f"(allowance.forget_at <= excluded.tried_at OR allowance.forget_at > excluded.forget_at + {SKEW})"
_DELAY: Final = (
    "CASE "
    + " ".join(f"WHEN allowance.tries - excluded.allowed <= {place} THEN {wait}" for place, wait in enumerate(DELAYS))
    + f" ELSE {DELAYS[-1]} END"
)
_COUNT: Final = f"""
    ON CONFLICT (bucket) DO UPDATE SET
        tries = CASE WHEN {_ANEW} THEN 1 ELSE allowance.tries + 1 END,
        tried_at = excluded.tried_at,
        forget_at = CASE WHEN {_ANEW} OR excluded.grows = 1 THEN excluded.forget_at ELSE allowance.forget_at END,
        allowed = excluded.allowed,
        grows = excluded.grows
    WHERE {_ANEW}
       OR allowance.tries < excluded.allowed
       OR (excluded.grows = 1 AND (excluded.tried_at >= allowance.tried_at + {_DELAY}
                                   OR excluded.tried_at < allowance.tried_at - {SKEW}))
    RETURNING bucket
"""
_GIVE_BACK: Final = """
    ON CONFLICT (bucket) DO UPDATE SET
        tries = CASE WHEN allowance.tries > excluded.allowed THEN allowance.tries - excluded.allowed ELSE 0 END
"""
_ALL: Final = 1 << 62


def count(buckets: Sequence[Bucket], *, proved: bool, now: int) -> Statement:
    """Count one try in every bucket; guarded, so that it passes in all of them or counts in none."""
    rows = [
        {
            "bucket": bucket.digest,
            "tries": 1,
            "tried_at": now,
            "forget_at": now + bucket.span,
            "allowed": bucket.allowed(proved=proved),
            "grows": int(bucket.full is Full.DELAYS),
        }
        for bucket in in_order(buckets)
    ]
    return all_or_nothing(statement(_insert(len(rows)) + _COUNT, **_parameters(rows)), rows=len(rows))


def give_back(buckets: Sequence[Bucket], *, whole: bool, now: int) -> Statement:
    """Give a counted try back; ``whole``: what is counted for one login or device alone is forgiven altogether."""
    rows = [
        {
            "bucket": bucket.digest,
            "tries": 0,
            "tried_at": now,
            "forget_at": now,
            "allowed": _ALL if whole and not bucket.shared else 1,
            "grows": 0,
        }
        for bucket in in_order(buckets)
    ]
    return statement(_insert(len(rows)) + _GIVE_BACK, **_parameters(rows))


async def read(database: Database, buckets: Sequence[Bucket]) -> dict[bytes, Count]:
    """Read what the buckets hold, by their digests; one that nobody has tried is not there."""
    names = {f"b{place}": bucket.digest for place, bucket in enumerate(buckets)}
    listed = ", ".join(f":{name}" for name in names)
    sql = f"SELECT bucket, tries, tried_at, forget_at FROM allowance WHERE bucket IN ({listed})"
    rows = await database.fetch_all(sql, **names)
    return {bytes(row["bucket"]): Count(row["tries"], row["tried_at"], row["forget_at"]) for row in rows}


def forget(*, now: int) -> Statement:
    """Forget what is counted no more."""
    return statement("DELETE FROM allowance WHERE forget_at <= :now", now=now)


@lru_cache(maxsize=16)
def _insert(rows: int) -> str:
    names = ("bucket", "tries", "tried_at", "forget_at", "allowed", "grows")
    values = ", ".join("(" + ", ".join(f":{name}_{row}" for name in names) + ")" for row in range(rows))
    return f"INSERT INTO allowance {_COLUMNS} VALUES {values}"


def _parameters(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {f"{name}_{place}": value for place, row in enumerate(rows) for name, value in row.items()}
