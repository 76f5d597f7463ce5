"""Issuing, refreshing and ending tokens.

A refresh is one guarded statement. When it finds no row to rotate, the row is read and ``model.decide_stale`` says
what that means; what has to be remembered is committed before anything is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, assert_never

from doorward.audit.flows import Asking, entry
from doorward.core.opaque import HANDLE_BYTES, Opaque, seal, unseal
from doorward.core.source import Source
from doorward.db import GuardFailed, Statement
from doorward.errors import GrantRefused
from doorward.foundation import Foundation
from doorward.gates import ClaimsForToken
from doorward.hooks import RefreshTokenReused
from doorward.jose import jwt
from doorward.revocation.flows import Revocations
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session
from doorward.status_lists.flows import StatusLists
from doorward.tokens import store
from doorward.tokens.keyring import Keyring
from doorward.tokens.model import (
    ACCESS_TOKEN_TYPE,
    REFRESH_PREFIX,
    Dead,
    Family,
    Replay,
    Reuse,
    decide_stale,
    is_replay,
    why_over,
)
from doorward.verify.model import digest

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token and its life in seconds."""

    text: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a bearer client gets; lifetimes in seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int
    session_id: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose session a refresh token belongs to, and whether it may end the account's other sessions as well."""

    account_id: str
    session_id: str
    speaks_for_account: bool


class Tokens(Asking):
    """The tokens of this issuer."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        keyring: Keyring,
        sessions: Sessions,
        revocations: Revocations,
        status_lists: StatusLists,
    ) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._keyring = keyring
        self._sessions = sessions
        self._revocations = revocations
        self._status_lists = status_lists

    # -- issuing -----------------------------------------------------------------------------------------------------

    def new_family(self, session: Session, *, roles: tuple[str, ...], email_verified: bool, now: int) -> Family:
        """Make a family that is not stored yet; :meth:`starting` stores it within the write of a log-in."""
        return Family(
            id=self._entropy(HANDLE_BYTES),
            session_id=session.id,
            account_id=session.account_id,
            client_id=self._settings.tokens.client_id,
            scope="",
            generation=1,
            rotated_at=now,
            expires_at=now + self._settings.tokens.refresh_lifetime,
            revoked=False,
            auth_time=session.auth_time,
            amr=session.amr,
            roles=roles,
            email_verified=email_verified,
            status_serial=session.status_serial,
        )

    def starting(self, family: Family) -> Statement:
        """Make the statement that stores a new family."""
        return store.insert(
            family.id,
            session_id=family.session_id,
            client_id=family.client_id,
            scope=family.scope,
            now=family.rotated_at,
            expires_at=family.expires_at,
        )

    def replacing(self, session: Session, family: Family, *, spent: str, now: int) -> list[Statement]:
        """Make the statements that give a session a new family, and end the former ones and the token that asked."""
        return [
            store.revoke_families(session.id, now=now),
            self.starting(family),
            self._revocations.of(digest("token", spent), now=now),
        ]

    async def claims_for(self, family: Family, *, source: Source = Source()) -> Mapping[str, Any]:  # noqa: B008
        """Ask the host what it adds to an access token. Ask before the write: a refusal must leave nothing behind.

        Raises :class:`~doorward.errors.RefusedByPolicy`.
        """
        question = ClaimsForToken(
            account_id=family.account_id,
            session_id=family.session_id,
            client_id=family.client_id,
            roles=family.roles,
        )
        return await self._pass_gates(question, account_id=family.account_id, source=source)

    def pair(self, family: Family, *, now: int, claims: Mapping[str, Any] = MappingProxyType({})) -> TokenPair:
        """Write both tokens of a family at its present generation. Call it after the commit, never before.

        ``claims`` are what :meth:`claims_for` has returned.
        """
        access = self.access_token(
            subject=family.account_id,
            session_id=family.session_id,
            client_id=family.client_id,
            scope=family.scope,
            auth_time=family.auth_time,
            amr=family.amr,
            roles=family.roles,
            email_verified=family.email_verified,
            now=now,
            until=family.expires_at,
            status_serial=family.status_serial,
            added=claims,
        )
        return TokenPair(
            access_token=access.text,
            expires_in=access.expires_in,
            refresh_token=seal(self._ring, REFRESH_PREFIX, Opaque(family.id, family.generation)),
            refresh_expires_in=max(0, min(family.expires_at - now, self._settings.tokens.refresh_idle_lifetime)),
            session_id=family.session_id,
        )

    def access_token(
        self,
        *,
        subject: str,
        session_id: str,
        client_id: str,
        scope: str = "",
        auth_time: int,
        amr: tuple[str, ...],
        roles: tuple[str, ...],
        email_verified: bool,
        now: int,
        until: int,
        status_serial: int | None = None,
        added: Mapping[str, Any] = MappingProxyType({}),
    ) -> AccessToken:
        """Sign an access token (RFC 9068 §2.2) for a session that is known to be live, until ``until`` at most.

        ``added`` claims never replace one of ours.
        """
        lifetime = min(self._settings.tokens.access_lifetime, until - now)
        claims: dict[str, object] = {
            **added,
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": subject,
            "client_id": client_id,
            "iat": now,
            "exp": now + lifetime,
            "jti": self._entropy(_JTI_BYTES).hex(),
            "sid": session_id,
            "auth_time": auth_time,
            "amr": amr,
        }
        if scope:
            claims["scope"] = scope
        if roles:
            claims["roles"] = roles
        if email_verified:
            claims["email_verified"] = True
        claims |= self._status_lists.claim(status_serial)
        return AccessToken(jwt.encode(claims, self._keyring.active, typ=ACCESS_TOKEN_TYPE), lifetime)

    async def for_session(
        self,
        session: Session,
        *,
        roles: Iterable[str],
        email_verified: bool,
        source: Source = Source(),  # noqa: B008
    ) -> AccessToken:
        """Sign an access token for a cookie session that has just been resumed; it never outlives the session.

        Raises :class:`~doorward.errors.RefusedByPolicy`.
        """
        now, roles, client_id = self._clock(), tuple(sorted(roles)), self._settings.tokens.client_id
        question = ClaimsForToken(
            account_id=session.account_id, session_id=session.id, client_id=client_id, roles=roles
        )
        added = await self._pass_gates(question, account_id=session.account_id, source=source)
        return self.access_token(
            subject=session.account_id,
            session_id=session.id,
            client_id=client_id,
            auth_time=session.auth_time,
            amr=session.amr,
            roles=roles,
            email_verified=email_verified,
            now=now,
            until=session.expires_at,
            status_serial=session.status_serial,
            added=added,
        )

    # -- refreshing --------------------------------------------------------------------------------------------------

    async def refresh(self, refresh_token: str, *, source: Source = Source()) -> TokenPair:  # noqa: B008
        """Rotate a family and return its next pair.

        Raises :class:`GrantRefused` for every token that is not current, or was not a moment ago.
        """
        opaque = unseal(self._ring, REFRESH_PREFIX, refresh_token)
        count = self._instruments.refreshes.inc
        if opaque is None:
            count("forged")
            raise GrantRefused("not a refresh token of this instance")
        claims = await self._claims_before(opaque, source=source)
        now = self._clock()
        (rows,) = await self._database.write(
            store.rotate(
                opaque.handle,
                generation=opaque.generation,
                now=now,
                idle_since=now - self._settings.tokens.refresh_idle_lifetime,
            )
        )
        if rows:
            count("rotated")
            return await self._following(
                store.family_from_row(opaque.handle, rows[0], revoked=False), now=now, claims=claims
            )
        found = await store.find(self._database, opaque.handle)
        decision = decide_stale(found, presented=opaque.generation, now=now, settings=self._settings.tokens)
        match decision:
            case Replay(family):
                count("replayed")
                return await self._following(family, now=now, claims=claims)
            case Reuse(family):
                await self._end_family(family, now=now, source=source)
                count("reused")
                raise GrantRefused("a spent refresh token came back")
            case Dead(why):
                count("dead")
                raise GrantRefused(why)
            case _:  # pragma: no cover - mypy proves it
                assert_never(decision)

    async def _following(self, family: Family, *, now: int, claims: Mapping[str, Any]) -> TokenPair:
        serial = await self._status_lists.settle(family.session_id, family.status_serial, expires_at=family.expires_at)
        return self.pair(replace(family, status_serial=serial), now=now, claims=claims)

    async def _claims_before(self, opaque: Opaque, *, source: Source) -> Mapping[str, Any]:
        """Ask the host before the rotation, so that a refused refresh can be tried again with the same token."""
        family = await store.find(self._database, opaque.handle) if self._gates.has(ClaimsForToken) else None
        now, settings = self._clock(), self._settings.tokens
        if family is None or why_over(family, now=now, settings=settings) is not None:
            return {}  # nobody asks, or the rotation will say what is wrong
        presented = opaque.generation
        if presented != family.generation and not is_replay(family, presented=presented, now=now, settings=settings):
            return {}  # theft is noticed whatever the host would say
        return await self.claims_for(family, source=source)

    async def family_of(self, refresh_token: str) -> Family | None:
        """Find what a genuine refresh token of any generation belongs to, live or not; for an operator who looks."""
        opaque = unseal(self._ring, REFRESH_PREFIX, refresh_token)
        return None if opaque is None else await store.find(self._database, opaque.handle)

    async def holder(self, refresh_token: str) -> Holder | None:
        """Find what somebody may end who logs out with a refresh token; ``None`` for one that is dead or not ours.

        A spent token of a live family ends its session, as its use would. Only the current one, or one spent a moment
        ago, speaks for the account.
        """
        opaque = unseal(self._ring, REFRESH_PREFIX, refresh_token)
        family = None if opaque is None else await store.find(self._database, opaque.handle)
        now, settings = self._clock(), self._settings.tokens
        if opaque is None or family is None or why_over(family, now=now, settings=settings) is not None:
            return None
        current = opaque.generation >= family.generation or is_replay(
            family, presented=opaque.generation, now=now, settings=settings
        )
        return Holder(family.account_id, family.session_id, speaks_for_account=current)

    async def _end_family(self, family: Family, *, now: int, source: Source) -> None:
        """End the session of a family whose token was stolen, and remember it; a racer may have been quicker."""
        event = RefreshTokenReused(account_id=family.account_id, session_id=family.session_id)
        try:
            results = await self._database.write(
                *self._sessions.ending_one(family.session_id, account_id=family.account_id, now=now),
                store.revoke_families(family.session_id, now=now),
                *self._sessions.telling_of_theft(family.account_id, source=source, now=now),
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            return
        self._sessions.obey(results)
        await self._events.publish(event)
