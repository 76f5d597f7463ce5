"""The trail: writing a line beside its act, sealing lines into the chain, reading, verifying and forgetting them.

A line belongs into the same write as the act it tells of (ASVS 16.3). Chaining it there would put every write of every
process in one line, so it is only recorded; a sealer in each process looks every second for what has been committed
meanwhile, whatever the ids, and links it, one batch after the other. One guarded insert decides which sealer goes on.
"""

import dataclasses
import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from doorward.audit import store
from doorward.audit.model import (
    ERASING_EVENT,
    GENESIS,
    PSEUDONYM_PREFIX,
    SALT_BYTES,
    Checkpoint,
    Examination,
    Fault,
    Line,
    commitment_of,
    digest_of,
    is_anchor,
    is_superseded,
    sign,
    sign_anchor,
)
from doorward.core.identifiers import new_identifier
from doorward.core.secret import KEY_ID_BYTES
from doorward.core.source import OPERATOR, Source
from doorward.db import Duplicate, GuardFailed, Statement
from doorward.foundation import Flows
from doorward.gates import Question, Refusal, problem, refused
from doorward.hooks import AuditPruned, AuditPseudonymised, Event

BATCH: Final = 256
"""Lines that are sealed in one write."""

SPACING: Final = 3600
"""Seconds between two checkpoints that are kept: with one for every second, a year would have 31 million."""

LINES_BETWEEN: Final = 10_000
"""Lines between two checkpoints at most, fewer than are forgotten in one write."""

PRUNED_AT_ONCE: Final = 20_000
"""Lines forgotten in one write, so that a trail left alone for years takes no statement beyond its time-out."""

PAGE_SIZE: Final = 50
_READ_AT_ONCE: Final = 1000
_THE_NEWEST: Final = 1 << 62
_LATE: Final = 300
"""Seconds after which a line should have been sealed, whatever the load."""

MOST_EXPORTED: Final = 10_000
"""Lines of the trail in the copy that an owner takes along, the newest."""

_IN_COLUMNS = ("account_id", "session_id")
_log = logging.getLogger("doorward.audit")


def entry(event: Event, *, now: int, source: Source) -> Statement:
    """Make the statement that adds an event to the trail; the caller puts it beside the act's own statements.

    JSON escapes line breaks and control characters, so nothing that a caller typed can forge a line (ASVS 16.4.1).
    """
    return store.record(_columns(event, now=now, source=source))


def entries(events: Sequence[Event], *, now: int, source: Source) -> Statement:
    """Make one statement that adds many events, for a write of many acts."""
    return store.record(*(_columns(event, now=now, source=source) for event in events))


def _columns(event: Event, *, now: int, source: Source) -> dict[str, Any]:
    members = {
        field.name: getattr(event, field.name) for field in dataclasses.fields(event) if field.name not in _IN_COLUMNS
    }
    return {
        "recorded_at": now,
        "event": event.name,
        "account_id": event.account_id,
        "session_id": event.session_id,
        "actor": (event.account_id or source.actor) if event.proves and source.actor != OPERATOR else source.actor,
        "request_id": source.request_id,
        "ip_prefix": source.ip_prefix,
        "detail": json.dumps(members, separators=(",", ":")),
    }


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Some lines, the newest first, and where to go on (``None``: that was all)."""

    lines: tuple[Line, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a verification. ``unsealed`` lines are not in the chain yet."""

    faults: tuple[Fault, ...]
    lines: int
    erased: int
    begins_after: int
    ends_at: int
    unsealed: int
    began_at: int = 0
    """The oldest checkpoint when the reading began."""


class Asking(Flows):
    """Flows that ask the host's gates before they write."""

    async def _pass_gates(
        self, question: Question, *, account_id: str | None = None, source: Source, also: Iterable[Statement] = ()
    ) -> Mapping[str, Any]:
        """Ask, and return the claims that were added; or remember the refusal, together with ``also``, and raise it.

        Raises :class:`~doorward.errors.RefusedByPolicy`.
        """
        if not self._gates.has(type(question)):
            return {}
        verdict = await self._gates.ask(question)
        if isinstance(verdict, Refusal):
            event = refused(question, verdict, account_id=account_id)
            await self._database.write(*also, entry(event, now=self._clock(), source=source))
            await self._events.publish(event)
            raise problem(verdict)
        return verdict.claims


class Audit(Flows):
    """The trail of this instance."""

    _known: Checkpoint | None = None

    async def seal(self) -> int:
        """Link what has been committed since the last time; return how many lines that were.

        Several processes may call it at once: one goes on, the others find their work done.
        """
        lines = await store.unsealed(self._database, size=BATCH)
        if not lines:
            return 0
        last = await store.last_checkpoint(self._database)
        self._watch(last)
        previous = 0 if last is None else last.position
        digest, position, now = GENESIS if last is None else last.digest, previous, self._clock()
        statements = []
        for line in lines:
            position += 1
            salt = self._entropy(SALT_BYTES)
            commitment = commitment_of(line, salt)
            digest = digest_of(line, position=position, commitment=commitment, previous=digest)
            statements.append(store.seal(line, position=position, salt=salt, commitment=commitment, digest=digest))
        mac = sign(self._ring, position=position, previous=previous, digest=digest, sealed_at=now)
        checkpoint = Checkpoint(position, previous, digest, now, mac)
        if last is not None and is_superseded(last, position=position, now=now, spacing=SPACING, most=LINES_BETWEEN):
            statements.append(store.supersede(last.position))
        try:
            await self._database.write(store.insert_checkpoint(checkpoint), *statements)
        except (Duplicate, GuardFailed):
            return 0
        self._known = checkpoint
        return len(lines)

    async def unsealed(self) -> int:
        """Count the lines that are not sealed yet."""
        return (await store.waiting(self._database))[0]

    async def seal_all(self) -> int:
        """Seal until nothing waits; return how many lines that were."""
        total = 0
        while sealed := await self.seal():
            total += sealed
            if sealed < BATCH:
                break
        return total

    async def page(self, account_id: str | None, *, cursor: str = "") -> TrailPage:
        """List lines, the newest first: an account's own, or with ``None`` everybody's. Nonsense starts anew."""
        before = int(cursor) if cursor.isascii() and cursor.isdecimal() and len(cursor) < 19 else _THE_NEWEST
        lines = await store.newest(self._database, account_id=account_id, before=before, size=PAGE_SIZE + 1)
        following = str(lines[PAGE_SIZE - 1].id) if len(lines) > PAGE_SIZE else None
        return TrailPage(tuple(lines[:PAGE_SIZE]), following)

    async def export(self, account_id: str) -> list[dict[str, object]]:
        """List the newest lines that are about an account, for its owner."""
        lines = await store.newest(self._database, account_id=account_id, before=_THE_NEWEST, size=MOST_EXPORTED)
        return [
            {name: getattr(line, name) for name in ("recorded_at", "event", "session_id", "ip_prefix")}
            for line in lines
        ]

    async def sealed(self, *, after: int = 0) -> AsyncIterator[Line]:
        """Read every sealed line after a position, in the order of the chain, a thousand at a time."""
        last = await store.last_checkpoint(self._database)
        up_to = 0 if last is None else last.position
        while lines := await store.sealed(self._database, after=after, up_to=up_to, size=_READ_AT_ONCE):
            for line in lines:
                yield line
            after = lines[-1].position or up_to

    async def sealed_after(self, position: int, *, size: int) -> list[Line]:
        """Read the next sealed lines after a position, for whoever follows the trail."""
        return await store.sealed(self._database, after=position, up_to=_THE_NEWEST, size=size)

    async def head(self) -> Checkpoint | None:
        """Return the newest checkpoint, for keeping it elsewhere; ``None`` while nothing is sealed."""
        return await store.last_checkpoint(self._database)

    async def verify(self, expected: Iterable[tuple[int, str]] = ()) -> Verdict:
        """Read the whole trail and say what is wrong with it; changes nothing.

        ``expected`` are checkpoints that were kept elsewhere: without them, a trail whose end was cut off together
        with its checkpoints looks like a younger one.
        """
        expected = list(expected)
        while True:
            verdict = await self._verify(expected)
            # What was pruned while we read is no fault: read again what is left.
            if not verdict.faults or await store.beginning(self._database) == verdict.began_at:
                return verdict

    async def _verify(self, expected: Sequence[tuple[int, str]]) -> Verdict:
        began_at = await store.beginning(self._database)
        examination = Examination(self._ring, await store.checkpoints(self._database))
        for position, digest in expected:
            examination.expect(position, digest)
        after = examination.begins_after
        while lines := await store.sealed(self._database, after=after, up_to=examination.ends_at, size=_READ_AT_ONCE):
            for line in lines:
                examination.read(line)
            after = lines[-1].position or examination.ends_at
        pending = sorted(examination.unexplained)[: examination.MOST_FAULTS]
        # An event that was read came before the line: what is erased by it has its place already when it gets its own.
        after = examination.ends_at
        told = [each for each in pending if await store.is_told(self._database, each, ERASING_EVENT, after=after)]
        faults = examination.end(explained=frozenset(told))
        unsealed, since = await store.waiting(self._database)
        if since is not None and self._clock() - since > _LATE:
            faults.append(Fault(examination.ends_at + 1, f"{unsealed} lines wait to be sealed, the oldest for long"))
        return Verdict(
            tuple(faults),
            examination.lines,
            examination.erased,
            examination.begins_after,
            examination.ends_at,
            unsealed,
            began_at,
        )

    async def prune(self, *, before: int) -> int:
        """Forget what was sealed before a time; return the position after which the trail begins then.

        The last checkpoint that is forgotten stays, signed as the anchor of what follows.
        """
        through = 0
        while (pruned := await self._prune_some(before)) > through:
            through = pruned
        return through

    async def _prune_some(self, before: int) -> int:
        checkpoint = await store.prunable(self._database, before=before, most=PRUNED_AT_ONCE)
        if checkpoint is None:
            return 0
        if is_anchor(self._ring, checkpoint):
            if checkpoint.anchor is not None and checkpoint.anchor[:KEY_ID_BYTES] != self._ring.newest_id:
                mac = sign_anchor(self._ring, checkpoint)
                await self._database.write(store.anchor(checkpoint.position, mac))
            return checkpoint.position
        event = AuditPruned(through=checkpoint.position)
        try:
            await self._database.write(
                store.anchor(checkpoint.position, sign_anchor(self._ring, checkpoint)),
                *store.forget(checkpoint.position),
                entry(event, now=self._clock(), source=Source()),
            )
        except GuardFailed:  # somebody else has pruned further meanwhile
            return 0
        await self._events.publish(event)
        return checkpoint.position

    async def keep(self) -> None:
        """Do what age demands, and tell the log where the chain stands, so that it is known elsewhere."""
        await self.prune(before=self._clock() - self._settings.audit.retention)
        head = await self.head()
        if head is not None:
            _log.info("checkpoint of the audit trail: position %d, digest %s", head.position, head.digest.hex())

    def new_pseudonym(self) -> str:
        """Make a name under which lines about a deleted account remain."""
        return new_identifier(PSEUDONYM_PREFIX, self._entropy)

    def pseudonymising(self, account_id: str, *, pseudonym: str, now: int, source: Source) -> list[Statement]:
        """Make the statements, for the write that deletes an account, that take its person out of the trail."""
        event = AuditPseudonymised(account_id=pseudonym)
        return [
            store.erase(account_id, pseudonym=pseudonym),
            entry(event, now=now, source=dataclasses.replace(source, actor="", ip_prefix="")),
        ]

    def _watch(self, last: Checkpoint | None) -> None:
        """Notice that the chain has become shorter under a running server: the one thing the database cannot hide."""
        known, found = self._known, 0 if last is None else last.position
        if known is not None and found < known.position:
            _log.critical("the audit trail has lost its end: it was sealed up to %d, now to %d", known.position, found)
