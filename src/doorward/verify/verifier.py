"""The verifier of one issuer's access tokens: keys, a cache of what was verified, the time and the revocations.

A repeated token costs a look-up, a comparison of times and three look-ups of revocation, on every call. Nothing but
the signature and the claims is ever taken from the cache. Keys belong to one issuer: a service that trusts two has two
verifiers (``security.md`` row 22).
"""

from collections.abc import Mapping
from typing import Any, Final

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, KeysUnavailable, Misconfigured, UnknownKey
from doorward.jose.jwt import MAX_LEEWAY
from doorward.jose.keys import KeySet
from doorward.verify.answers import DOCS_PATH
from doorward.verify.cache import VerifiedTokens
from doorward.verify.fetching import Address
from doorward.verify.headers import bearer_token
from doorward.verify.issuer_keys import WELL_KNOWN, IssuerKeys
from doorward.verify.model import (
    MAX_LIFETIME,
    Principal,
    RevocationSet,
    check_not_revoked,
    check_still_holds,
    examine,
)
from doorward.verify.status_fetching import FetchedStatusLists, StatusMissing

CACHE_SIZE: Final = 4096
"""Tokens remembered; about 2 KiB each."""


class _Trust:
    """A key set and what was verified with it. Replaced as a whole, so a late thread cannot revive an old key."""

    __slots__ = ("keys", "verified")

    def __init__(self, keys: KeySet, cache_size: int) -> None:
        self.keys = keys
        self.verified = VerifiedTokens(cache_size)


class Verifier:
    """Checks access tokens of one issuer. Safe under threads and in any number of event loops."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | None = None,
        keys: Mapping[str, object] | KeySet | None = None,
        revocations: RevocationSet | None = None,
        clock: Clock = system_clock,
        leeway: int = 30,
        max_lifetime: int = MAX_LIFETIME,
        cache_size: int = CACHE_SIZE,
        jwks_url: str | None = None,
        ca_file: str | None = None,
        allow_http_on_loopback: bool = False,
        status_lists: bool = False,
    ) -> None:
        """Take the exact ``iss`` to trust and the ``aud`` to be (default: the issuer).

        With ``keys`` (a :class:`KeySet`, or a JWK Set as a dict) no network is used. Without, they are fetched from
        ``jwks_url``, by default ``/.well-known/jwks.json`` below the issuer, over HTTPS; ``ca_file`` is a PEM file of
        the only authorities to trust, such as the development authority. ``leeway`` (0 to 60) and ``max_lifetime`` are
        seconds. With ``status_lists`` every token must name its place in a status list of the issuer, and that list is
        fetched and asked (``status_lists.enabled`` of the server). Raises :class:`~doorward.errors.Misconfigured`.
        """
        findings = []
        if not issuer:
            findings.append(Finding("Verifier: the issuer is empty.", "Give the exact value of the tokens' 'iss'."))
        if not 0 <= leeway <= MAX_LEEWAY:
            findings.append(Finding("Verifier: the leeway is not 0 to 60 seconds.", "Mend the clocks instead."))
        if max_lifetime < 1:
            findings.append(Finding("Verifier: max_lifetime is not positive.", "Give it in seconds."))
        if findings:
            raise Misconfigured(*findings)
        self.documentation = issuer + DOCS_PATH
        """Where the issuer explains the codes of refusals."""
        self._issuer = issuer
        self._audience = issuer if audience is None else audience
        self._revocations = revocations
        self._clock = clock
        self._leeway = leeway
        self._max_lifetime = max_lifetime
        self._cache_size = cache_size
        self._fetched: IssuerKeys | None = None
        self._status_lists: FetchedStatusLists | None = None
        self.replace_keys(_key_set(keys))
        if keys is None:
            url = issuer.rstrip("/") + WELL_KNOWN if jwks_url is None else jwks_url
            address = Address.of(url, allow_http_on_loopback=allow_http_on_loopback)
            self._fetched = IssuerKeys(address, clock=clock, on_change=self.replace_keys, ca_file=ca_file)
        if status_lists:
            self._status_lists = FetchedStatusLists(
                issuer=issuer,
                keys=lambda: self._trust.keys,
                clock=clock,
                leeway=leeway,
                ca_file=ca_file,
                allow_http_on_loopback=allow_http_on_loopback,
            )

    def replace_keys(self, keys: KeySet) -> None:
        """Trust these keys and no others from now on; what the old ones had verified is forgotten."""
        self._trust = _Trust(keys, self._cache_size)

    def check(self, token: str) -> Principal:
        """Return who sent the token, or raise :class:`~doorward.errors.InvalidToken`.

        With fetched keys, the first call and an unknown key id may block for a fetch, and
        :class:`~doorward.errors.KeysUnavailable` says that there are no keys to judge with.
        """
        try:
            return self._judge(token)
        except (UnknownKey, KeysUnavailable):
            if self._fetched is None or not self._fetched.wait(self._clock()):
                raise
        except StatusMissing as missing:
            missing.lists.wait(missing)
        try:
            return self._judge(token)
        except StatusMissing as missing:  # only now that there are keys is it known which list to ask
            missing.lists.wait(missing)
        return self._judge(token)

    async def check_async(self, token: str) -> Principal:
        """Do as :meth:`check` without blocking the event loop."""
        try:
            return self._judge(token)
        except (UnknownKey, KeysUnavailable):
            if self._fetched is None or not await self._fetched.wait_async(self._clock()):
                raise
        except StatusMissing as missing:
            await missing.lists.wait_async(missing)
        try:
            return self._judge(token)
        except StatusMissing as missing:
            await missing.lists.wait_async(missing)
        return self._judge(token)

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Return the caller of an ASGI request or handshake; ``None`` when it carries no bearer token.

        Raises ``InvalidToken`` for a bad token, ``InvalidRequest`` for an ambiguous or malformed header.
        """
        token = bearer_token(scope["headers"])
        return None if token is None else await self.check_async(token)

    def _judge(self, token: str) -> Principal:
        now = self._clock()
        if self._fetched is not None:
            self._fetched.refresh(now)
            self._fetched.require(now)
        trust = self._trust
        believed = trust.verified.get(token)
        if believed is None:
            believed = examine(
                token,
                keys=trust.keys,
                issuer=self._issuer,
                audience=self._audience,
                now=now,
                leeway=self._leeway,
                max_lifetime=self._max_lifetime,
            )
            trust.verified.put(token, believed)
            if self._revocations is not None:
                self._revocations.forget(now)
        else:
            check_still_holds(believed, now=now, leeway=self._leeway)
        check_not_revoked(believed, self._revocations)
        if self._status_lists is not None:
            self._status_lists.check(believed.status, now=now)
        return believed.principal


def _key_set(keys: Mapping[str, object] | KeySet | None) -> KeySet:
    if isinstance(keys, KeySet):
        return keys
    try:
        return KeySet.from_jwks({"keys": []} if keys is None else keys)
    except ValueError as error:
        raise Misconfigured(Finding(f"Verifier: the key set is refused: {error}.", "Give public JWKs.")) from error
