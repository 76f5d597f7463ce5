"""The pages of passwords: logging in, and changing the password."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.flows import Accounts
from doorward.gate import Caller, Gate
from doorward.passwords.flows import LogIn, Passwords
from doorward.sessions.flows import Sessions
from doorward.web.challenged import sender_of
from doorward.web.forms import Form, check_filled
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.translation import translatable
from doorward.web.visit import NOTHING_SENT, Blame, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "login.html": frozenset({"may_register", "known_as", "destination"}),
    "password.html": frozenset({"email"}),
}
"""The templates of this slice, with the variables that each gets."""

MAX_LOGIN: Final = 254
MAX_TYPED: Final = 1024
"""Characters of a password that are looked at: longer than the policy allows, so that the policy can say so."""

LOGIN_FORM: Final = FormKind(
    ("login", "password", "remember", "return_to"),
    kept=("login", "remember", "return_to"),
    challenged=True,
    sealed="password",
)
WRONG_PASSWORD: Final = Blame("current_password", translatable("This is not your current password."))
CHANGE_FORM: Final = FormKind(
    ("current_password", "new_password"),
    blames={"invalid_credentials": WRONG_PASSWORD},
)


class PasswordPages:
    """The handlers of this slice's pages."""

    def __init__(
        self,
        pages: Pages,
        *,
        gate: Gate,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        may_register: bool,
    ) -> None:
        """Take what is needed."""
        self._pages = pages
        self._gate = gate
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._may_register = may_register

    async def show_login(self, request: Request) -> Response:
        """``GET /login``."""
        return await self._login_again(request, NOTHING_SENT, 200)

    async def log_in(self, request: Request) -> Response:
        """``POST /login``."""
        return await self._pages.submit_as_visitor(request, LOGIN_FORM, act=self._log_in, again=self._login_again)

    async def show_password(self, request: Request) -> Response:
        """``GET /account/password``."""
        return await self._password_again(request, await self._gate.person(request), NOTHING_SENT, 200)

    async def change(self, request: Request) -> Response:
        """``POST /account/password``."""
        return await self._pages.submit(request, CHANGE_FORM, act=self._change, again=self._password_again)

    async def _log_in(self, request: Request, form: Form) -> Response:
        check_filled(form, {"login": MAX_LOGIN, "password": MAX_TYPED})
        log_in = await self._passwords.log_in(
            login=form["login"].strip(),
            password=form["password"],
            transport="cookie",
            remember=form["remember"] == "on",
            source=sender_of(request, form),
            replaces=await self._gate.visitor(request),
        )
        cookies = [*self._cookies(log_in), self._pages.cookies.visitor.clear()]
        return self._pages.leave(self._pages.home(form["return_to"]), cookies=cookies)

    async def _login_again(self, request: Request, sent: Sent, status: int) -> Response:
        """Show the log-in page; somebody who is logged in already may go on, or log in as somebody else."""
        session = await self._gate.visitor(request)
        known_as = "" if session is None else (await self._accounts.find(session.account_id)).email
        return self._pages.show(
            request,
            "login.html",
            sent=sent,
            status=status,
            may_register=self._may_register,
            known_as=known_as,
            destination=self._pages.home(self._pages.way_back(request, sent)),
        )

    async def _change(self, _request: Request, form: Form, caller: Caller) -> Response:
        check_filled(form, {"current_password": MAX_TYPED, "new_password": MAX_TYPED})
        log_in = await self._passwords.change(
            session_id=caller.principal.session_id,
            current_password=form["current_password"],
            new_password=form["new_password"],
            source=caller.source,
            by=caller.transport,
        )
        return self._pages.go("/account/password", notice="password_changed", cookies=self._cookies(log_in))

    async def _password_again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        account = await self._accounts.find(caller.principal.subject)
        return self._pages.show(
            request, "password.html", who=caller.principal, sent=sent, status=status, email=account.email
        )

    def _cookies(self, log_in: LogIn) -> list[str]:
        max_age = self._sessions.lifetime_of_cookie(log_in.session)
        return [self._gate.cookie.set(log_in.cookie or "", max_age=max_age), *self._pages.known_by(log_in.device)]

    def operations(self) -> list[Operation]:
        """List the pages of this slice."""
        page = self._pages.operation
        return [
            page("GET", "/login", self.show_login, "Log in"),
            page("POST", "/login", self.log_in, "Log in"),
            page("GET", "/account/password", self.show_password, "Change the password"),
            page("POST", "/account/password", self.change, "Change the password"),
        ]
