"""The pages of sessions: where one is logged in, ending that, and logging out."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.core.clock import Clock
from doorward.core.devices import Device, describe
from doorward.errors import NotFound, SessionEnded, TokenRefused
from doorward.gate import Caller, Gate
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session
from doorward.web.browser import CLEAR_SITE_DATA
from doorward.web.forms import Form, check_filled
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.translation import LANGUAGES
from doorward.web.visit import NOTHING_SENT, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "sessions.html": frozenset({"sessions", "next", "now"}),
    "logout.html": frozenset(),
}
"""The templates of this slice, with the variables that each gets."""

END_FORM: Final = FormKind(("end",))
LOGOUT_FORM: Final = FormKind(())
OTHERS: Final = "others"
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Line:
    """A session in the list."""

    id: str
    is_current: bool
    device: Device
    created_at: int
    last_seen_at: int
    ip_prefix: str
    is_app: bool
    """Whether a program holds it, with tokens, and no browser."""

    @classmethod
    def of(cls, session: Session, *, current: str) -> "Line":
        """Show a session."""
        return cls(
            id=session.id,
            is_current=session.id == current,
            device=describe(session.user_agent),
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            ip_prefix=session.ip_prefix,
            is_app=session.transport == "bearer",
        )


class SessionPages:
    """The handlers of this slice's pages."""

    def __init__(self, pages: Pages, *, gate: Gate, sessions: Sessions, clock: Clock) -> None:
        """Take what is needed."""
        self._pages = pages
        self._gate = gate
        self._sessions = sessions
        self._clock = clock

    async def show_sessions(self, request: Request) -> Response:
        """``GET /account/sessions``."""
        return await self._sessions_again(request, await self._gate.person(request), NOTHING_SENT, 200)

    async def end(self, request: Request) -> Response:
        """``POST /account/sessions``: ends one, all others, or all."""
        return await self._pages.submit(request, END_FORM, act=self._end, again=self._sessions_again)

    async def show_logout(self, request: Request) -> Response:
        """``GET /logout``: asks, because nothing changes by GET; to somebody who is logged out it says so."""
        try:
            caller = await self._gate.person(request)
        except (SessionEnded, TokenRefused):
            return self._pages.show(request, "logout.html")
        return self._pages.show(request, "logout.html", who=caller.principal)

    async def log_out(self, request: Request) -> Response:
        """``POST /logout``.

        The origin comes first: another site's form comes without the cookie (``SameSite=Lax``), which looks like
        somebody who is logged out, and the answer to that would take the cookie from the browser.
        """
        self._pages.check_same_origin(request)
        try:
            await self._gate.person(request)
        except (SessionEnded, TokenRefused):  # what is asked for is so already
            return self._goodbye(request)
        return await self._pages.submit(request, LOGOUT_FORM, act=self._log_out, again=self._logout_again)

    async def _end(self, request: Request, form: Form, caller: Caller) -> Response:
        check_filled(form, {"end": 64})
        account_id, own = caller.principal.subject, caller.principal.session_id
        if form["end"] == ALL:
            await self._sessions.end_all(account_id, why="log-out everywhere", source=caller.source)
            return self._goodbye(request)
        if form["end"] == OTHERS:
            await self._sessions.end_all(account_id, but=own, why="others ended by owner", source=caller.source)
            return self._pages.go("/account/sessions", notice="sessions_ended")
        with contextlib.suppress(NotFound):  # ended meanwhile, which is what was asked for; others' look the same
            await self._sessions.end(form["end"], account_id=account_id, why="ended by owner", source=caller.source)
        return (
            self._goodbye(request)
            if form["end"] == own
            else self._pages.go("/account/sessions", notice="session_ended")
        )

    async def _sessions_again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        page = await self._sessions.page(caller.principal.subject, cursor=request.query_params.get("cursor", ""))
        lines = [Line.of(session, current=caller.principal.session_id) for session in page.sessions]
        lines.sort(key=lambda line: not line.is_current)
        return self._pages.show(
            request,
            "sessions.html",
            who=caller.principal,
            sent=sent,
            status=status,
            sessions=lines,
            next=page.next or "",
            now=self._clock(),
        )

    async def _log_out(self, request: Request, _form: Form, caller: Caller) -> Response:
        with contextlib.suppress(NotFound):  # it had ended already
            await self._sessions.end(
                caller.principal.session_id, account_id=caller.principal.subject, why="log-out", source=caller.source
            )
        return self._goodbye(request)

    async def _logout_again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "logout.html", who=caller.principal, sent=sent, status=status)

    def _goodbye(self, request: Request) -> Response:
        """Say so on a page, in the language that was chosen."""
        language = self._pages.cookies.language.read(request.scope["headers"])
        path = f"/logout?lang={language}" if language in LANGUAGES else "/logout"
        response = self._pages.go(path, cookies=[self._gate.cookie.clear(), self._pages.cookies.draft.clear()])
        response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return response

    def operations(self) -> list[Operation]:
        """List the pages of this slice."""
        page = self._pages.operation
        return [
            page("GET", "/account/sessions", self.show_sessions, "One's own sessions"),
            page("POST", "/account/sessions", self.end, "End sessions"),
            page("GET", "/logout", self.show_logout, "Log out"),
            page("POST", "/logout", self.log_out, "Log out"),
        ]
