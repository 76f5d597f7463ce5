"""Who is calling this server: a bearer token in the Authorization header, or the session cookie. Never both.

The gate returns a principal or raises; there is no boolean to forget. A bearer token is verified like any service
verifies it, with the keys and the revocations of this process. A cookie is looked up, because it is an opaque
reference (ASVS 7.2.1), and with an unsafe method it must come from a page of this origin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request

from doorward.core.clock import Clock
from doorward.core.source import MAX_LANGUAGE, Source
from doorward.errors import (
    InvalidRequest,
    InvalidToken,
    ReauthenticationRequired,
    SessionEnded,
    TokenRefused,
)
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Resumed, Session, Transport, is_fresh
from doorward.settings import Settings
from doorward.verify.answers import NO_CREDENTIAL
from doorward.verify.model import Principal
from doorward.verify.verifier import Verifier
from doorward.web.browser import PROOF_HEADER, Headers, check_same_origin, cookie_of, device_of, header_of
from doorward.web.front import REQUEST_ID
from doorward.web.page_cookies import PageCookies

_KEPT_BY: Final = (PageCookies.of("https://"), PageCookies.of("http://"))
"""The cookies in which a language may be kept: over TLS, and over plain HTTP on one's own machine."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller of one request: who, by which session if it came with a cookie, and from where."""

    principal: Principal
    session: Session | None
    source: Source

    @property
    def transport(self) -> Transport:
        """How the caller came."""
        return "bearer" if self.session is None else "cookie"


class Gate:
    """Tells who calls. Also what a ``Guard`` in front of the host's own pages asks."""

    def __init__(self, *, verifier: Verifier, sessions: Sessions, settings: Settings, clock: Clock) -> None:
        """Take what is needed."""
        self._clock = clock
        self._verifier = verifier
        self._sessions = sessions
        self._settings = settings
        self.cookie = cookie_of(settings)
        """How the instance's session cookie is called, read, set and cleared."""

    def check_one_credential(self, headers: Headers) -> None:
        """Refuse a request with two credentials, on every route; raises :class:`InvalidRequest` (RFC 6750 §3.1)."""
        credentials = [name for name, _ in headers if name == b"authorization"]
        if len(credentials) > 1 or (credentials and self.cookie.values(headers)):
            raise InvalidRequest("more than one credential")

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Return the caller of an ASGI request or handshake, or ``None`` when it carries no credential at all.

        Raises :class:`InvalidToken`, :class:`SessionEnded`, :class:`InvalidRequest` and :class:`CrossSiteRequest`.
        """
        principal, _ = await self._identify(scope)
        return principal

    async def caller(self, request: Request) -> Caller:
        """Return who calls, or raise :class:`TokenRefused` beside what :meth:`authenticate` raises."""
        try:
            principal, session = await self._identify(request.scope)
        except InvalidToken as refused:
            raise TokenRefused(refused.why) from None
        if principal is None:
            raise TokenRefused(NO_CREDENTIAL)
        return Caller(principal, session, replace(source_of(request), actor=principal.subject))

    async def fresh_caller(self, request: Request) -> Caller:
        """Return who calls, after a log-in that is recent enough for acts that need a fresh one.

        Raises :class:`ReauthenticationRequired` with ``max_age``, in seconds, beside what :meth:`caller` raises.
        """
        caller = await self.caller(request)
        self.check_fresh(caller)
        return caller

    def is_fresh(self, caller: Caller) -> bool:
        """Tell whether the caller's log-in is recent enough; for a page that asks for the password otherwise."""
        return is_fresh(caller.principal.auth_time, now=self._clock(), sessions=self._settings.sessions)

    def check_fresh(self, caller: Caller) -> None:
        """Refuse a caller whose log-in is too long ago. Raises :class:`ReauthenticationRequired`."""
        if not self.is_fresh(caller):
            members = {"max_age": self._settings.sessions.fresh_lifetime}
            raise ReauthenticationRequired("the log-in is too old", members=members)

    async def person(self, request: Request) -> Caller:
        """Return who looks at a page, which people do with a cookie and programs not at all.

        Raises like :meth:`caller`.
        """
        caller = await self.caller(request)
        if caller.session is None:
            raise TokenRefused(NO_CREDENTIAL)
        return caller

    async def visitor(self, request: Request) -> Session | None:
        """Return the live cookie session of somebody who may also be nobody, for logging in and out.

        With a cookie, the request must come from this origin; raises :class:`CrossSiteRequest`.
        """
        headers = request.scope["headers"]
        cookies = self.cookie.values(headers)
        if not cookies:
            return None
        check_same_origin(request.method, headers, origin=self._settings.origin)
        resumed = await self._resume(cookies)
        return None if resumed is None else resumed.session

    async def _identify(self, scope: Mapping[str, Any]) -> tuple[Principal | None, Session | None]:
        headers = scope["headers"]
        self.check_one_credential(headers)
        if any(name == b"authorization" for name, _ in headers):
            return await self._verifier.authenticate(scope), None
        cookies = self.cookie.values(headers)
        if not cookies:
            return None, None
        resumed = await self._resume(cookies)
        if resumed is None:
            raise SessionEnded("cookie of no live session", headers=await self._clearing(cookies))
        # A handshake is not bound by CORS: with a cookie it counts as unsafe (cross-site WebSocket hijacking).
        method = scope["method"] if scope["type"] == "http" else "CONNECT"
        check_same_origin(method, headers, origin=self._settings.origin)
        return self._principal(resumed), resumed.session

    async def _resume(self, cookies: Sequence[str]) -> Resumed | None:
        if len(cookies) != 1:  # tossed in by a sibling domain: nobody is logged in
            return None
        return await self._sessions.resume(cookies[0])

    async def _clearing(self, cookies: Sequence[str]) -> dict[str, str]:
        """Clear a dead cookie; but not one that was renewed while this request was on its way.

        The browser holds the next one by now, perhaps because of another tab, and would lose that.
        """
        renewed = len(cookies) == 1 and await self._sessions.was_renewed(cookies[0])
        return {} if renewed else {"Set-Cookie": self.cookie.clear()}

    def _principal(self, resumed: Resumed) -> Principal:
        session = resumed.session
        return Principal(
            subject=session.account_id,
            session_id=session.id,
            client_id=self._settings.tokens.client_id,
            token_id="",
            issued_at=session.auth_time,
            expires_at=session.expires_at,
            auth_time=session.auth_time,
            amr=session.amr,
            scope=frozenset(),
            roles=frozenset(resumed.roles),
            email_verified=resumed.email_verified,
        )


def source_of(request: Request) -> Source:
    """Tell where a request comes from, as the server (behind its trusted proxies) has seen it."""
    peer = request.client.host if request.client is not None else ""
    headers = request.scope["headers"]
    return Source.of(
        peer,
        request.headers.get("user-agent", ""),
        request.scope.get(REQUEST_ID, ""),
        device=device_of(headers),
        proof=header_of(PROOF_HEADER, headers),
        language=_language(request),
    )


def _language(request: Request) -> str:
    """Tell what somebody reads: the language chosen on our pages, then what the browser wants."""
    wanted = request.headers.get("accept-language", "")
    kept = [cookies.language.read(request.scope["headers"]) for cookies in _KEPT_BY]
    return ",".join(filter(None, (*kept, wanted)))[:MAX_LANGUAGE]
