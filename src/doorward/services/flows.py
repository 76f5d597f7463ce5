"""Making, changing and recognising services: what operators do on the command line, and what every request asks.

Nothing is cached, so a key that was rotated away or deleted is refused by every process from the commit on.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never

from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed, Statement
from doorward.errors import FieldError, InvalidFields, NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import Event, ServiceCreated, ServiceDeleted, ServiceKeyRotated, ServiceRefused
from doorward.services import store
from doorward.services.model import (
    ASKS_ALL,
    KEY_BYTES,
    OVERLAP,
    PERMISSIONS,
    USUAL,
    Basic,
    Bearer,
    Credential,
    Nothing,
    Permission,
    Service,
    admits,
    digest_of,
    is_audience,
    is_name,
    write_key,
)
from doorward.services.refusals import InvalidClient, ServiceTaken, UnauthorizedClient
from doorward.web.limits import Limiter

PAGE_SIZE: Final = 100

BASIC_CHALLENGE: Final = 'Basic realm="doorward", charset="UTF-8"'
BEARER_CHALLENGE: Final = 'Bearer realm="doorward", error="invalid_token"'


@dataclass(frozen=True, slots=True)
class ServicePage:
    """Some services by name, and where to go on (``None``: that was all)."""

    services: tuple[Service, ...]
    next: str | None


class Services(Flows):
    """The services that may ask this instance about tokens."""

    def __init__(self, foundation: Foundation, *, limiter: Limiter) -> None:
        """Take what is needed; nothing happens yet."""
        super().__init__(foundation)
        self._limiter = limiter

    async def create(
        self,
        name: str,
        *,
        audience: str = "",
        may: tuple[Permission, ...] = USUAL,
        source: Source = Source(),  # noqa: B008
    ) -> tuple[Service, str]:
        """Make a service; return it with its key, which nobody can be shown again.

        ``audience`` is the ``aud`` of the tokens that it is shown, by default that of the instance. Raises
        :class:`InvalidFields` and :class:`ServiceTaken`.
        """
        errors = [] if is_name(name) else [FieldError("/name", "wrong_type", _NAME_RULE)]
        errors += [] if is_audience(audience) else [FieldError("/audience", "wrong_type", _AUDIENCE_RULE)]
        if errors:
            raise InvalidFields("service", errors=errors)
        key = write_key(self._entropy(KEY_BYTES))
        may = tuple(each for each in PERMISSIONS if each in may or (each == "introspect" and ASKS_ALL in may))
        service = Service(name, audience, may, digest_of(key), None, None, created_at=self._clock(), rotated_at=None)
        try:
            await self._write(
                store.insert(service), ServiceCreated(service=name, audience=audience, may=may), source=source
            )
        except Duplicate:
            raise ServiceTaken("name") from None
        return self._resolved(service), key

    async def rotate(self, name: str, *, now: bool = False, source: Source = Source()) -> tuple[int, str]:  # noqa: B008
        """Give a service another key; return until when the former one is believed, and the new key.

        That is :data:`~doorward.services.model.OVERLAP` seconds from now, or less if it is rotated again meanwhile;
        ``now``: not at all. Raises :class:`NotFound`.
        """
        key, at = write_key(self._entropy(KEY_BYTES)), self._clock()
        until = at if now else at + OVERLAP
        await self._write(
            store.rotate(name, digest=digest_of(key), former_until=until, now=at),
            ServiceKeyRotated(service=name, former_until=until),
            source=source,
        )
        return until, key

    async def delete(self, name: str, *, source: Source = Source()) -> None:  # noqa: B008
        """Remove a service. Raises :class:`NotFound`."""
        await self._write(store.delete(name), ServiceDeleted(service=name), source=source)

    async def page(self, *, after: str = "") -> ServicePage:
        """List services by name, from just after ``after``."""
        services = await store.page(self._database, after=after, size=PAGE_SIZE + 1)
        shown = tuple(map(self._resolved, services[:PAGE_SIZE]))
        return ServicePage(shown, shown[-1].name if len(services) > PAGE_SIZE else None)

    async def admit(self, credential: Credential, permission: Permission, *, source: Source) -> Service:
        """Return the service that shows this credential and may do this.

        Failures are counted by network and written to the trail; a right key is never held up by the wrong ones of
        others. Raises :class:`InvalidClient`, :class:`UnauthorizedClient` and :class:`TooManyAttempts`.
        """
        service = await self._recognise(credential)
        if service is None:
            await self._remember_refusal(credential, source)
            challenge = BEARER_CHALLENGE if isinstance(credential, Bearer) else BASIC_CHALLENGE
            raise InvalidClient("no such key", headers={"WWW-Authenticate": challenge})
        if permission not in service.may:
            raise UnauthorizedClient("permission")
        return self._resolved(service)

    async def _recognise(self, credential: Credential) -> Service | None:
        match credential:
            case Basic(name, key):
                service = await store.find(self._database, name) if is_name(name) else None
            case Bearer(key):
                service = await store.find_by_digest(self._database, digest_of(key))
            case Nothing():
                return None
            case _:  # pragma: no cover - mypy proves it
                assert_never(credential)
        return service if admits(service, key, now=self._clock()) else None

    async def _remember_refusal(self, credential: Credential, source: Source) -> None:
        if isinstance(credential, Nothing):
            return
        if source.network:
            await self._limiter.count(self._limiter.service_keys(source.network))
        claimed = credential.name if isinstance(credential, Basic) and is_name(credential.name) else ""
        event = ServiceRefused(service=claimed)
        await self._database.write(entry(event, now=self._clock(), source=source))
        await self._events.publish(event)

    async def _write(self, statement: Statement, event: Event, *, source: Source) -> None:
        try:
            await self._database.write(statement, entry(event, now=self._clock(), source=source))
        except GuardFailed:
            raise NotFound("no such service", detail="There is no service of that name.") from None
        await self._events.publish(event)

    def _resolved(self, service: Service) -> Service:
        """Fill in the audience that an empty one stands for."""
        return replace(service, audience=service.audience or self._settings.audience)


_NAME_RULE: Final = "A name has 1 to 64 lower-case letters, digits and hyphens, and begins with a letter."
_AUDIENCE_RULE: Final = "An audience has at most 512 printable ASCII characters and no space."
