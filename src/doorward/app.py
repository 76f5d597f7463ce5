"""``Doorward``: settings → database → slices → one ASGI application, and everything HTTP can do, callable in process.

Stand-alone the server runs the application itself, lifespan included. A host mounts it and hands its lifespan on:

    auth = Doorward(Settings.load())
    app = FastAPI(lifespan=auth.lifespan)
    app.mount("/auth", auth)

Nothing is shared between two instances in one process.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from doorward import pages
from doorward.accounts.flows import Accounts, ProfileSchema
from doorward.audit import routes as audit_routes
from doorward.audit.flows import Audit
from doorward.background import cancel, repeat
from doorward.challenges.flows import Challenges
from doorward.challenges.provider import ChallengeProvider
from doorward.configuration import check_settings
from doorward.core.clock import Clock, Entropy, system_clock, system_entropy
from doorward.core.secret import SecretRing
from doorward.db import Database, open_database
from doorward.db.migrate import bring_up, discover
from doorward.errors import Finding, Misconfigured, StorageUnavailable
from doorward.face import Face
from doorward.features import MIGRATION_PACKAGES
from doorward.forward_auth.routes import ForwardAuthRoutes
from doorward.foundation import Foundation
from doorward.gate import Gate
from doorward.gates import Gates
from doorward.hooks import Event, Events
from doorward.importing.flows import Imports
from doorward.life import Life, open_outbox
from doorward.limits.flows import Limiter
from doorward.mail.mailer import Mailer
from doorward.observability.instruments import Instruments
from doorward.observability.tracing import find_tracer, traced
from doorward.passwords.blocklist import Blocklist
from doorward.passwords.flows import Passwords
from doorward.passwords.pool import HashingPool
from doorward.passwords.routes import PasswordRoutes
from doorward.revocation import routes as revocation_routes
from doorward.revocation.feed import Feed
from doorward.revocation.flows import LEEWAY as REVOCATION_LEEWAY
from doorward.revocation.flows import Revocations
from doorward.services.flows import Services
from doorward.services.introspection import Introspection
from doorward.services.routes import ServiceRoutes
from doorward.sessions.flows import Sessions
from doorward.sessions.routes import SessionRoutes
from doorward.settings import Settings
from doorward.status_lists.flows import StatusLists
from doorward.status_lists.routes import StatusListRoutes
from doorward.tokens.flows import Tokens
from doorward.tokens.keyring import Keyring
from doorward.tokens.routes import TokenRoutes
from doorward.verify.model import Principal
from doorward.verify.verifier import Verifier
from doorward.verify.watching import Tell, Watch
from doorward.web import health
from doorward.web.lifespan import serve_lifespan
from doorward.web.routing import Operation
from doorward.webhooks.flows import Webhooks

_log = logging.getLogger("doorward")

OWN_LEEWAY: Final = 5
"""Seconds of skew between the clocks of our own nodes that are forgiven; far less than strangers get."""

HOUSEKEEPING_INTERVAL: Final = 600
"""Seconds between two rounds of clean-up and of what age demands of keys."""

SEAL_INTERVAL: Final = 1.0
"""Seconds between two looks for lines of the audit trail to seal: for so long at most a line can be removed unseen."""

RETRY_INTERVAL: Final = 1.0
"""Seconds to wait before following a database again that went away."""


class Doorward:
    """An authentication server as an ASGI application, and as an object to call."""

    def __init__(
        self,
        settings: Settings,
        *,
        profile_schema: ProfileSchema | None = None,
        challenge_provider: ChallengeProvider | None = None,
        clock: Clock = system_clock,
        entropy: Entropy = system_entropy,
        database: Database | None = None,
        mailer: Mailer | None = None,
    ) -> None:
        """Build everything; nothing is opened before the lifespan starts.

        ``profile_schema`` says what a host has against a profile; ``mailer`` is the host's own way to send mail, with
        ``mail.delivery`` set to ``host``. Raises :class:`Misconfigured` with every finding.
        """
        findings = check_settings(settings)
        if findings:
            raise Misconfigured(*findings)
        self.settings = settings
        self.events = Events()
        self.gates = Gates()
        self._instruments = Instruments()
        self.metrics = self._instruments.metrics
        """The figures of this process; ``await auth.metrics.text()`` is what ``/metrics`` of a host answers."""
        self.events.subscribe(Event, self._instruments.event)
        tracer = find_tracer()
        self._clock = clock
        self._running = False
        self._database = traced(
            database
            or open_database(
                settings.database_url, pool_size=settings.database.pool_size, timeout=settings.database.timeout
            ),
            tracer,
        )
        foundation = Foundation(
            database=self._database,
            settings=settings,
            ring=SecretRing(settings.secret),
            events=self.events,
            clock=clock,
            entropy=entropy,
            gates=self.gates,
            instruments=self._instruments,
        )
        self.audit = Audit(foundation)
        self.webhooks = Webhooks(foundation, audit=self.audit)
        lifetime = settings.tokens.access_lifetime
        self.revocations = Revocations(database=self._database, clock=clock, access_lifetime=lifetime)
        self.mail = open_outbox(foundation, mailer)
        self.status_lists = StatusLists(foundation, signer=lambda: self.keys.active)
        self.sessions = Sessions(
            foundation, revocations=self.revocations, status_lists=self.status_lists, outbox=self.mail
        )
        self.keys = Keyring(foundation, revocations=self.revocations)
        self._feed = Feed(
            database=self._database, signer=self.keys, issuer=settings.issuer, clock=clock, memory=REVOCATION_LEEWAY
        )
        self.revocations.live.on_news(self._feed.wake)
        self.tokens = Tokens(
            foundation,
            keyring=self.keys,
            sessions=self.sessions,
            revocations=self.revocations,
            status_lists=self.status_lists,
        )
        self.challenges = Challenges(foundation, provider=challenge_provider)
        self.limiter = Limiter(foundation, challenges=self.challenges)
        self.pool = HashingPool(settings.passwords)
        self.pool.watch, self.pool.tracer = self._instruments.hashed, tracer
        self.passwords = Passwords(
            foundation,
            pool=self.pool,
            blocklist=Blocklist(),
            limiter=self.limiter,
            sessions=self.sessions,
            tokens=self.tokens,
            outbox=self.mail,
        )
        self.accounts = Accounts(
            foundation,
            sessions=self.sessions,
            passwords=self.passwords,
            limiter=self.limiter,
            profile_schema=profile_schema,
        )
        self.life = Life(
            foundation,
            accounts=self.accounts,
            passwords=self.passwords,
            sessions=self.sessions,
            tokens=self.tokens,
            limiter=self.limiter,
            outbox=self.mail,
            audit=self.audit,
            webhooks=self.webhooks,
        )
        self.services = Services(foundation, limiter=self.limiter)
        self.introspection = Introspection(
            foundation,
            keys=lambda: self.keys.published,
            tokens=self.tokens,
            sessions=self.sessions,
            accounts=self.accounts,
            revocations=self.revocations,
        )
        self.imports = Imports(foundation, accounts=self.accounts, passwords=self.passwords)
        self.verifier = Verifier(
            issuer=settings.issuer,
            audience=settings.audience,
            keys=self.keys.published,
            revocations=self.revocations.live,
            clock=clock,
            leeway=OWN_LEEWAY,
            max_lifetime=lifetime,
        )
        self.keys.on_change(self.verifier.replace_keys)
        self._gate = Gate(verifier=self.verifier, sessions=self.sessions, settings=settings, clock=clock)
        self.pages = pages.open_pages(foundation, gate=self._gate)
        shown = pages.operations(self.pages, foundation, gate=self._gate, life=self.life)
        self._face = Face(self.operations(), foundation, gate=self._gate, pages=self.pages, shown=shown, tracer=tracer)
        self.documentation = self.verifier.documentation
        """Where the codes of refusals are explained, those of a ``Guard`` in front of the host's pages too."""
        self._instruments.watch(
            waiting=lambda: self.pool.waiting,
            running=lambda: self.pool.running,
            mails=self.mail.backlog,
            webhooks=self.webhooks.backlog,
            unsealed=self.audit.unsealed,
        )

    def operations(self) -> list[Operation]:
        """List every operation of the contract; pages are not in it."""
        settings, gate = self.settings, self._gate
        return [
            *self.life.operations(gate),
            *PasswordRoutes(
                passwords=self.passwords, sessions=self.sessions, gate=gate, settings=settings
            ).operations(),
            *SessionRoutes(sessions=self.sessions, tokens=self.tokens, gate=gate, origin=settings.origin).operations(),
            *TokenRoutes(tokens=self.tokens, keyring=self.keys, gate=gate, settings=settings).operations(),
            *audit_routes.operations(audit=self.audit, gate=gate),
            *revocation_routes.operations(self._feed),
            *ServiceRoutes(
                services=self.services, introspection=self.introspection, gate=gate, settings=settings
            ).operations(),
            *ForwardAuthRoutes(accounts=self.accounts, gate=gate, settings=settings).operations(),
            *StatusListRoutes(status_lists=self.status_lists, settings=settings).operations(),
            *health.operations(self._database, self.keys),
        ]

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Tell who calls, by bearer token or by session cookie: what a ``Guard`` in front of host pages asks."""
        self._require_running()
        return await self._gate.authenticate(scope)

    def let_go(self) -> None:
        """Answer everybody who waits for news in the feed; a server that stops calls it while it waits for requests.

        ``doorward serve`` does. A host whose server has no such moment lets it wait, up to half a minute.
        """
        self._feed.let_go()

    def watch(self, principal: Principal, tell: Tell) -> Watch:
        """Watch over a caller whose WebSocket stays open: what a ``Guard`` in front of host pages does."""
        return self.verifier.watch(principal, tell)

    # -- life --------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def lifespan(self, _host: object = None) -> AsyncIterator[None]:
        """Open the database, read keys and revocations, follow others; at the end finish and close.

        Migrations run by themselves on SQLite; on PostgreSQL pending ones refuse the start, because several programs
        may be running there. Raises :class:`Misconfigured` and :class:`StorageUnavailable`.
        """
        await self._database.open()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await bring_up(self._database, discover(MIGRATION_PACKAGES))
            await self.revocations.start()
            await self.sessions.follow()
            await self.keys.start()
            await self.status_lists.start()
            stack.push_async_callback(self.status_lists.stop)
            self.pool.open()
            stack.callback(self.pool.close)
            stack.callback(self.gates.close)
            stack.callback(self.sessions.distrust)
            stack.push_async_callback(self.sessions.write_seen)
            for task in (
                self._follow(),
                repeat("housekeeping", self.keep_house, every=HOUSEKEEPING_INTERVAL),
                self.sessions.keep_writing(),
                self.life.delivery.run(),
                repeat("sealing the audit trail", self.audit.seal_all, every=SEAL_INTERVAL),
                repeat("telling webhooks", self.webhooks.work, every=SEAL_INTERVAL),
            ):
                stack.push_async_callback(cancel, asyncio.create_task(task))
            self._running = True
            stack.callback(self.let_go)
            stack.callback(setattr, self, "_running", False)
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer: HTTP, and the lifespan where doorward is served as the whole application."""
        if scope["type"] == "http":
            self._require_running()
            await self._face(scope, receive, send)
        elif scope["type"] == "lifespan":
            scope.get("state", {})["doorward.metrics"] = self.metrics  # for the management listener of our own server
            await serve_lifespan(self.lifespan(), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    def _require_running(self) -> None:
        if not self._running:
            raise Misconfigured(
                Finding(
                    "doorward is mounted without its lifespan, so its database is not open.",
                    "Hand it on: FastAPI(lifespan=auth.lifespan), or 'async with auth.lifespan():' in your own.",
                )
            )

    async def _follow(self) -> None:
        """Look whenever the database says so; what others revoked and rotated counts here a moment later."""
        while True:
            try:
                async with contextlib.aclosing(self._database.changes()) as changes:
                    async for _ in changes:
                        await self.keys.follow()  # first, so that nothing more is signed with a key that was withdrawn
                        await self.revocations.follow()
                        await self.sessions.follow()
                        self._instruments.looked()
                return
            except StorageUnavailable:
                _log.warning("the database does not answer; following it again in a moment")
            except Exception:
                _log.exception("following the database failed; trying again in a moment")
            self._instruments.lost()
            self.sessions.distrust()
            await asyncio.sleep(RETRY_INTERVAL)

    async def keep_house(self) -> None:
        """Do what age demands of the keys, and forget what nobody can ask for any more."""
        now = self._clock()
        await self._database.write(
            *self.sessions.clean_up(now=now),
            *self.revocations.clean_up(now=now),
            self.limiter.clean_up(now=now),
            *self.life.clean_up(now=now),
            *self.status_lists.clean_up(now=now),
            self.challenges.clean_up(),
            self.webhooks.clean_up(now=now),
        )
        await self.keys.load()
        await self.audit.keep()
