"""Bringing people in, batch by batch: accounts, passwords, lines of the trail and the place in the file in one write.

What is imported is as good as registered: the same rules for addresses, names and profiles, the same bounds for hashes
as at every log-in. A person whose login is taken is skipped, never merged: an import must not be a way into an account.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from doorward.accounts.flows import Accounts
from doorward.accounts.model import Account, check_username, login_key
from doorward.audit.flows import entries
from doorward.core.identifiers import new_identifier
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed
from doorward.errors import LoginTaken
from doorward.foundation import Flows, Foundation
from doorward.hooks import AccountImported
from doorward.importing import reading, store, systems
from doorward.importing.model import Convert, NotImportable, Person
from doorward.importing.reading import Record
from doorward.passwords.flows import Passwords

BATCH: Final = 250
_ATTEMPTS: Final = 5
"""How often a batch is tried in which somebody registers a login at the same moment."""

Outcome = Literal["imported", "skipped", "refused", "noted"]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one record: ``words`` say why, ``account_id`` who it is here, ``former_id`` who it was there."""

    number: int
    outcome: Outcome
    words: str = ""
    account_id: str = ""
    former_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to import. ``stop_on_conflict`` ends at the first login that is taken."""

    dry_run: bool = False
    stop_on_conflict: bool = False
    with_roles: bool = False
    without_bad_hashes: bool = False
    """Import a person whose hash cannot be verified here, without a password, instead of refusing them."""


@dataclass(slots=True)
class Summary:
    """How many there were. ``resumed_at`` records had been imported by an earlier run."""

    imported: int = 0
    skipped: int = 0
    refused: int = 0
    resumed_at: int = 0
    was_finished: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int
    account: Account
    former_id: str
    hashed: str | None = field(repr=False)

    @property
    def keys(self) -> list[str]:
        names = (self.account.email, self.account.username)
        return [login_key(name) for name in names if name is not None]


def source(path: Path) -> tuple[bytes, Iterator[Record]]:
    """Open a file: the digest of its content, and its records one by one."""
    return reading.digest(path), reading.read(path)


def converter(form: str, *, firebase_parameters: str = "") -> Convert:
    """Return how a record of a format becomes a person. Raises :class:`~doorward.importing.model.NotImportable`."""
    if form == "firebase":
        return systems.firebase(systems.FirebaseParameters.read(firebase_parameters))
    return systems.SYSTEMS[form]


class Imports(Flows):
    """People who come from elsewhere."""

    def __init__(self, foundation: Foundation, *, accounts: Accounts, passwords: Passwords) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._accounts = accounts
        self._passwords = passwords

    async def run(
        self,
        records: Iterable[Record],
        convert: Convert,
        *,
        digest: bytes,
        form: str,
        options: Options,
        tell: Callable[[Told], None],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Summary:
        """Import a file, from where an earlier run of the same content has stopped.

        ``tell`` hears of every record whose batch is written, ``progress`` how many bytes were read. Raises
        :class:`LoginTaken` where a conflict stops it, or another import of the same file is under way.
        """
        summary, rest = Summary(), iter(records)
        if not options.dry_run:
            await self._database.write(store.begin(digest, form=form, now=self._clock()))
        row = await store.find(self._database, digest)
        if row is not None:
            summary.resumed_at, summary.was_finished = row["position"], row["finished_at"] is not None
        position = summary.resumed_at
        seen: set[str] = set()  # in a dry run nothing is written that the next batch could find
        for _ in islice(rest, position):
            pass
        while batch := list(islice(rest, BATCH)):
            told = await self._batch(batch, convert, digest=digest, position=position, options=options, seen=seen)
            position += len(batch)
            for each in told:
                tell(each)
                if each.outcome != "noted":
                    setattr(summary, each.outcome, getattr(summary, each.outcome) + 1)
            progress(batch[-1].offset)
        if not options.dry_run and not summary.was_finished:
            await self._database.write(store.finish(digest, now=self._clock()))
        return summary

    async def _batch(
        self,
        batch: Sequence[Record],
        convert: Convert,
        *,
        digest: bytes,
        position: int,
        options: Options,
        seen: set[str],
    ) -> list[Told]:
        now, notes = self._clock(), []
        candidates: list[_Candidate] = []
        for record in batch:
            judged = self._judge(record, convert, options, now=now)
            if isinstance(judged, Told):
                notes.append(judged)
                continue
            candidate, note = judged
            candidates.append(candidate)
            notes += note
        for _ in range(_ATTEMPTS):
            new, skipped = await self._sort(candidates, seen if options.dry_run else set(), options)
            if options.dry_run:
                return [*notes, *skipped, *(Told(each.number, "imported", "", "", each.former_id) for each in new)]
            told = [
                *notes,
                *skipped,
                *(Told(each.number, "imported", "", each.account.id, each.former_id) for each in new),
            ]
            try:
                await self._write(new, told, digest=digest, position=position, size=len(batch), now=now)
            except Duplicate:  # somebody registered at this moment: look again
                continue
            except GuardFailed:
                raise LoginTaken("import", detail="Another import of the same file is under way.") from None
            return told
        raise LoginTaken("import", detail="Logins of the file are being registered all the time; try again later.")

    async def _write(
        self, new: Sequence[_Candidate], told: Sequence[Told], *, digest: bytes, position: int, size: int, now: int
    ) -> None:
        counts = {name: sum(each.outcome == name for each in told) for name in ("imported", "skipped", "refused")}
        statements = [store.advance(digest, was=position, position=position + size, **counts)]
        if new:
            events = [AccountImported(account_id=each.account.id) for each in new]
            statements += [
                self._accounts.importing([each.account for each in new]),
                entries(events, now=now, source=Source()),
            ]
        hashes = {each.account.id: each.hashed for each in new if each.hashed is not None}
        if hashes:
            statements.append(self._passwords.importing(hashes, now=now))
        await self._database.write(*statements)

    async def _sort(
        self, candidates: Sequence[_Candidate], seen: set[str], options: Options
    ) -> tuple[list[_Candidate], list[Told]]:
        """Tell those who are new from those whose login is taken, here or further up in the file."""
        keys = [key for each in candidates for key in each.keys]
        taken = await self._accounts.taken(keys) if keys else set()
        new, skipped = [], []
        for each in candidates:
            if any(key in taken or key in seen for key in each.keys):
                if options.stop_on_conflict:
                    raise LoginTaken("import", detail=f"Line {each.number}: the login is taken.")
                skipped.append(Told(each.number, "skipped", "the login is taken", "", each.former_id))
            else:
                seen.update(each.keys)
                new.append(each)
        return new, skipped

    def _judge(
        self, record: Record, convert: Convert, options: Options, *, now: int
    ) -> "tuple[_Candidate, list[Told]] | Told":
        try:
            if record.members is None:
                raise NotImportable(record.error)
            person = convert(record.members)
            notes: list[str] = []
            username = self._username(person, notes)
            hashed = self._hash(person, options, notes)
            account = Account(
                id=new_identifier("acc", self._entropy),
                email=person.email,
                email_verified_at=(person.created_at or now) if person.email_verified else None,
                username=username,
                profile=dict(person.profile),
                roles=person.roles if options.with_roles else (),
                created_at=now if person.created_at is None else max(0, min(person.created_at, now)),
                last_login_at=None,
                disabled_at=now if person.disabled else None,
            )
            errors = self._accounts.check(account)
            if errors:
                raise NotImportable("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        except NotImportable as wrong:
            return Told(record.number, "refused", str(wrong))
        noted = [Told(record.number, "noted", words, account.id, person.former_id) for words in notes]
        return _Candidate(record.number, account, person.former_id, hashed), noted

    def _username(self, person: Person, notes: list[str]) -> str | None:
        """Keep a name that can be one here; many systems put the address there, which is a login anyway."""
        name = person.username
        if name is None or login_key(name) == login_key(person.email):
            return None
        if check_username(name) is not None:
            notes.append("imported without the username, which cannot be one here")
            return None
        return name

    def _hash(self, person: Person, options: Options, notes: list[str]) -> str | None:
        if person.stored is None:
            notes.append("imported without a password: there is none in the file")
            return None
        hashed = self._passwords.importable(person.stored)
        if hashed is None and not options.without_bad_hashes:
            raise NotImportable("the hash is of no kind that is known here, or asks for too much work")
        if hashed is None:
            notes.append("imported without a password: the hash cannot be verified here")
        return hashed
