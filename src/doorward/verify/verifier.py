"""The verifier of one issuer's access tokens: keys, a cache of what was verified, the time and the revocations.

A repeated token costs a look-up, a comparison of times and four look-ups of revocation, on every call. Nothing but
the signature and the claims is ever taken from the cache. Keys belong to one issuer: a service that trusts two has two
verifiers (``security.md`` row 22).
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, get_args

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, KeysUnavailable, Misconfigured, UnknownKey
from doorward.jose.jwt import MAX_LEEWAY
from doorward.jose.keys import KeySet
from doorward.verify.answers import DOCS_PATH
from doorward.verify.cache import VerifiedTokens
from doorward.verify.following import FeedStatus, Patience, WhenStale
from doorward.verify.headers import Headers, bearer_token
from doorward.verify.issuer_keys import IssuerKeys
from doorward.verify.model import (
    MAX_LIFETIME,
    Principal,
    RevocationSet,
    check_not_revoked,
    check_still_holds,
    examine,
)
from doorward.verify.status_fetching import FetchedStatusLists, StatusMissing
from doorward.verify.upstream import Upstream, Upstreams
from doorward.verify.watching import Tell, Watch, Watches

CACHE_SIZE: Final = 4096
"""Tokens remembered; about 2 KiB each."""

MAX_STALENESS: Final = 60
MIN_STALENESS: Final = 5
"""Seconds."""


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
        follow_revocations: bool = True,
        max_staleness: int = MAX_STALENESS,
        when_stale: WhenStale = "refuse",
        on_feed_change: Callable[[FeedStatus], None] | None = None,
        jwks_url: str | None = None,
        revocations_url: str | None = None,
        ca_file: str | None = None,
        private_networks: Iterable[str] = (),
        allow_http_on_loopback: bool = False,
        status_lists: bool = False,
    ) -> None:
        """Take the exact ``iss`` to trust and the ``aud`` to be (default: the issuer).

        With ``keys`` (a :class:`KeySet`, or a JWK Set as a dict) no network is used, and ``revocations`` is whatever
        set somebody else keeps. Without, keys are fetched over HTTPS and the issuer's feed of revocations is followed,
        into ``revocations`` if that is given, from the first check on, in each process by itself.

        ``follow_revocations=False`` switches the feed off: a token is then believed until it expires. Where nothing
        was heard for ``max_staleness`` seconds, ``when_stale`` says what to do: ``"refuse"`` every token with
        :class:`~doorward.verify.RevocationsUnavailable`, or believe tokens ``"until_expiry"``. ``on_feed_change`` is
        called when the feed becomes stale or fresh; :meth:`feed_status` tells at any time.

        ``jwks_url`` and ``revocations_url`` are for a service that reaches its issuer by another address than the
        issuer's name (``/.well-known/jwks.json`` and ``/v1/revocations`` below it). ``ca_file`` is a PEM file of the
        only authorities to trust, such as the development authority. ``private_networks`` lists what a host name may
        lead to beside public addresses (``10.0.0.0/8``); an address or ``localhost`` in the URL itself needs no
        listing. ``leeway`` (0 to 60) and ``max_lifetime`` are seconds.

        With ``status_lists`` every token must name its place in a status list of the issuer, and that list is fetched
        and asked (``status_lists.enabled`` of the server). Raises :class:`~doorward.errors.Misconfigured`.
        """
        findings = []
        if not issuer:
            findings.append(Finding("Verifier: the issuer is empty.", "Give the exact value of the tokens' 'iss'."))
        if not 0 <= leeway <= MAX_LEEWAY:
            findings.append(Finding("Verifier: the leeway is not 0 to 60 seconds.", "Mend the clocks instead."))
        if max_lifetime < 1:
            findings.append(Finding("Verifier: max_lifetime is not positive.", "Give it in seconds."))
        if max_staleness < MIN_STALENESS:
            findings.append(Finding("Verifier: max_staleness is below 5 seconds.", "One question may take as long."))
        if when_stale not in get_args(WhenStale):
            findings.append(Finding("Verifier: when_stale is unknown.", "Say 'refuse' or 'until_expiry'."))
        if findings:
            raise Misconfigured(*findings)
        self.documentation = issuer + DOCS_PATH
        """Where the issuer explains the codes of refusals."""
        self._issuer = issuer
        self._audience = issuer if audience is None else audience
        self._revocations = revocations
        self._watches: dict[RevocationSet, Watches] = {}
        self._when_stale = when_stale
        self._on_feed_change = on_feed_change
        self._clock = clock
        self._leeway = leeway
        self._max_lifetime = max_lifetime
        self._cache_size = cache_size
        self._upstreams: Upstreams | None = None
        self._status_lists: FetchedStatusLists | None = None
        self.replace_keys(_key_set(keys))
        if keys is None:
            self._upstreams = Upstreams(
                issuer=issuer,
                keys=lambda: self._trust.keys,
                replace_keys=self.replace_keys,
                revocations=revocations,
                patience=Patience(max_staleness, when_stale) if follow_revocations else None,
                on_feed_change=self._feed_changed,
                clock=clock,
                jwks_url=jwks_url,
                revocations_url=revocations_url,
                ca_file=ca_file,
                private_networks=private_networks,
                allow_http_on_loopback=allow_http_on_loopback,
            )
        if status_lists:
            self._status_lists = FetchedStatusLists(
                issuer=issuer,
                keys=lambda: self._trust.keys,
                clock=clock,
                leeway=leeway,
                ca_file=ca_file,
                private_networks=private_networks,
                allow_http_on_loopback=allow_http_on_loopback,
            )

    def replace_keys(self, keys: KeySet) -> None:
        """Trust these keys and no others from now on; what the old ones had verified is forgotten."""
        self._trust = _Trust(keys, self._cache_size)

    def check(self, token: str) -> Principal:
        """Return who sent the token, or raise :class:`~doorward.errors.InvalidToken`.

        With fetched keys, the first call and an unknown key id may block for a fetch;
        :class:`~doorward.errors.KeysUnavailable` and :class:`~doorward.verify.RevocationsUnavailable` say that there is
        nothing to judge with.
        """
        upstream = self._upstream()
        if upstream is not None and not upstream.is_ready:
            upstream.wait(self._clock())
        try:
            return self._judge(token, upstream)
        except (UnknownKey, KeysUnavailable):
            if upstream is None or not upstream.keys.wait(self._clock()):
                raise
        except StatusMissing as missing:
            missing.lists.wait(missing)
        try:
            return self._judge(token, upstream)
        except StatusMissing as missing:  # only now that there are keys is it known which list to ask
            missing.lists.wait(missing)
        return self._judge(token, upstream)

    async def check_async(self, token: str) -> Principal:
        """Do as :meth:`check` without blocking the event loop."""
        upstream = self._upstream()
        if upstream is not None and not upstream.is_ready:
            await upstream.wait_async(self._clock())
        try:
            return self._judge(token, upstream)
        except (UnknownKey, KeysUnavailable):
            if upstream is None or not await upstream.keys.wait_async(self._clock()):
                raise
        except StatusMissing as missing:
            await missing.lists.wait_async(missing)
        try:
            return self._judge(token, upstream)
        except StatusMissing as missing:  # only now that there are keys is it known which list to ask
            await missing.lists.wait_async(missing)
        return self._judge(token, upstream)

    # -- the feed ----------------------------------------------------------------------------------------------------

    def feed_status(self) -> FeedStatus | None:
        """Tell how well revocations are heard of in this process; ``None`` where no feed is followed."""
        upstream = self._upstream()
        return None if upstream is None or upstream.follower is None else upstream.follower.status()

    @property
    def staleness(self) -> int | None:
        """The age in seconds of what is known of revocations; ``None`` where nothing is known, or no feed followed."""
        status = self.feed_status()
        return None if status is None else status.staleness

    def start(self) -> None:
        """Fetch keys and follow revocations from now on, without waiting; the first check does it otherwise.

        Call it in the process that checks: after a fork, not before.
        """
        upstream = self._upstream()
        if upstream is not None:
            upstream.start(self._clock())

    def close(self) -> None:
        """Stop following, in this process. What is known stays known until it is stale."""
        upstream = self._upstream()
        if upstream is not None and upstream.follower is not None:
            upstream.follower.close()

    @asynccontextmanager
    async def following(self) -> AsyncIterator["Verifier"]:
        """Follow as a task of this event loop while the block lasts, instead of a thread: for a lifespan."""
        import asyncio

        upstream = self._upstream()
        if upstream is None or upstream.follower is None:
            yield self
            return
        task = asyncio.create_task(upstream.follower.follow())
        await asyncio.sleep(0)  # it begins before any check would start a thread
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
            upstream.follower.close()

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Return the caller of an ASGI request or handshake; ``None`` when it carries no bearer token.

        Raises ``InvalidToken`` for a bad token, ``InvalidRequest`` for an ambiguous or malformed header.
        """
        token = bearer_token(scope["headers"])
        return None if token is None else await self.check_async(token)

    def identify(self, headers: Headers) -> Principal | None:
        """Do as :meth:`authenticate` where nothing can be awaited: WSGI, Flask, threads."""
        token = bearer_token(headers)
        return None if token is None else self.check(token)

    def watch(self, principal: Principal, tell: Tell) -> Watch:
        """Watch over a caller whose connection stays open: ``tell`` is called once, from any thread, on revocation.

        Also when every token is refused because the feed has become stale; ``reason`` of the watch says which it was.
        The watch knows how long the token still holds; whoever starts one stops it when the connection is over.
        """
        live = self._live()
        leeway = self._leeway if principal.token_id else 0  # a cookie's session is judged by the clock that made it
        if live is None:
            return Watch(principal, tell, clock=self._clock, leeway=leeway)
        watches = self._watches.get(live)
        if watches is None:  # of threads that come at the same time the first one's is kept; the other hears for nobody
            watches = self._watches.setdefault(live, Watches(live, refuses=self._refuses))
        watch = Watch(principal, tell, registry=watches, clock=self._clock, leeway=leeway)
        watches.start(watch)
        return watch

    def _feed_changed(self, status: FeedStatus) -> None:
        """End what is open before anybody else hears of it: a listener of the service may fail."""
        if not status.fresh and self._when_stale == "refuse":
            for watches in list(self._watches.values()):
                watches.end_all()
        if self._on_feed_change is not None:
            self._on_feed_change(status)

    def _refuses(self) -> bool:
        """Tell whether the feed is stale and that was to refuse."""
        upstream = self._upstream()
        return upstream is not None and upstream.follower is not None and upstream.follower.refuses()

    def _live(self) -> RevocationSet | None:
        """Return the set that checks ask in this process."""
        upstream = self._upstream()
        return self._revocations if upstream is None else upstream.revocations

    def _upstream(self) -> Upstream | None:
        return None if self._upstreams is None else self._upstreams.here()

    @property
    def _fetched(self) -> IssuerKeys | None:
        upstream = self._upstream()
        return None if upstream is None else upstream.keys

    def _judge(self, token: str, upstream: Upstream | None) -> Principal:
        now = self._clock()
        revocations = self._revocations
        if upstream is not None:
            upstream.require(now)
            revocations = upstream.revocations
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
            if revocations is not None:
                revocations.forget(now)
        else:
            check_still_holds(believed, now=now, leeway=self._leeway)
        check_not_revoked(believed, revocations)
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
