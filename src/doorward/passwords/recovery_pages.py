"""The pages of setting a password by a secret from a mail."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from doorward.gate import source_of
from doorward.passwords.pages import MAX_LOGIN, MAX_TYPED
from doorward.passwords.recovery import Recovery
from doorward.web.challenged import sender_of
from doorward.web.forms import Form, check_filled
from doorward.web.mail_form import FIELDS, KEPT, VARIABLES, WRONG_CODE, carried, read_answer
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.visit import NOTHING_SENT, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "forgot.html": frozenset(),
    "reset.html": VARIABLES,
    "invitation.html": VARIABLES,
}
"""The templates of these pages, with the variables that each gets."""

FORGOT_FORM: Final = FormKind(("login",), kept=("login",), challenged=True)
_BLAMES: Final = {"challenge_invalid": WRONG_CODE}
RESET_FORM: Final = FormKind((*FIELDS, "new_password"), kept=KEPT, blames=_BLAMES)
INVITATION_FORM: Final = FormKind((*FIELDS, "password"), kept=KEPT, blames=_BLAMES)


class RecoveryPages:
    """The handlers."""

    def __init__(self, pages: Pages, *, recovery: Recovery) -> None:
        """Take what is needed."""
        self._pages = pages
        self._recovery = recovery

    async def show_forgot(self, request: Request) -> Response:
        """``GET /forgot``."""
        return await self._forgot_again(request, NOTHING_SENT, 200)

    async def forgot(self, request: Request) -> Response:
        """``POST /forgot``: on to the same page for every login."""
        return await self._pages.submit_as_visitor(request, FORGOT_FORM, act=self._forgot, again=self._forgot_again)

    async def show_reset(self, request: Request) -> Response:
        """``GET /reset``: where the link of the mail leads; it uses nothing up."""
        return await self._reset_again(request, NOTHING_SENT, 200)

    async def reset(self, request: Request) -> Response:
        """``POST /reset``: sets the password and logs nobody in."""
        return await self._pages.submit_as_visitor(request, RESET_FORM, act=self._reset, again=self._reset_again)

    async def show_invitation(self, request: Request) -> Response:
        """``GET /invitation``."""
        return await self._invitation_again(request, NOTHING_SENT, 200)

    async def accept(self, request: Request) -> Response:
        """``POST /invitation``."""
        return await self._pages.submit_as_visitor(
            request, INVITATION_FORM, act=self._accept, again=self._invitation_again
        )

    async def _forgot(self, request: Request, form: Form) -> Response:
        check_filled(form, {"login": MAX_LOGIN})
        sent = await self._recovery.forgot(form["login"].strip(), source=sender_of(request, form))
        return self._pages.go(f"/reset?{urlencode({'challenge': sent.challenge})}")

    async def _forgot_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "forgot.html", sent=sent, status=status)

    async def _reset(self, request: Request, form: Form) -> Response:
        check_filled(form, {"new_password": MAX_TYPED})
        await self._recovery.reset(read_answer(form), form["new_password"], source=source_of(request))
        return self._pages.go("/login", notice="password_set")

    async def _reset_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "reset.html", sent=sent, status=status, **carried(request, sent))

    async def _accept(self, request: Request, form: Form) -> Response:
        check_filled(form, {"password": MAX_TYPED})
        await self._recovery.accept(read_answer(form), form["password"], source=source_of(request))
        return self._pages.go("/login", notice="password_set")

    async def _invitation_again(self, request: Request, sent: Sent, status: int) -> Response:
        return self._pages.show(request, "invitation.html", sent=sent, status=status, **carried(request, sent))

    def operations(self) -> list[Operation]:
        """List the pages."""
        page = self._pages.operation
        return [
            page("GET", "/forgot", self.show_forgot, "Ask for another password"),
            page("POST", "/forgot", self.forgot, "Ask for another password"),
            page("GET", "/reset", self.show_reset, "Set another password"),
            page("POST", "/reset", self.reset, "Set another password"),
            page("GET", "/invitation", self.show_invitation, "Accept an invitation"),
            page("POST", "/invitation", self.accept, "Accept an invitation"),
        ]
