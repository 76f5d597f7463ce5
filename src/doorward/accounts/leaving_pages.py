"""The page on which people take their data along, or leave."""

import json
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.leaving import Leaving
from doorward.confirm import Confirm, carrying
from doorward.errors import FieldError, InvalidFields, MalformedRequest
from doorward.gate import Caller, Gate
from doorward.web.browser import CLEAR_SITE_DATA
from doorward.web.forms import Form
from doorward.web.pages import FormKind, Pages
from doorward.web.routing import Operation
from doorward.web.translation import translatable
from doorward.web.visit import NOTHING_SENT, Blame, Sent

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {"leave.html": frozenset({"is_fresh"})}
"""The template of this page, with the variables that it gets."""

LEAVE_FORM: Final = FormKind(
    ("password", "wish", "sure"),
    blames={"invalid_credentials": Blame("password", translatable("This is not your current password."))},
)


class LeavingPages:
    """The handlers."""

    def __init__(self, pages: Pages, *, gate: Gate, leaving: Leaving, confirm: Confirm) -> None:
        """Take what is needed."""
        self._pages = pages
        self._gate = gate
        self._leaving = leaving
        self._confirm = confirm

    async def show(self, request: Request) -> Response:
        """``GET /account/leave``."""
        return await self._again(request, await self._gate.person(request), NOTHING_SENT, 200)

    async def act(self, request: Request) -> Response:
        """``POST /account/leave``: one form with two buttons."""
        return await self._pages.submit(request, LEAVE_FORM, act=self._act, again=self._again)

    async def _act(self, _request: Request, form: Form, caller: Caller) -> Response:
        wish, account_id = form["wish"], caller.principal.subject
        if wish not in ("export", "delete"):
            raise MalformedRequest("neither button")
        if wish == "delete" and form["sure"] != "on":
            raise InvalidFields("not sure", errors=[FieldError("/sure", "required", "Say that you are sure.")])
        cookies = await self._confirm(caller, form["password"])
        if wish == "delete":
            with carrying(cookies):
                await self._leaving.delete(account_id, source=caller.source)
            response = self._pages.go("/login", notice="account_deleted", cookies=[self._gate.cookie.clear()])
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
            return response
        with carrying(cookies):
            held = await self._leaving.export(account_id, source=caller.source)
        response = Response(json.dumps(held, ensure_ascii=False, indent=2), media_type="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
        for cookie in cookies:
            response.headers.append("Set-Cookie", cookie)
        return response

    async def _again(self, request: Request, caller: Caller, sent: Sent, status: int) -> Response:
        is_fresh = self._gate.is_fresh(caller)
        return self._pages.show(
            request, "leave.html", who=caller.principal, sent=sent, status=status, is_fresh=is_fresh
        )

    def operations(self) -> list[Operation]:
        """List the pages."""
        page = self._pages.operation
        return [
            page("GET", "/account/leave", self.show, "One's data, and leaving"),
            page("POST", "/account/leave", self.act, "Take the data along, or leave"),
        ]
