"""The pages of accounts: registering, and one's own profile."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.flows import Accounts
from doorward.accounts.registration import Registration
from doorward.errors import Problem, RegistrationClosed
from doorward.gate import Caller, Gate
from doorward.passwords.flows import Passwords
from doorward.sessions.flows import Sessions
from doorward.web.challenged import sender_of
from doorward.web.forms import Form, check_filled
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.translation import translatable
from doorward.web.visit import NOTHING_SENT, Blame, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "register.html": frozenset(),
    "account.html": frozenset({"email", "email_verified", "username", "name", "created_at"}),
}
"""The templates of this slice, with the variables that each gets."""

MAX_FIELDS: Final = {"email": 254, "password": 1024}
MAX_NAME: Final = 100
"""Characters of the ``name`` in a profile, as far as it is typed here."""

ADDRESS_TAKEN: Final = Blame("email", translatable("There is an account with this address already."))
USERNAME_TAKEN: Final = Blame("username", translatable("This username is taken."))
REGISTER_FORM: Final = FormKind(
    ("email", "password", "return_to"),
    kept=("email", "return_to"),
    blames={"login_taken": ADDRESS_TAKEN},
    challenged=True,
    sealed="password",
)
PROFILE_FORM: Final = FormKind(
    ("username", "name"),
    kept=("username", "name"),
    blames={"login_taken": USERNAME_TAKEN},
)


class AccountPages:
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
        registration: Registration | None = None,
    ) -> None:
        """Take what is needed; ``registration`` where an address must be proved before its owner gets in."""
        self._registration = registration
        self._pages = pages
        self._gate = gate
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._may_register = may_register

    async def show_register(self, request: Request) -> Response:
        """``GET /register``."""
        self._check_open()
        return await self._register_again(request, NOTHING_SENT, 200)

    async def register(self, request: Request) -> Response:
        """``POST /register``: makes the account and logs its owner in."""
        self._check_open()
        return await self._pages.submit_as_visitor(
            request, REGISTER_FORM, act=self._register, again=self._register_again
        )

    async def show_profile(self, request: Request) -> Response:
        """``GET /account``."""
        return await self._profile_again(request, await self._gate.person(request), NOTHING_SENT, 200)

    async def save_profile(self, request: Request) -> Response:
        """``POST /account``."""
        return await self._pages.submit(request, PROFILE_FORM, act=self._save_profile, again=self._profile_again)

    def _check_open(self) -> None:
        if not self._may_register:
            raise RegistrationClosed("registration is closed")

    async def _register(self, request: Request, form: Form) -> Response:
        check_filled(form, MAX_FIELDS)
        source = sender_of(request, form)
        email = form["email"].strip()
        if self._registration is not None:
            sent_to = await self._registration.sign_up(email=email, password=form["password"], source=source)
            return self._pages.go(f"/verify?{urlencode({'challenge': sent_to.challenge})}")
        await self._accounts.register(email=email, password=form["password"], source=source)
        try:
            log_in = await self._passwords.log_in(
                login=email,
                password=form["password"],
                transport="cookie",
                source=source,
                replaces=await self._gate.visitor(request),
            )
        except Problem:  # too busy, say: the account is made all the same, and registering again would only confuse
            return self._pages.go("/login", notice="registered")
        max_age = self._sessions.lifetime_of_cookie(log_in.session)
        cookies = [
            self._gate.cookie.set(log_in.cookie or "", max_age=max_age),
            *self._pages.known_by(log_in.device),
            self._pages.cookies.visitor.clear(),
        ]
        if not form["return_to"]:  # elsewhere nobody would show it
            cookies.append(self._pages.cookies.notice.write("welcome"))
        return self._pages.leave(self._pages.home(form["return_to"]), cookies=cookies)

    async def _register_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "register.html", sent=sent, status=status)

    async def _save_profile(self, _request: Request, form: Form, caller: Caller) -> Response:
        if len(form["name"]) > MAX_NAME:
            check_filled(form, {"name": MAX_NAME})
        account = await self._accounts.find(caller.principal.subject)
        username, name = form["username"].strip(), form["name"].strip()
        profile = {key: value for key, value in account.profile.items() if key != "name"}
        if name:
            profile["name"] = name
        await self._accounts.update(
            account.id,
            username=username or None,
            remove_username=not username and account.username is not None,
            profile=None if profile == account.profile else profile,
            source=caller.source,
        )
        return self._pages.go("/account", notice="profile_saved")

    async def _profile_again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        account = await self._accounts.find(caller.principal.subject)
        name = account.profile.get("name", "")
        return self._pages.show(
            request,
            "account.html",
            who=caller.principal,
            sent=sent,
            status=status,
            email=account.email,
            email_verified=account.email_verified,
            username=account.username or "",
            name=name if isinstance(name, str) else "",
            created_at=account.created_at,
        )

    def operations(self) -> list[Operation]:
        """List the pages of this slice."""
        page = self._pages.operation
        return [
            page("GET", "/register", self.show_register, "Register"),
            page("POST", "/register", self.register, "Register"),
            page("GET", "/account", self.show_profile, "One's own account"),
            page("POST", "/account", self.save_profile, "Change one's profile"),
        ]
