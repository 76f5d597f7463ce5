"""The signing keys of an instance, as one process holds them: who signs, who is believed, what is published.

The rows are the truth. Several processes may start or rotate at once: every step is a guarded statement or runs into
a unique index, and whoever loses simply reads what the winner wrote. Other processes hear of it like of a revocation.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed, Row, Statement
from doorward.errors import Finding, Misconfigured, StorageUnavailable, TooManyAttempts
from doorward.foundation import Flows, Foundation
from doorward.hooks import SigningKeysRotated
from doorward.jose.keys import KeySet, SigningKey
from doorward.revocation.flows import LEEWAY, Revocations
from doorward.tokens import store
from doorward.tokens.model import KeyRecord, KeyState, SurveyedKey, plan_keys
from doorward.tokens.sealing import is_sealed_with_newest, seal_key, unseal_key
from doorward.verify.model import digest

_log = logging.getLogger("doorward.keys")

KEY_SET_MAX_AGE: Final = 300
"""Seconds for which others may keep the published set: far below ``tokens.key_publication``."""

_ATTEMPTS: Final = 5

MOST_KEYS: Final = 24
"""With so many in use a rotation waits: a set holds 32 (``jose.keys.MAX_KEYS``), and nobody could read more."""


class Keyring(Flows):
    """Who signs and who is believed."""

    def __init__(self, foundation: Foundation, *, revocations: Revocations) -> None:
        """Take what is needed; :meth:`start` reads the keys and makes the first ones."""
        super().__init__(foundation)
        self._revocations = revocations
        self._active: SigningKey | None = None
        self._opened: dict[str, SigningKey] = {}
        self._seen: frozenset[tuple[str, KeyState]] = frozenset()
        self._listeners: list[Callable[[KeySet], None]] = []
        self.published = KeySet(())
        self.document = b'{"keys":[]}'
        self.etag = '""'

    @property
    def active(self) -> SigningKey:
        """The key that signs. Raises :class:`StorageUnavailable` where there is none that can be opened."""
        if self._active is None:
            raise StorageUnavailable("there is no signing key that can be opened here")
        return self._active

    @property
    def is_ready(self) -> bool:
        """Whether this process can sign."""
        return self._active is not None

    def on_change(self, listener: Callable[[KeySet], None]) -> None:
        """Call ``listener`` with the keys that are believed, whenever they change."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Read the keys for the first time.

        A key whose secret has left the ring is retired with SQLite, where nobody else can be using it: its tokens must
        die. On PostgreSQL that could be a node with a wrong secret, so the start is refused. Raises
        :class:`Misconfigured`.
        """
        lost = self._lost(await store.keys(self._database))
        if lost and self._database.dialect != "sqlite":
            raise Misconfigured(
                Finding(
                    f"Signing key {', '.join(lost)} was sealed with a secret that is not set here.",
                    "Set the older secret too, in front of the newer one and a comma; or, if it is gone for good, "
                    "run 'doorward keys rotate --revoke'.",
                )
            )
        await self._give_up(lost)
        await self.load()

    async def load(self) -> None:
        """Read the keys, make those that are missing and do what age demands."""
        for _ in range(_ATTEMPTS):
            stored = await store.keys(self._database)
            if self._lost(stored):
                raise StorageUnavailable("a signing key was sealed with a secret that is not set here")
            records = self._open(stored)
            plan = plan_keys(records, now=self._clock(), settings=self._settings.tokens)
            if plan.is_empty:
                await self._reseal(records)
                return self._hold(records)
            try:
                await self._carry_out(
                    records,
                    retire=plan.retire,
                    promote=plan.promote,
                    active=plan.create_active,
                    staged=plan.create_staged,
                )
            except (Duplicate, GuardFailed):
                _log.debug("another process changed the keys at the same time; reading again")
        raise StorageUnavailable("the signing keys do not come to rest")

    async def follow(self) -> None:
        """Read the keys again after another process may have changed them.

        This is asked after every commit of anybody, so nothing is opened unless a key has come or changed its state.
        """
        records = await store.keys(self._database)
        if _states(records) != self._seen:
            for kid in self._lost(records):
                _log.error("signing key %s was sealed with a secret that is not set here; it is not believed", kid)
            self._hold(self._open(records))
            self._seen = _states(records)

    async def rotate(self, *, revoke: bool, source: Source = Source()) -> str:  # noqa: B008
        """Let the staged key sign and stage another; return the id of the key that signs now.

        With ``revoke`` a new key signs and every key so far, the staged one too, is retired at once: whatever they
        signed is refused from now on, whether it has expired or not. Raises :class:`TooManyAttempts` while so many
        keys are still believed that verifiers would refuse the set.
        """
        event = SigningKeysRotated(revoked=revoke)
        for _ in range(_ATTEMPTS):
            if revoke:
                await self._give_up(self._lost(await store.keys(self._database)))
            await self.load()
            try:
                await self._rotate(self._open(await store.keys(self._database)), event, source)
            except (Duplicate, GuardFailed):
                _log.debug("another process changed the keys at the same time; reading again")
            else:
                await self.follow()
                await self._events.publish(event)
                return self.active.kid
        raise StorageUnavailable("the signing keys do not come to rest")

    async def _rotate(self, keys: Mapping[KeyRecord, SigningKey], event: SigningKeysRotated, source: Source) -> None:
        now = self._clock()
        trail = entry(event, now=now, source=source)
        if event.revoked:
            kids = tuple(record.kid for record in keys)
            revocations = [self._revocations.of(digest("key", kid), kind="key", now=now) for kid in kids]
            results = await self._carry_out(keys, retire=kids, active=True, staged=True, also=(*revocations, trail))
            self._revocations.obey(row for rows in results[len(kids) : 2 * len(kids)] for row in rows)
        elif len(keys) >= MOST_KEYS:
            raise TooManyAttempts("too many keys are still believed", retry_after=self._settings.tokens.access_lifetime)
        else:
            await self._carry_out(keys, promote=True, staged=True, also=(trail,))

    async def records(self) -> list[KeyRecord]:
        """Read every key, retired ones too."""
        return await store.keys(self._database)

    async def survey(self) -> list[SurveyedKey]:
        """Read and open every key for an operator who looks; unlike :meth:`load`, never change or give up one."""
        surveyed = []
        for record in await store.keys(self._database):
            pkcs8 = unseal_key(self._ring, record.kid, record.sealed)
            public = None if pkcs8 is None else SigningKey.from_pkcs8(pkcs8, record.algorithm).public
            surveyed.append(SurveyedKey(record, public, is_sealed_with_newest(self._ring, record.sealed)))
        return surveyed

    def _open(self, records: Iterable[KeyRecord]) -> dict[KeyRecord, SigningKey]:
        """Open the keys in use, as far as they open; what is open stays so, whatever it is sealed with by now."""
        opened = {}
        for record in records:
            if record.state is KeyState.RETIRED:
                continue
            key = self._opened.get(record.kid)
            if key is None:
                pkcs8 = unseal_key(self._ring, record.kid, record.sealed)
                if pkcs8 is None:
                    continue
                key = SigningKey.from_pkcs8(pkcs8, record.algorithm)
            opened[record] = key
        return opened

    def _lost(self, records: Iterable[KeyRecord]) -> list[str]:
        """Name the keys in use that cannot be opened here."""
        return [
            record.kid
            for record in records
            if record.state is not KeyState.RETIRED
            and record.kid not in self._opened
            and unseal_key(self._ring, record.kid, record.sealed) is None
        ]

    async def _give_up(self, kids: Iterable[str]) -> None:
        for kid in kids:
            _log.warning("signing key %s was sealed with a secret that is gone; it is retired", kid)
            revocation = self._revocations.of(digest("key", kid), kind="key", now=self._clock())
            with contextlib.suppress(GuardFailed):  # another process has seen it first
                results = await self._database.write(store.retire_key(kid), revocation)
                self._revocations.obey(results[1])

    async def _carry_out(
        self,
        records: Iterable[KeyRecord],
        *,
        retire: tuple[str, ...] = (),
        promote: bool = False,
        active: bool = False,
        staged: bool = False,
        also: tuple[Statement, ...] = (),
    ) -> list[list[Row]]:
        now = self._clock()
        statements = [store.retire_key(kid) for kid in retire]
        after = list(also)
        if promote:
            verify_until = now + self._settings.tokens.access_lifetime + LEEWAY
            statements += [
                store.demote_key(record.kid, verify_until=verify_until)
                for record in records
                if record.state is KeyState.ACTIVE
            ]
            statements += [
                store.activate_key(record.kid, now=now) for record in records if record.state is KeyState.STAGED
            ]
        if active:
            after.append(store.insert_key(await self._new(KeyState.ACTIVE, now)))
        if staged:
            after.append(store.insert_key(await self._new(KeyState.STAGED, now)))
        return await self._database.write(*statements, *after)

    async def _new(self, state: KeyState, now: int) -> KeyRecord:
        """Make a key, off the event loop: an RSA key takes a second."""
        key = await asyncio.to_thread(SigningKey.generate, self._settings.tokens.algorithm)
        return KeyRecord(
            kid=key.kid,
            algorithm=key.algorithm,
            state=state,
            sealed=seal_key(self._ring, key.kid, key.to_pkcs8(), entropy=self._entropy),
            created_at=now,
            activated_at=now if state is KeyState.ACTIVE else None,
            verify_until=None,
        )

    async def _reseal(self, keys: Mapping[KeyRecord, SigningKey]) -> None:
        """Move keys under the newest secret, so that the older one can be dropped from the ring later."""
        for record, key in keys.items():
            if not is_sealed_with_newest(self._ring, record.sealed):
                sealed = seal_key(self._ring, record.kid, key.to_pkcs8(), entropy=self._entropy)
                await self._database.write(store.reseal_key(record.kid, sealed=sealed))

    def _hold(self, keys: Mapping[KeyRecord, SigningKey]) -> None:
        published = KeySet(key.public for key in keys.values())
        document = json.dumps(published.to_jwks(), separators=(",", ":")).encode()
        self._seen = _states(keys)
        self._opened = {record.kid: key for record, key in keys.items()}
        self._active = next((key for record, key in keys.items() if record.state is KeyState.ACTIVE), None)
        if document != self.document:
            self.published, self.document = published, document
            self.etag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
            for listener in self._listeners:
                listener(published)


def _states(records: Iterable[KeyRecord]) -> frozenset[tuple[str, KeyState]]:
    return frozenset((record.kid, record.state) for record in records if record.state is not KeyState.RETIRED)
