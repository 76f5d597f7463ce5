"""Pages: showing them and taking their forms. This is what a slice's ``pages.py`` builds on.

A slice says only what is particular to it; everything that must never be forgotten is here.

- :meth:`Pages.operation` lists a page. Whatever its handler raises is shown as a page, and somebody who is not logged
  in is sent to the log-in page and comes back.
- :meth:`Pages.show` renders a template, with the language of the visitor and a strict content policy.
- :meth:`Pages.submit` takes a form: same origin first, strict parsing, the session-bound token, then the slice's own
  function. After a mistake the form comes back as it was, without passwords; and where the session has ended meanwhile,
  what had been typed waits until its owner has logged in again. :meth:`Pages.submit_as_visitor` does it for forms that
  need no log-in.
- :meth:`Pages.go` and :meth:`Pages.leave` redirect with 303, to a page of ours and to a checked ``return_to``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.core.clock import Clock
from doorward.errors import Problem, SessionEnded, TokenRefused
from doorward.gate import Caller, Gate
from doorward.verify.answers import DEFAULT_REALM, headers_of
from doorward.web.browser import check_same_origin
from doorward.web.challenged import KEPT_FIELD, PROOF_FIELD, Challenged, seal_password, unseal_password
from doorward.web.form_token import FIELD, FormExpired, is_form_token, of_visitor
from doorward.web.forms import Form, read_form
from doorward.web.page_cookies import Draft, seal_draft
from doorward.web.rendering import Renderer
from doorward.web.routing import path_below_mount
from doorward.web.visit import Blame, Sent

OWNER_FIELD: Final = "form_owner"
COMES_BACK: Final = frozenset({400, 401, 403, 409, 422, 429, 503})
"""Status of problems after which a form is shown again."""
NO_MISTAKE: Final = frozenset({403, 429, 503})
"""Those that keep their own status then; the others are the sender's mistake, which is 422."""


@dataclass(frozen=True, slots=True)
class FormKind:
    """A form: the fields it has, those that may be shown again, and which of them a problem is about."""

    fields: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """Never a password."""
    blames: Mapping[str, Blame] = field(default_factory=dict)
    """Code of a problem → the field beside which it is said, and how."""
    challenged: bool = False
    """Whether it can be sent again with the answer to a challenge."""
    sealed: str = ""
    """The field with a password, which is kept sealed meanwhile."""


Act = Callable[[Request, Form, Caller], Awaitable[Response]]
"""What a form of somebody who is logged in does; a problem that it raises is said in the form."""
VisitorAct = Callable[[Request, Form], Awaitable[Response]]


class Pages(Renderer):
    """The pages of one instance."""

    def __init__(self, *arguments: Any, gate: Gate, clock: Clock, **options: Any) -> None:
        """Take the gate, the clock, and what the renderer needs."""
        super().__init__(*arguments, **options)
        self._gate = gate
        self._clock = clock

    # -- forms -------------------------------------------------------------------------------------------------------

    async def submit(
        self,
        request: Request,
        kind: FormKind,
        *,
        act: Act,
        again: Callable[[Request, Caller, Sent, int], Awaitable[Response]],
    ) -> Response:
        """Take a form of somebody who is logged in, and call ``act``; ``again`` shows it after a mistake.

        Raises what is no mistake in the form; it is shown as a page then.
        """
        form = await self._read(request, kind)
        try:
            caller = await self._gate.person(request)
        except (SessionEnded, TokenRefused) as ended:
            return self._wait_for_log_in(request, kind, form, ended)
        try:
            self._check_token(form, caller.principal.session_id)
            return await act(request, form, caller)
        except (SessionEnded, TokenRefused) as ended:
            return self._wait_for_log_in(request, kind, form, ended)
        except Problem as problem:
            _check_comes_back(problem)
            answer = await again(request, caller, _sent(kind, form, problem), _status(problem))
            return _with_headers(answer, problem)

    async def submit_as_visitor(
        self,
        request: Request,
        kind: FormKind,
        *,
        act: VisitorAct,
        again: Callable[[Request, Sent, int], Awaitable[Response]],
    ) -> Response:
        """Take a form that needs no log-in, bound to the browser by a cookie; otherwise like :meth:`submit`."""
        form = await self._read(request, kind)
        browser = of_visitor(self.cookies.visitor.read(request.scope["headers"]))
        try:
            self._check_token(form, browser)
            form = self._with_kept(request, kind, form, browser)
            return await act(request, form)
        except Problem as problem:
            _check_comes_back(problem)
            sent = replace(_sent(kind, form, problem), challenge=self._challenge(request, kind, form, browser, problem))
            return _with_headers(await again(request, sent, _status(problem)), problem)

    def check_same_origin(self, request: Request) -> None:
        """Refuse what no page of ours sends; :meth:`submit` does it by itself. Raises :class:`CrossSiteRequest`."""
        check_same_origin(request.method, request.scope["headers"], origin=self._settings.origin)

    async def _read(self, request: Request, kind: FormKind) -> Form:
        self.check_same_origin(request)
        more = (PROOF_FIELD, KEPT_FIELD) if kind.challenged else ()
        return await read_form(request, (*kind.fields, FIELD, OWNER_FIELD, *more))

    def _check_token(self, form: Form, binding: str) -> None:
        if not binding or not is_form_token(self._ring, binding, form[FIELD]):
            raise FormExpired("form token of another session, or none")

    def _challenge(
        self, request: Request, kind: FormKind, form: Form, browser: str, problem: Problem
    ) -> Challenged | None:
        """Return the challenge with which a form comes back, and the password in it, sealed."""
        shown = problem.members.get("challenge")
        if not kind.challenged or not isinstance(shown, dict):
            return None
        kept = form[kind.sealed] and seal_password(
            self._ring,
            form[kind.sealed],
            bound_to=_bound(request, browser),
            until=self._clock() + int(shown["expires_in"]),
            entropy=self._entropy,
        )
        # Once: where the answer of a script was not good enough, a person looks before there is another.
        return Challenged.of(shown, secret=kind.sealed, kept=kept, by_itself=not form[PROOF_FIELD])

    def _with_kept(self, request: Request, kind: FormKind, form: Form, browser: str) -> Form:
        """Fill in the password that was kept, unless another one was typed."""
        if not kind.sealed or not form[KEPT_FIELD] or form[kind.sealed]:
            return form
        bound_to = _bound(request, browser)
        password = unseal_password(self._ring, form[KEPT_FIELD], bound_to=bound_to, now=self._clock())
        return Form({**form, kind.sealed: password})

    def _wait_for_log_in(self, request: Request, kind: FormKind, form: Form, ended: Problem) -> Response:
        """Keep what was typed in a sealed cookie for the owner of the form, and ask for a log-in."""
        response = self.to_login(request.scope, ended)
        below = path_below_mount(request.scope["path"], request.scope.get("root_path", ""))
        kept = form.only(kind.kept)
        draft = Draft(form[OWNER_FIELD], below, kept)
        value = seal_draft(self._ring, draft, entropy=self._entropy) if kept and draft.owner else ""
        if value:
            response.headers.append("Set-Cookie", self.cookies.draft.write(value))
        return response


def _bound(request: Request, browser: str) -> str:
    return f"{request.scope['path']}\0{browser}"


def _check_comes_back(problem: Problem) -> None:
    if problem.status not in COMES_BACK:
        raise problem


def _status(problem: Problem) -> int:
    """Mistakes are 422, whatever the API says to programs; the rest keeps its own status."""
    return problem.status if problem.status in NO_MISTAKE else 422


def _sent(kind: FormKind, form: Form, problem: Problem) -> Sent:
    return Sent(form.only(kind.kept), problem, kind.blames)


def _with_headers(response: Response, problem: Problem) -> Response:
    for name, value in headers_of(problem, realm=DEFAULT_REALM).items():
        if name == "retry-after":
            response.headers[name] = value
        elif name == "set-cookie":
            response.headers.append(name, value)
    return response
