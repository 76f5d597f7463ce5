"""The pages of an account's address: proving it, changing it, and taking a change back."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.addresses import Addresses
from doorward.accounts.flows import Accounts
from doorward.accounts.model import MAX_EMAIL
from doorward.confirm import Confirm, carrying
from doorward.gate import Caller, Gate, source_of
from doorward.web.challenged import sender_of
from doorward.web.forms import Form, check_filled
from doorward.web.mail_form import FIELDS, KEPT, VARIABLES, WRONG_CODE, carried, read_answer
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.translation import translatable
from doorward.web.visit import NOTHING_SENT, Blame, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "verify.html": VARIABLES,
    "undo.html": VARIABLES,
    "email.html": frozenset({"email", "email_verified", "is_fresh"}),
}
"""The templates of these pages, with the variables that each gets."""

SECRET_FORM: Final = FormKind(FIELDS, kept=KEPT, blames={"challenge_invalid": WRONG_CODE})
AGAIN_FORM: Final = FormKind(("challenge",), kept=("challenge",), challenged=True)
EMAIL_FORM: Final = FormKind(
    ("new_email", "password"),
    kept=("new_email",),
    blames={"invalid_credentials": Blame("password", translatable("This is not your current password."))},
)


class AddressPages:
    """The handlers."""

    def __init__(self, pages: Pages, *, gate: Gate, accounts: Accounts, addresses: Addresses, confirm: Confirm) -> None:
        """Take what is needed."""
        self._pages = pages
        self._gate = gate
        self._accounts = accounts
        self._addresses = addresses
        self._confirm = confirm

    async def show_verify(self, request: Request) -> Response:
        """``GET /verify``: where the link of a mail leads; it uses nothing up."""
        return await self._verify_again(request, NOTHING_SENT, 200)

    async def verify(self, request: Request) -> Response:
        """``POST /verify``."""
        return await self._pages.submit_as_visitor(request, SECRET_FORM, act=self._verify, again=self._verify_again)

    async def send_again(self, request: Request) -> Response:
        """``POST /verify/again``."""
        return await self._pages.submit_as_visitor(request, AGAIN_FORM, act=self._resend, again=self._verify_again)

    async def show_undo(self, request: Request) -> Response:
        """``GET /undo``."""
        return await self._undo_again(request, NOTHING_SENT, 200)

    async def undo(self, request: Request) -> Response:
        """``POST /undo``."""
        return await self._pages.submit_as_visitor(request, SECRET_FORM, act=self._undo, again=self._undo_again)

    async def show_email(self, request: Request) -> Response:
        """``GET /account/email``."""
        return await self._email_again(request, await self._gate.person(request), NOTHING_SENT, 200)

    async def change_email(self, request: Request) -> Response:
        """``POST /account/email``."""
        return await self._pages.submit(request, EMAIL_FORM, act=self._change, again=self._email_again)

    async def _verify(self, request: Request, form: Form) -> Response:
        await self._addresses.verify(read_answer(form), source=source_of(request))
        return self._pages.go("/login", notice="address_confirmed")

    async def _verify_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "verify.html", sent=sent, status=status, **carried(request, sent))

    async def _resend(self, request: Request, form: Form) -> Response:
        await self._addresses.resend(challenge_id=form["challenge"][:64], source=sender_of(request, form))
        return self._pages.go(f"/verify?{urlencode({'challenge': form['challenge'][:64]})}", notice="mail_sent")

    async def _undo(self, request: Request, form: Form) -> Response:
        await self._addresses.undo(read_answer(form), source=source_of(request))
        return self._pages.go("/login", notice="change_undone")

    async def _undo_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "undo.html", sent=sent, status=status, **carried(request, sent))

    async def _change(self, _request: Request, form: Form, caller: Caller) -> Response:
        check_filled(form, {"new_email": MAX_EMAIL})
        cookies = await self._confirm(caller, form["password"])
        with carrying(cookies):
            sent = await self._addresses.request_change(
                caller.principal.subject,
                new_email=form["new_email"].strip(),
                session_id=caller.principal.session_id,
                source=caller.source,
            )
        return self._pages.go(f"/verify?{urlencode({'challenge': sent.challenge})}", cookies=cookies)

    async def _email_again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        account = await self._accounts.find(caller.principal.subject)
        return self._pages.show(
            request,
            "email.html",
            who=caller.principal,
            sent=sent,
            status=status,
            email=account.email,
            email_verified=account.email_verified,
            is_fresh=self._gate.is_fresh(caller),
        )

    def operations(self) -> list[Operation]:
        """List the pages."""
        page = self._pages.operation
        return [
            page("GET", "/verify", self.show_verify, "Prove an address"),
            page("POST", "/verify", self.verify, "Prove an address"),
            page("GET", "/verify/again", self.show_verify, "Prove an address"),
            page("POST", "/verify/again", self.send_again, "Send the mail again"),
            page("GET", "/undo", self.show_undo, "Take a change of the address back"),
            page("POST", "/undo", self.undo, "Take a change of the address back"),
            page("GET", "/account/email", self.show_email, "Change the address"),
            page("POST", "/account/email", self.change_email, "Change the address"),
        ]
