"""The SQL of table ``mail``.

A mail is claimed for a while by one guarded statement; whoever claimed it says what became of it, and nobody else can.
A process that dies leaves a claim that ends by itself.
"""

from typing import Final

from doorward.db import Database, Row, Statement, guarded, statement

_COLUMNS: Final = """id, message_id, letter, recipient, account_id, challenge_id, language, facts, state, queued_at,
    due_at, claimed_until, claim, tries, why, done_at"""

_PAGE: Final = f"SELECT {_COLUMNS} FROM mail WHERE state = :state AND id < :before ORDER BY id DESC LIMIT :size"
_OF_ACCOUNT: Final = f"SELECT {_COLUMNS} FROM mail WHERE account_id = :account_id ORDER BY id DESC LIMIT :size"
_SURPLUS: Final = "SELECT id FROM mail WHERE state = 'waiting' ORDER BY due_at, id LIMIT 1 OFFSET :most"
_BACKLOG: Final = "SELECT COUNT(*) AS waiting, MIN(queued_at) AS since FROM mail WHERE state = 'waiting'"
_COUNTS: Final = "SELECT state, COUNT(*) AS count FROM mail GROUP BY state"

# Of those that are due, the oldest first for each recipient: a mail that supersedes another arrives after it. One that
# was put off does not hold up what comes after it.
_NEXT: Final = """
    SELECT candidate.id FROM mail AS candidate
    WHERE candidate.state = 'waiting' AND candidate.due_at <= :now AND candidate.claimed_until <= :now
      AND NOT EXISTS (
          SELECT 1 FROM mail AS earlier
          WHERE earlier.recipient = candidate.recipient AND earlier.id < candidate.id
            AND earlier.state = 'waiting' AND earlier.due_at <= :now)
    ORDER BY candidate.due_at, candidate.id LIMIT 1
"""


def insert(
    *,
    message_id: str,
    letter: str,
    recipient: str,
    account_id: str | None,
    challenge_id: str | None,
    language: str,
    facts: str,
    state: str,
    now: int,
) -> Statement:
    """Put a mail into the queue."""
    return statement(
        """
        INSERT INTO mail (message_id, letter, recipient, account_id, challenge_id, language, facts, state, queued_at,
                          due_at, claimed_until, claim, tries, why, done_at)
        VALUES (:message_id, :letter, :recipient, :account_id, :challenge_id, :language, :facts, :state, :now,
                :now, 0, '', 0, '', :done_at)
        """,
        message_id=message_id,
        letter=letter,
        recipient=recipient,
        account_id=account_id,
        challenge_id=challenge_id,
        language=language,
        facts=facts,
        state=state,
        now=now,
        done_at=None if state == "waiting" else now,
    )


_TO_OWNER: Final = """
    INSERT INTO mail (message_id, letter, recipient, account_id, challenge_id, language, facts, state, queued_at,
                      due_at, claimed_until, claim, tries, why, done_at)
    SELECT CAST(:message_id AS TEXT), CAST(:letter AS TEXT), email, CAST(:kept_as AS TEXT), CAST(:challenge_id AS TEXT),
           language, CAST(:facts AS TEXT), 'waiting', CAST(:now AS BIGINT), CAST(:now AS BIGINT), 0, '', 0, '', NULL
    FROM account WHERE id = :account_id AND email_verified_at IS NOT NULL
"""

# A device is known when its browser and its network have both been seen in the sessions that are still remembered. The
# first session of all is no news.
_IF_DEVICE_IS_NEW: Final = """
      AND EXISTS (SELECT 1 FROM session WHERE account_id = :account_id AND id <> :session_id)
      AND (NOT EXISTS (SELECT 1 FROM session WHERE account_id = :account_id AND id <> :session_id
                          AND user_agent = :user_agent)
           OR NOT EXISTS (SELECT 1 FROM session WHERE account_id = :account_id AND id <> :session_id
                             AND ip_prefix = :ip_prefix))
"""


def insert_to_owner(
    account_id: str,
    *,
    kept_as: str | None,
    message_id: str,
    letter: str,
    challenge_id: str | None,
    facts: str,
    now: int,
) -> Statement:
    """Queue a mail to the proved address that an account has at that moment; to an unproved one none is sent."""
    return statement(
        _TO_OWNER,
        account_id=account_id,
        kept_as=kept_as,
        message_id=message_id,
        letter=letter,
        challenge_id=challenge_id,
        facts=facts,
        now=now,
    )


def insert_if_device_is_new(
    account_id: str,
    *,
    session_id: str,
    user_agent: str,
    ip_prefix: str,
    message_id: str,
    letter: str,
    facts: str,
    now: int,
) -> Statement:
    """Queue a mail about a session, unless the account knows the device."""
    return statement(
        _TO_OWNER + _IF_DEVICE_IS_NEW,
        account_id=account_id,
        kept_as=account_id,
        session_id=session_id,
        user_agent=user_agent,
        ip_prefix=ip_prefix,
        message_id=message_id,
        letter=letter,
        challenge_id=None,
        facts=facts,
        now=now,
    )


def claim(name: str, *, now: int, until: int) -> Statement:
    """Take the next mail that is due, for so long; of many who try, one gets it."""
    return statement(
        f"""
        UPDATE mail SET claim = :name, claimed_until = :until, tries = tries + 1
        WHERE id = ({_NEXT}) AND state = 'waiting' AND claimed_until <= :now RETURNING {_COLUMNS}
        """,
        name=name,
        now=now,
        until=until,
    )


def finish(mail_id: int, *, claim: str, state: str, why: str, now: int) -> Statement:
    """Say what became of a claimed mail; guarded, because the claim may have ended meanwhile.

    Of the farewell to somebody who has left, not even the address is kept.
    """
    return guarded(
        """
        UPDATE mail SET state = :state, why = :why, done_at = :now, claimed_until = 0,
            recipient = CASE WHEN letter = 'account_deleted' THEN '' ELSE recipient END
        WHERE id = :id AND claim = :claim AND state = 'waiting' RETURNING id
        """,
        id=mail_id,
        claim=claim,
        state=state,
        why=why,
        now=now,
    )


def put_off(mail_id: int, *, claim: str, until: int, why: str) -> Statement:
    """Let a claimed mail wait for its next try."""
    return guarded(
        """
        UPDATE mail SET due_at = :until, claimed_until = 0, why = :why
        WHERE id = :id AND claim = :claim AND state = 'waiting' RETURNING id
        """,
        id=mail_id,
        claim=claim,
        until=until,
        why=why,
    )


def retry(mail_id: int, *, now: int) -> Statement:
    """Put a mail that was set aside back into the queue, or one that waits for its next try to the front."""
    return guarded(
        """
        UPDATE mail SET state = 'waiting', queued_at = :now, due_at = :now, done_at = NULL
        WHERE id = :id AND state IN ('set_aside', 'waiting') AND claimed_until <= :now RETURNING id
        """,
        id=mail_id,
        now=now,
    )


async def page(database: Database, state: str, *, before: int, size: int) -> list[Row]:
    """List mails in one state, the newest first."""
    return await database.fetch_all(_PAGE, state=state, before=before, size=size)


async def of_account(database: Database, account_id: str, *, size: int) -> list[Row]:
    """List what is kept of mails to an account."""
    return await database.fetch_all(_OF_ACCOUNT, account_id=account_id, size=size)


async def is_full(database: Database, *, most: int) -> bool:
    """Tell whether more than that many wait."""
    return await database.fetch_one(_SURPLUS, most=most) is not None


async def backlog(database: Database) -> tuple[int, int | None]:
    """Count what waits, and tell since when the oldest does."""
    row = await database.fetch_one(_BACKLOG)
    return (0, None) if row is None else (row["waiting"], row["since"])


async def counts(database: Database) -> dict[str, int]:
    """Count mails by state."""
    return {row["state"]: row["count"] for row in await database.fetch_all(_COUNTS)}


def erase(account_id: str) -> Statement:
    """Delete what is kept of mails to an account."""
    return statement("DELETE FROM mail WHERE account_id = :account_id", account_id=account_id)


def forget(*, before: int) -> Statement:
    """Delete what was done with long ago."""
    return statement("DELETE FROM mail WHERE done_at < :before", before=before)
