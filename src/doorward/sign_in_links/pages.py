"""The pages of logging in with a link or a code from a mail."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from doorward.gate import Gate, source_of
from doorward.sessions.flows import Sessions
from doorward.sign_in_links.flows import SignInLinks
from doorward.web.challenged import sender_of
from doorward.web.forms import Form, check_filled
from doorward.web.mail_form import FIELDS, KEPT, VARIABLES, WRONG_CODE, carried, read_answer
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.visit import NOTHING_SENT, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {"sign_in.html": frozenset(), "sign_in_code.html": VARIABLES}
"""The templates of this slice, with the variables that each gets."""

MAX_LOGIN: Final = 254

SEND_FORM: Final = FormKind(("login", "return_to"), kept=("login", "return_to"), challenged=True)
SIGN_IN_FORM: Final = FormKind(
    (*FIELDS, "return_to"), kept=(*KEPT, "return_to"), blames={"challenge_invalid": WRONG_CODE}
)


class SignInLinkPages:
    """The handlers of this slice's pages."""

    def __init__(self, pages: Pages, *, gate: Gate, links: SignInLinks, sessions: Sessions) -> None:
        """Take what is needed."""
        self._pages = pages
        self._gate = gate
        self._links = links
        self._sessions = sessions

    async def show(self, request: Request) -> Response:
        """``GET /sign-in``: who wants a mail; or, where the link of one leads, the button."""
        if request.query_params.get("challenge"):
            return await self._code_again(request, NOTHING_SENT, 200)
        return await self._send_again(request, NOTHING_SENT, 200)

    async def send(self, request: Request) -> Response:
        """``POST /sign-in/send``."""
        return await self._pages.submit_as_visitor(request, SEND_FORM, act=self._send, again=self._send_again)

    async def sign_in(self, request: Request) -> Response:
        """``POST /sign-in``."""
        return await self._pages.submit_as_visitor(request, SIGN_IN_FORM, act=self._sign_in, again=self._code_again)

    async def _send(self, request: Request, form: Form) -> Response:
        check_filled(form, {"login": MAX_LOGIN})
        sent = await self._links.send(form["login"].strip(), source=sender_of(request, form))
        kept = {"return_to": form["return_to"]} if form["return_to"] else {}
        return self._pages.go(f"/sign-in?{urlencode({'challenge': sent.challenge, **kept})}")

    async def _send_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "sign_in.html", sent=sent, status=status)

    async def _sign_in(self, request: Request, form: Form) -> Response:
        log_in = await self._links.redeem(
            read_answer(form),
            transport="cookie",
            source=source_of(request),
            replaces=await self._gate.visitor(request),
        )
        cookie = self._gate.cookie.set(log_in.cookie or "", max_age=self._sessions.lifetime_of_cookie(log_in.session))
        return self._pages.leave(
            self._pages.home(form["return_to"]),
            cookies=[cookie, *self._pages.known_by(log_in.device), self._pages.cookies.visitor.clear()],
        )

    async def _code_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "sign_in_code.html", sent=sent, status=status, **carried(request, sent))

    def operations(self) -> list[Operation]:
        """List the pages; the flows refuse where this way in is not offered, so nothing needs to be listed then."""
        page = self._pages.operation
        return [
            page("GET", "/sign-in", self.show, "Log in by mail"),
            page("GET", "/sign-in/send", self.show, "Log in by mail"),
            page("POST", "/sign-in/send", self.send, "Ask for a mail with which to log in"),
            page("POST", "/sign-in", self.sign_in, "Log in by mail"),
        ]
