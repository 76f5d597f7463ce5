"""The HTTP face of logging in with a link or a code from a mail."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from doorward.gate import Gate, source_of
from doorward.passwords.views import CookieLoginAnswer, LoginAnswer, answer_log_in
from doorward.sessions.flows import Sessions
from doorward.settings import Settings
from doorward.sign_in_links.flows import SignInLinks
from doorward.verification.views import Login, SecretBody, SentAnswer
from doorward.web.body import Confidential, read_json, write_json
from doorward.web.browser import check_same_origin
from doorward.web.routing import Operation


class SendLinkBody(Confidential, forbid_unknown_fields=True):
    """Who wants to log in; ``login`` is the e-mail address or the username."""

    login: Login


class SignInBody(SecretBody, forbid_unknown_fields=True):
    """The secret from the mail, and what to log in with it."""

    transport: Literal["bearer", "cookie"] = "bearer"
    remember: bool = False


class SignInLinkRoutes:
    """The handlers."""

    def __init__(self, *, links: SignInLinks, sessions: Sessions, gate: Gate, settings: Settings) -> None:
        """Take what is needed."""
        self._links = links
        self._sessions = sessions
        self._gate = gate
        self._settings = settings

    async def send(self, request: Request) -> Response:
        """``POST /v1/login/link``."""
        body = await read_json(request, SendLinkBody)
        sent = await self._links.send(body.login, source=source_of(request))
        return write_json(SentAnswer.of(sent, "link_sent"), status=202)

    async def redeem(self, request: Request) -> Response:
        """``POST /v1/login/link/redeem``; the same care about cookies as at ``/v1/login``."""
        visitor = await self._gate.visitor(request)
        body = await read_json(request, SignInBody)
        headers = request.scope["headers"]
        if body.transport == "cookie":
            check_same_origin(request.method, headers, origin=self._settings.origin, lenient=True)
        log_in = await self._links.redeem(
            body.answer(),
            transport=body.transport,
            remember=body.remember,
            source=source_of(request),
            replaces=visitor,
        )
        answer = answer_log_in(log_in, self._sessions, self._gate.cookie, self._settings)
        if log_in.cookie is None and self._gate.cookie.values(headers):
            answer.headers["Set-Cookie"] = self._gate.cookie.clear()
        return answer

    def operations(self) -> list[Operation]:
        """List the operations; none where this way in is not offered."""
        if not self._settings.verification.sign_in_links:
            return []
        return [
            Operation(
                "POST",
                "/v1/login/link",
                self.send,
                "Ask for a mail with which to log in",
                reads=SendLinkBody,
                answers={202: SentAnswer},
                problems=("invalid_fields", "too_many_attempts", "overloaded", "mail_unavailable"),
            ),
            Operation(
                "POST",
                "/v1/login/link/redeem",
                self.redeem,
                "Log in by the link or code from a mail",
                reads=SignInBody,
                answers={200: (LoginAnswer, CookieLoginAnswer)},
                problems=("challenge_invalid", "invalid_fields", "too_many_attempts"),
            ),
        ]
