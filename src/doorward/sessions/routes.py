"""The HTTP face of sessions: logging out, and seeing and ending one's own sessions."""

import contextlib
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.core.clock import rfc3339
from doorward.errors import CrossSiteRequest, FieldError, InvalidFields, InvalidToken, NotFound, SessionEnded
from doorward.gate import Gate, source_of
from doorward.sessions.flows import Sessions
from doorward.sessions.model import Session
from doorward.tokens.flows import Holder, Tokens
from doorward.web.body import Confidential, check_content_type, parse_object, read_bytes, to_struct, write_json
from doorward.web.browser import CLEAR_SITE_DATA, check_same_origin
from doorward.web.routing import Operation


class LogoutBody(Confidential, forbid_unknown_fields=True):
    """What ends: the caller's session, that of a refresh token, or all of the account's."""

    refresh_token: str | None = None
    everywhere: bool = False


class SessionView(Struct):
    """A session as its owner sees it."""

    id: str
    current: bool
    created_at: str
    last_seen_at: str
    auth_time: str
    amr: list[str]
    user_agent: str
    ip_prefix: str
    transport: Literal["bearer", "cookie"]

    @classmethod
    def of(cls, session: Session, *, current: str) -> "SessionView":
        """Show a session."""
        return cls(
            id=session.id,
            current=session.id == current,
            created_at=rfc3339(session.created_at),
            last_seen_at=rfc3339(session.last_seen_at),
            auth_time=rfc3339(session.auth_time),
            amr=list(session.amr),
            user_agent=session.user_agent,
            ip_prefix=session.ip_prefix,
            transport=session.transport,
        )


class SessionsAnswer(Struct):
    """A page of sessions, the newest first; ``next`` is the cursor of the following page."""

    sessions: list[SessionView]
    next: str | None


class EndedAnswer(Struct):
    """How many sessions have ended."""

    ended: int


class SessionRoutes:
    """The handlers of this slice."""

    def __init__(self, *, sessions: Sessions, tokens: Tokens, gate: Gate, origin: str) -> None:
        """Take what is needed; ``origin`` is the instance's own."""
        self._origin = origin
        self._sessions = sessions
        self._tokens = tokens
        self._gate = gate

    async def log_out(self, request: Request) -> Response:
        """``POST /v1/logout``: 204 whether there was something to end or not, but never when it could not be done."""
        body = await _read_logout(request)
        holders = await self._holders(request, body)
        source = source_of(request)
        for holder in holders:
            if body.everywhere and holder.speaks_for_account:
                await self._sessions.end_all(holder.account_id, why="log-out everywhere", source=source)
            else:
                with contextlib.suppress(NotFound):  # it had ended already, which is what was asked for
                    await self._sessions.end(
                        holder.session_id, account_id=holder.account_id, why="log-out", source=source
                    )
        return Response(status_code=204, headers=self._cleared(request))

    async def show(self, request: Request) -> Response:
        """``GET /v1/me/sessions``."""
        caller = await self._gate.caller(request)
        page = await self._sessions.page(caller.principal.subject, cursor=request.query_params.get("cursor", ""))
        views = [SessionView.of(session, current=caller.principal.session_id) for session in page.sessions]
        return write_json(SessionsAnswer(views, page.next))

    async def end_one(self, request: Request) -> Response:
        """``DELETE /v1/me/sessions/{id}``."""
        caller = await self._gate.caller(request)
        await self._sessions.end(
            request.path_params["id"], account_id=caller.principal.subject, why="ended by owner", source=caller.source
        )
        return Response(status_code=204)

    async def end_others(self, request: Request) -> Response:
        """``DELETE /v1/me/sessions?others=true``; without the word nothing is ended by mistake."""
        caller = await self._gate.caller(request)
        if request.query_params.get("others") != "true":
            raise InvalidFields("others", errors=[FieldError("/others", "required", "Say '?others=true'.")])
        ended = await self._sessions.end_all(
            caller.principal.subject, but=caller.principal.session_id, why="others ended by owner", source=caller.source
        )
        return write_json(EndedAnswer(ended))

    def _cleared(self, request: Request) -> dict[str, str]:
        """Clear the browser, unless a page of another site has sent it here: that would log people out (CSRF).

        ``SameSite`` has kept the cookie out of such a request, and an answer could remove it all the same.
        """
        try:
            check_same_origin(request.method, request.scope["headers"], origin=self._origin, lenient=True)
        except CrossSiteRequest:
            return {}
        return {"Set-Cookie": self._gate.cookie.clear(), "Clear-Site-Data": CLEAR_SITE_DATA}

    async def _holders(self, request: Request, body: LogoutBody) -> list[Holder]:
        """Find whose sessions are meant: the caller's, and that of a refresh token. A dead credential is nobody's."""
        holders = []
        if body.refresh_token is not None:
            holders.append(await self._tokens.holder(body.refresh_token))
        with contextlib.suppress(InvalidToken, SessionEnded):
            principal = await self._gate.authenticate(request.scope)
            if principal is not None:
                holders.append(Holder(principal.subject, principal.session_id, speaks_for_account=True))
        return [holder for holder in holders if holder is not None]

    def operations(self) -> list[Operation]:
        """List the operations of this slice."""
        return [
            Operation(
                "POST",
                "/v1/logout",
                self.log_out,
                "Log out",
                reads=LogoutBody,
                answers={204: None},
                problems=("invalid_fields", "invalid_request", "cross_site_request"),
            ),
            Operation(
                "GET",
                "/v1/me/sessions",
                self.show,
                "List one's own sessions",
                answers={200: SessionsAnswer},
                needs_caller=True,
                query=("cursor",),
            ),
            Operation(
                "DELETE",
                "/v1/me/sessions",
                self.end_others,
                "End all one's other sessions",
                answers={200: EndedAnswer},
                problems=("invalid_fields",),
                needs_caller=True,
                query=("others",),
            ),
            Operation(
                "DELETE",
                "/v1/me/sessions/{id}",
                self.end_one,
                "End one of one's own sessions",
                answers={204: None},
                problems=("not_found",),
                needs_caller=True,
            ),
        ]


async def _read_logout(request: Request) -> LogoutBody:
    """Read the body; none at all means ``{}``, for callers that have nothing to say."""
    body = await read_bytes(request)
    if not body:
        return LogoutBody()
    check_content_type(request)
    return to_struct(parse_object(body), LogoutBody)
