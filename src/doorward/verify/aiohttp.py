"""The guard of an aiohttp server, ``require(…)`` for its handlers, and web sockets that end with their session.

guard = Guard(verifier, public=["/"])
guard.install(app)

@require(scope="reports:read")
async def reports(request: web.Request) -> web.Response: ...
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, Misconfigured
from doorward.verify.answers import DEFAULT_REALM, Answer
from doorward.verify.door import Asked, Authenticator, Door, caller_of
from doorward.verify.lifeline import Lifeline
from doorward.verify.model import Principal
from doorward.verify.paths import Access
from doorward.verify.requirement import Requirement, check_reachable
from doorward.verify.sockets import POLICY_VIOLATION

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

try:
    _PASSED: Any = web.RequestKey("doorward", object)
except AttributeError:  # pragma: no cover - aiohttp before 3.14 has names only
    _PASSED = "doorward"


@dataclass(slots=True)
class _Passed:
    """What a guard has found out about a request, and what it holds for as long as that lasts."""

    door: Door
    access: Access = "protected"
    principal: Principal | None = None
    lifelines: list[Lifeline] = field(default_factory=list)


class Guard:
    """Protects an aiohttp application by path; the rules are those of :class:`doorward.verify.Guard`."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        protected: Iterable[str] = (),
        public: Iterable[str] = (),
        optional: Iterable[str] = (),
        login_url: str | None = None,
        realm: str = DEFAULT_REALM,
    ) -> None:
        """Take the rules. Raises :class:`~doorward.errors.Misconfigured` for any that cannot be used."""
        self._authenticator = authenticator
        self._door = Door(
            authenticator, protected=protected, public=public, optional=optional, login_url=login_url, realm=realm
        )

    def install(self, app: web.Application) -> None:
        """Stand in front of the application and of everything mounted in it, inside of middleware added before."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        app.middlewares.append(guard)
        app.on_response_prepare.append(self._prepared)

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        passed = request[_PASSED] = _Passed(self._door)
        try:
            passed.access = self._door.access(_routed(request))
            passed.principal = await caller_of(self._authenticator, _scope_of(request), passed.access)
        except Exception as error:
            return _response(self._door.refuse(error, _asked(request)))
        try:
            return await handler(request)
        finally:
            for lifeline in passed.lifelines:
                lifeline.let_go()

    async def _prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        """Hold a web socket from its handshake on; everything else is over in a moment."""
        passed: _Passed | None = request.get(_PASSED)
        if not isinstance(response, web.WebSocketResponse) or passed is None or passed.principal is None:
            return
        loop, tasks = asyncio.get_running_loop(), set()

        def end(reason: str) -> None:
            closing = loop.create_task(_close(request, response, reason))
            tasks.add(closing)  # the loop itself holds tasks by a weak reference only
            closing.add_done_callback(tasks.discard)

        passed.lifelines.append(Lifeline(self._authenticator, passed.principal, end))


def principal_of(request: web.Request) -> Principal | None:
    """Return the caller that a guard has verified; ``None`` on public paths, and for guests on optional ones.

    Raises :class:`~doorward.errors.Misconfigured` where no guard stands in front.
    """
    return _passed(request).principal


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    clock: Clock = system_clock,
) -> Callable[[HandlerT], HandlerT]:
    """Make a decorator of handlers, and of the methods of a ``web.View``; it needs a guard in front.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. Refusals are the same problems that the guard answers with. Raises
    :class:`~doorward.errors.Misconfigured` for a requirement that nobody could meet.
    """
    requirement = Requirement.of(scope=scope, role=role, fresh=fresh)

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        async def guarded(first: web.Request | web.View) -> Any:
            request = first.request if isinstance(first, web.View) else first
            passed = _passed(request)
            check_reachable(passed.principal, passed.access)
            try:
                requirement.check(passed.principal, now=clock())
            except Exception as error:
                return _response(passed.door.refuse(error, _asked(request)))
            return await handler(first)

        return guarded

    return decorate  # type: ignore[return-value]  # a decorated handler is called like the handler


def _passed(request: web.Request) -> _Passed:
    passed = request.get(_PASSED)
    if not isinstance(passed, _Passed):
        what = "No Guard stands in front of this application."
        raise Misconfigured(Finding(what, "Say doorward.verify.aiohttp.Guard(verifier, …).install(app)."))
    return passed


def _routed(request: web.Request) -> str:
    """Return the path as the router matches it: there an encoded slash is a letter of its segment, and no border.

    With one, the path is left encoded, and so is no path that a rule opens.
    """
    raw: str = request.rel_url.raw_path
    return raw if "%2F" in raw.upper() else request.path


def _scope_of(request: web.Request) -> dict[str, Any]:
    headers = [(name.lower(), value) for name, value in request.raw_headers]
    return {"type": "http", "method": request.method, "path": request.path, "root_path": "", "headers": headers}


def _asked(request: web.Request) -> Asked:
    scope = _scope_of(request)
    query = request.rel_url.raw_query_string.encode("utf-8", "replace")
    return Asked(request.method, request.path, "", query, scope["headers"])


def _response(answer: Answer) -> web.Response:
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in answer.headers]
    return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _close(request: web.Request, socket: web.WebSocketResponse, reason: str) -> None:
    try:
        await socket.close(code=POLICY_VIOLATION, message=reason.encode("ascii"))
    except RuntimeError:  # in the middle of the handshake: there is no socket yet to close, so the line is cut
        request.protocol.force_close()
