"""Starting, resuming and ending sessions.

Ending is three statements in one write: end the row, record the revocation of what was just ended, add a line to the
trail. From the commit on this process refuses the session's access tokens; the others follow within a fraction of a
second (``revocation/flows.py``).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from doorward.audit.flows import entry
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.core.opaque import HANDLE_BYTES, Opaque, seal, unseal
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import SessionsEnded
from doorward.mail.flows import Outbox
from doorward.revocation.flows import Revocations
from doorward.sessions import store
from doorward.sessions.changes import Changes
from doorward.sessions.hot import Hot, HotSessions
from doorward.sessions.model import (
    COOKIE_PREFIX,
    Resumed,
    Session,
    Transport,
    decide_lifetimes,
    decide_seen_interval,
)
from doorward.sessions.sightings import Sightings
from doorward.status_lists.flows import StatusLists
from doorward.verify.model import digest

PAGE_SIZE: Final = 50
MOST_EXPORTED: Final = 10_000
_THE_NEWEST: Final = (1 << 62, "")


@dataclass(frozen=True, slots=True)
class Page:
    """Some live sessions, the newest first, and where to go on (``None``: that was all)."""

    sessions: tuple[Session, ...]
    next: str | None


class Sessions(Flows):
    """The sessions of this server."""

    def __init__(
        self, foundation: Foundation, *, revocations: Revocations, status_lists: StatusLists, outbox: Outbox
    ) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._revocations = revocations
        self._status_lists = status_lists
        self._outbox = outbox
        self._hot = HotSessions()
        self._sightings = Sightings(self._database, interval=decide_seen_interval(self._settings.sessions))
        self._changes = Changes(self._database, self._hot)
        revocations.on_obey(lambda digest: self._hot.drop((digest,)))

    # -- starting ----------------------------------------------------------------------------------------------------

    def new(
        self, account_id: str, *, transport: Transport, remember: bool, amr: tuple[str, ...], source: Source, now: int
    ) -> Session:
        """Make a session that is not stored yet; :meth:`starting` stores it within the write of a log-in."""
        settings = self._settings
        lifetimes = decide_lifetimes(transport, remember=remember, sessions=settings.sessions, tokens=settings.tokens)
        identifier = new_identifier("ses", self._entropy)
        return Session(
            id=identifier,
            account_id=account_id,
            handle=self._entropy(HANDLE_BYTES),
            generation=1,
            digest=digest("session", identifier),
            transport=transport,
            amr=amr,
            auth_time=now,
            created_at=now,
            last_seen_at=now,
            idle_lifetime=lifetimes.idle,
            expires_at=now + lifetimes.absolute,
            remembered=remember,
            user_agent=source.user_agent,
            ip_prefix=source.ip_prefix,
            status_serial=self._status_lists.serial(),
        )

    def starting(self, session: Session, *, live: int, now: int, source: Source = Source()) -> list[Statement]:  # noqa: B008
        """Make the statements that start a session; ``live`` is how many the account has already.

        The owner is told of it by mail when ``source`` is a device that the account does not know.
        """
        keep = self._settings.sessions.max_per_account
        places = self._status_lists.entering(session.status_serial, session.id, expires_at=session.expires_at)
        statements = [store.insert(session), *places]
        if source.network:
            statements += self._outbox.telling_of_device(
                session.account_id, session_id=session.id, source=source, now=now
            )
        if live >= keep:
            statements += [
                store.end_surplus(session.account_id, now=now, keep=keep),
                self._revocation(session.account_id, now),
            ]
        return statements

    def cookie(self, session: Session) -> str:
        """Write the value of the session's cookie; the same session and generation give the same value."""
        return seal(self._ring, COOKIE_PREFIX, Opaque(session.handle, session.generation))

    def lifetime_of_cookie(self, session: Session) -> int | None:
        """Tell for how long a browser should keep the cookie: ``None`` until it is closed, or seconds."""
        return session.expires_at - self._clock() if session.remembered else None

    # -- resuming ----------------------------------------------------------------------------------------------------

    async def resume(self, cookie: str) -> Resumed | None:
        """Find the live session behind a cookie's value, or ``None`` for whatever reason.

        A value of an older generation is refused: it was replaced at a log-in, a step-up or a password change.
        """
        now = self._clock()
        hot = self._hot.find(cookie, now=now)
        if hot is None:
            ticket = self._hot.ticket()
            hot = await self._read(cookie, now)
            if hot is None:
                return None
            self._hot.put(cookie, hot, ticket=ticket)
        session = hot.resumed.session
        if not session.is_live(now, seen_at=hot.seen_at):
            return None
        hot.seen_at = max(now, hot.seen_at)
        self._sightings.note(session.id, now)
        return hot.resumed

    async def _read(self, cookie: str, now: int) -> Hot | None:
        opaque = unseal(self._ring, COOKIE_PREFIX, cookie)
        row = None if opaque is None else await store.find_by_handle(self._database, opaque.handle)
        if opaque is None or row is None or row["disabled_at"] is not None:
            return None
        session = self._as_seen(store.from_row(row))
        if session.generation != opaque.generation or session.transport != "cookie" or not session.is_live(now):
            return None
        serial = await self._status_lists.settle(session.id, session.status_serial, expires_at=session.expires_at)
        session = replace(session, status_serial=serial)
        resumed = Resumed(session, tuple(json.loads(row["roles"])), row["email_verified_at"] is not None)
        return Hot(resumed, read_at=now, seen_at=session.last_seen_at)

    def _as_seen(self, session: Session) -> Session:
        """Add to what is written of a session's use what is only noted yet."""
        return replace(session, last_seen_at=max(session.last_seen_at, self._sightings.latest(session.id)))

    async def behind(self, cookie: str) -> Session | None:
        """Find the session of a genuine cookie of any generation, live or not, for an operator; nothing is touched."""
        opaque = unseal(self._ring, COOKIE_PREFIX, cookie)
        row = None if opaque is None else await store.find_by_handle(self._database, opaque.handle)
        return None if row is None else store.from_row(row)

    async def was_renewed(self, cookie: str) -> bool:
        """Tell whether a cookie that is refused was genuine until a step-up, and its session goes on with the next."""
        session = await self.behind(cookie)
        return session is not None and session.transport == "cookie" and session.is_live(self._clock())

    async def find(self, session_id: str) -> Session | None:
        """Find a session by its public id, live or not."""
        return await store.find(self._database, session_id)

    async def page(self, account_id: str, *, cursor: str = "") -> Page:
        """List an account's live sessions. ``cursor`` is the ``next`` of the page before; nonsense starts anew."""
        now = self._clock()
        rows = await store.live_page(
            self._database, account_id, now=now, before=_read_cursor(cursor), size=PAGE_SIZE + 1
        )
        page = [self._as_seen(_last_seen(row)) for row in rows[:PAGE_SIZE]]
        following = f"{page[-1].created_at}.{page[-1].id}" if len(rows) > PAGE_SIZE else None
        return Page(tuple(session for session in page if session.is_live(now)), following)

    # -- ending ------------------------------------------------------------------------------------------------------

    def ending_one(self, session_id: str, *, account_id: str, now: int) -> list[Statement]:
        """Make the statements that end one session; the first is guarded, so of many racers one succeeds."""
        return [store.end_one(session_id, account_id=account_id, now=now), self._revocation(account_id, now)]

    def replacing(self, session: Session, *, now: int) -> list[Statement]:
        """Make the statements that end the session whose place a log-in takes."""
        return [store.end_replaced(session.id, now=now), self._revocation(session.account_id, now)]

    def ending_all(self, account_id: str, *, now: int, but: str = "") -> list[Statement]:
        """Make the statements that end an account's sessions, for the write of whatever is the reason."""
        return [store.end_all(account_id, now=now, but=but), self._revocation(account_id, now)]

    def telling_of_theft(self, account_id: str, *, source: Source, now: int) -> list[Statement]:
        """Make the statement that tells an owner that a session was ended because somebody may have copied it."""
        return self._outbox.telling_owner("session_stolen", account_id, source=source, now=now)

    async def export(self, account_id: str) -> list[dict[str, Any]]:
        """List everything that is remembered of an account's sessions, for its owner."""
        rows = await store.of_account(self._database, account_id, size=MOST_EXPORTED)
        return [
            {name: row[name] for name in ("id", "transport", "amr", "created_at", "last_seen_at", "auth_time",
                                          "ended_at", "user_agent", "ip_prefix")}
            for row in rows
        ]  # fmt: skip

    def obey(self, results: Sequence[Sequence[Row]]) -> None:
        """Heed at once, in this process, what a write with statements of this class has just revoked or changed."""
        for rows in results:
            self._revocations.obey(row for row in rows if "forget_at" in set(row.keys()))
            self._changes.obey(rows)

    async def end(self, session_id: str, *, account_id: str, why: str, source: Source = Source()) -> None:  # noqa: B008
        """End one session of an account.

        Raises :class:`NotFound` where there is no such live session, or it is somebody else's: the same answer.
        """
        now = self._clock()
        event = SessionsEnded(account_id=account_id, session_id=session_id, why=why)
        if not is_identifier("ses", session_id):
            raise NotFound("not a session id")
        try:
            results = await self._database.write(
                *self.ending_one(session_id, account_id=account_id, now=now), entry(event, now=now, source=source)
            )
        except GuardFailed:
            raise NotFound("no such live session of this account") from None
        self.obey(results)
        await self._events.publish(event)

    async def end_all(self, account_id: str, *, but: str = "", why: str, source: Source = Source()) -> int:  # noqa: B008
        """End all sessions of an account, but perhaps one; return how many there were."""
        now = self._clock()
        event = SessionsEnded(account_id=account_id, why=why)
        ended, *rest = await self._database.write(
            *self.ending_all(account_id, now=now, but=but), entry(event, now=now, source=source)
        )
        self.obey(rest)
        await self._events.publish(replace(event, count=len(ended)))
        return len(ended)

    # -- changing ----------------------------------------------------------------------------------------------------

    def renewing(self, session: Session, *, now: int) -> tuple[Session, list[Statement]]:
        """Make the session with the next cookie generation, and the statements that make it true, guarded.

        Hand what came back to :meth:`obey`, here and wherever this says *statements*.
        """
        renewed = replace(session, generation=session.generation + 1)
        return renewed, [store.renew_cookie(session), *self._changes.of_session(session, now=now)]

    def reauthenticating(self, session: Session, *, now: int) -> tuple[Session, list[Statement]]:
        """Make the session with a new ``auth_time`` and deadline, and the statements that make it true, guarded.

        Re-authentication resets both time-outs (NIST SP 800-63B-4 §5.2).
        """
        expires_at = now + session.expires_at - max(session.created_at, session.auth_time)
        renewed = replace(
            session, auth_time=now, last_seen_at=now, expires_at=expires_at, generation=session.generation + 1
        )
        return renewed, [
            store.reauthenticate(session, now=now, expires_at=expires_at),
            *self._changes.of_session(session, now=now),
        ]

    def moving(self, session_id: str, *, now: int) -> list[Statement]:
        """Make the statements that move a session to another place in the status lists, if there are any.

        For the write that revokes one of its tokens; the next token, of a remembered session too, names the new place.
        """
        moves = self._status_lists.moving(session_id, now=now)
        return [*moves, self._changes.of_place(session_id, now=now)] if moves else []

    def changing_account(self, account_id: str, *, now: int) -> Statement:
        """Make the statement for the write of whatever changes what a principal says of its account.

        That is: the roles, and whether the address is verified. Sessions that are remembered are then read again.
        """
        return self._changes.of_account(account_id, now=now)

    # -- what others have done ---------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Forget what others have changed, as ``Revocations.follow`` does; from then on memory answers.

        Call it after that one. Raises :class:`StorageUnavailable`; call :meth:`distrust` then.
        """
        await self._changes.follow()

    def distrust(self) -> None:
        """Answer every request by a query until the next :meth:`follow`: nobody tells this process what has ended."""
        self._hot.distrust()

    # -- keeping house -----------------------------------------------------------------------------------------------

    async def keep_writing(self) -> None:
        """Write when sessions were last used, every interval until cancelled."""
        await self._sightings.keep_writing()

    async def write_seen(self) -> None:
        """Write it now, if there is a database: at the end of the process."""
        await self._sightings.write_if_possible()

    def clean_up(self, *, now: int) -> list[Statement]:
        """Make the statements that forget what ended so long ago that no token can name it, and what changed."""
        ended = store.forget(before=now - self._settings.tokens.refresh_lifetime)
        return [ended, self._changes.clean_up(now=now)]

    def _revocation(self, account_id: str, now: int) -> Statement:
        return self._revocations.of_selected(store.ENDED_NOW, account_id=account_id, now=now)


def _last_seen(row: Row) -> Session:
    session = store.from_row(row)
    return replace(session, last_seen_at=max(session.last_seen_at, row["rotated_at"]))


def _read_cursor(cursor: str) -> tuple[int, str]:
    created_at, _, session_id = cursor.partition(".")
    if created_at.isascii() and created_at.isdecimal() and len(created_at) <= 12 and is_identifier("ses", session_id):
        return int(created_at), session_id
    return _THE_NEWEST
