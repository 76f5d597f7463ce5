"""What a token is worth at this moment (RFC 7662), and ending it (RFC 7009), for services that cannot verify one.

Introspection asks the database itself: the session, the account and the revocations of every node, so an ended session
is inactive from the commit on, whichever node is asked. Nothing is cached, least of all under the token alone
(Oathkeeper CVE-2021-32701). Whatever is wrong has one answer, and so has a token for another audience.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from doorward.accounts.flows import Accounts
from doorward.accounts.model import Account
from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.errors import InvalidToken, NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import TokenRevoked
from doorward.jose.jwt import MAX_LEEWAY
from doorward.jose.keys import KeySet
from doorward.revocation.flows import Revocations
from doorward.services.model import ASKS_ALL, KEY_PREFIX, Service
from doorward.services.refusals import UnsupportedTokenType
from doorward.sessions.flows import Sessions
from doorward.sessions.model import COOKIE_PREFIX
from doorward.tokens.flows import Tokens
from doorward.tokens.model import REFRESH_PREFIX
from doorward.verify.model import Believed, check_not_revoked, digest, examine

LEEWAY: Final = 5
"""Seconds that the clock of another of our nodes may be ahead. An expired token is inactive to the second."""


@dataclass(frozen=True, slots=True)
class Active:
    """An active token. Times are whole seconds since 1970 UTC; the account is as it is now, not as the token says."""

    kind: Literal["access", "refresh"]
    audience: str
    account: Account
    client_id: str
    session_id: str
    scope: str
    token_id: str | None
    issued_at: int | None
    expires_at: int
    auth_time: int
    amr: tuple[str, ...]


class Introspection(Flows):
    """Answers services about tokens, and ends tokens for them."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        keys: Callable[[], KeySet],
        tokens: Tokens,
        sessions: Sessions,
        accounts: Accounts,
        revocations: Revocations,
    ) -> None:
        """Take what is needed; ``keys`` returns those that are believed at that moment."""
        super().__init__(foundation)
        self._keys = keys
        self._tokens = tokens
        self._sessions = sessions
        self._accounts = accounts
        self._revocations = revocations

    async def describe(self, token: str, *, service: Service) -> Active | None:
        """Say what an active token is; ``None`` for every other one, and for one that is not this service's business.

        Which kind it is follows from the token; a hint could only say the same or be wrong (RFC 7662 §2.1).
        """
        if token.startswith(REFRESH_PREFIX):
            return await self._refresh_token(token, service)
        believed = await self._believe(token, service, leeway=LEEWAY)
        if believed is None or self._clock() >= believed.ends_at:
            return None
        principal = believed.principal
        account = await self._holder(principal.subject, principal.session_id)
        if account is None:
            return None
        return Active(
            kind="access",
            audience=service.audience,
            account=account,
            client_id=principal.client_id,
            session_id=principal.session_id,
            scope=" ".join(sorted(principal.scope)),
            token_id=principal.token_id,
            issued_at=principal.issued_at,
            expires_at=principal.expires_at,
            auth_time=principal.auth_time,
            amr=principal.amr,
        )

    async def revoke(self, token: str, *, service: Service, source: Source = Source()) -> None:  # noqa: B008
        """End a token: an access token itself, a refresh token with its session and all access tokens of that.

        Returns in the same way for a token that is unknown, dead or another service's. Raises
        :class:`UnsupportedTokenType` for what is of another kind by its form, and :class:`StorageUnavailable`
        whenever it is not certain that the token is dead (fosite CVE-2020-15223).
        """
        if token.startswith((COOKIE_PREFIX, KEY_PREFIX)):
            raise UnsupportedTokenType("a cookie or a service key")
        if token.startswith(REFRESH_PREFIX):
            await self._revoke_family(token, service, source)
            return
        # A verifier behind may believe a token a little beyond its end, so until then there is something to end.
        believed = await self._believe(token, service, leeway=MAX_LEEWAY)
        if believed is None:
            return
        now, principal = self._clock(), believed.principal
        event = TokenRevoked(account_id=principal.subject, session_id=principal.session_id, service=service.name)
        results = await self._database.write(
            self._revocations.of(digest("token", principal.token_id), now=now),
            *self._sessions.moving(principal.session_id, now=now),
            entry(event, now=now, source=source),
        )
        self._sessions.obey(results)
        await self._events.publish(event)

    async def _revoke_family(self, token: str, service: Service, source: Source) -> None:
        holder = await self._tokens.holder(token)
        if holder is None or service.audience != self._settings.audience:
            await self._revocations.follow()  # if somebody ended it a moment ago, 200 means that it counts here too
            return
        with contextlib.suppress(NotFound):  # somebody else was quicker, which is what was asked for
            await self._sessions.end(
                holder.session_id, account_id=holder.account_id, why=f"revoked by service {service.name}", source=source
            )

    async def _refresh_token(self, token: str, service: Service) -> Active | None:
        if ASKS_ALL not in service.may or service.audience != self._settings.audience:
            return None
        holder = await self._tokens.holder(token)
        is_good = holder is not None and holder.speaks_for_account
        family = await self._tokens.family_of(token) if is_good else None
        account = None if family is None else await self._holder(family.account_id, family.session_id)
        if family is None or account is None:
            return None
        idle_until = family.rotated_at + self._settings.tokens.refresh_idle_lifetime
        return Active(
            kind="refresh",
            audience=service.audience,
            account=account,
            client_id=family.client_id,
            session_id=family.session_id,
            scope=family.scope,
            token_id=None,
            issued_at=family.rotated_at,
            expires_at=min(family.expires_at, idle_until),
            auth_time=family.auth_time,
            amr=family.amr,
        )

    async def _believe(self, token: str, service: Service, *, leeway: int) -> Believed | None:
        """Verify an access token for the service's audience, with the revocations of every node up to this moment."""
        now = self._clock()
        try:
            believed = examine(
                token,
                keys=self._keys(),
                issuer=self._settings.issuer,
                audience=service.audience,
                now=now,
                leeway=leeway,
                max_lifetime=self._settings.tokens.access_lifetime,
            )
            await self._revocations.follow()
            check_not_revoked(believed, self._revocations.live)
        except InvalidToken:
            return None
        return believed

    async def _holder(self, account_id: str, session_id: str) -> Account | None:
        """Return the account, if it is enabled and the session has not ended."""
        session = await self._sessions.find(session_id)
        if session is None or session.ended_at is not None or self._clock() >= session.expires_at:
            return None
        try:
            account = await self._accounts.find(account_id)
        except NotFound:  # pragma: no cover - a session is deleted with its account, between two statements at most
            return None
        return account if account.disabled_at is None and session.account_id == account.id else None
