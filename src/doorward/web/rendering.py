"""How pages are shown, and how a refusal looks to a person.

A page has the language of its visitor, a strict content policy and no cache. Somebody who is not logged in is sent to
the log-in page and comes back; every other refusal is a page too, for those who asked for one.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from doorward.core.clock import Entropy
from doorward.core.secret import SecretRing
from doorward.errors import MalformedRequest, Problem, SessionEnded, TokenRefused
from doorward.settings import Settings
from doorward.verify.answers import DEFAULT_REALM, headers_of, wants_page
from doorward.verify.answers import to_login as way_to_login
from doorward.verify.model import Principal
from doorward.web import messages
from doorward.web.assets import Assets
from doorward.web.browser import device_cookie
from doorward.web.form_token import make_form_token, of_visitor
from doorward.web.forms import parse_form
from doorward.web.front import REQUEST_ID
from doorward.web.page_cookies import Draft, PageCookies, owner_mark, unseal_draft
from doorward.web.return_to import check_return_to
from doorward.web.routing import Handler, Operation, path_below_mount
from doorward.web.templates import Templates
from doorward.web.translation import Language, choose_language, translatable
from doorward.web.visit import NOTHING_SENT, FormView, Sent, Visit, restored

PAGE: Final = "doorward.page"
"""Where in the scope it stands that the operation is a page, whose refusals are pages too."""

VISITOR_BYTES: Final = 18

TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    "base.html": frozenset(),
    "account_base.html": frozenset(),
    "fields.html": frozenset(),
    "secret.html": frozenset(),
    "error.html": frozenset({"title", "text", "status_code", "request_id", "may_log_in"}),
}
"""The templates that belong to no slice, with the variables that each gets."""


class Renderer:
    """Shows the pages of one instance."""

    def __init__(
        self,
        settings: Settings,
        *,
        ring: SecretRing,
        entropy: Entropy,
        packages: Sequence[str],
        sections: Sequence[tuple[str, str]],
        variables: Mapping[str, frozenset[str]],
    ) -> None:
        """Take what is needed; ``sections`` are the pages about one's account, ``variables`` what each template gets.

        Raises :class:`Misconfigured` for templates of the operator's that cannot work.
        """
        self._settings = settings
        self._ring = ring
        self._entropy = entropy
        self._sections = tuple(sections)
        self.cookies = PageCookies.of(settings.origin)
        self.assets = Assets(settings.pages, mount_path=settings.mount_path)
        shared = {
            "service_name": settings.service_name,
            "asset": self.assets.url,
            "path": self.path,
            "links": _links(settings),
            "password_rules": settings.passwords,
            "can_mail": settings.mail.is_configured,
            "sign_in_links": settings.verification.sign_in_links,
        }
        self.templates = Templates(packages, variables=shared, folder=settings.pages.templates)
        self.templates.check(variables)
        targets = " ".join(["'self'", *settings.pages.return_origins])
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
        )

    # -- addresses ---------------------------------------------------------------------------------------------------

    def path(self, path: str) -> str:
        """Return the address of a path of ours, as browsers see it: below the mount."""
        return self._settings.mount_path + path

    def return_to(self, text: str) -> str | None:
        """Return the text if a browser may be sent there, else ``None``."""
        return check_return_to(text, origins=self._settings.pages.return_origins)

    def way_back(self, request: Request, sent: Sent = NOTHING_SENT) -> str:
        """Return the ``return_to`` of a form that comes back, or of the address, checked; empty where there is none."""
        return self.return_to(sent.values.get("return_to", _query(request).get("return_to", ""))) or ""

    # -- showing -----------------------------------------------------------------------------------------------------

    def operation(self, method: Literal["GET", "POST"], path: str, handler: Handler, summary: str) -> Operation:
        """List a page, or what its form does."""

        async def handle(request: Request) -> Response:
            request.scope[PAGE] = True
            return await handler(request)

        return Operation(method, path, handle, summary, documented=False)

    def show(
        self,
        request: Request,
        template: str,
        *,
        who: Principal | None = None,
        sent: Sent = NOTHING_SENT,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """Render a page; ``who`` is logged in, ``sent`` is a form that comes back (see ``Pages.submit``)."""
        headers_in = request.scope["headers"]
        query = _query(request)
        cookies: list[str] = []
        asked = query.get("lang")
        language = self._language(request, asked)
        if asked == language.code:
            cookies.append(self.cookies.language.write(asked))
        notice = self.cookies.notice.read(headers_in)
        if notice:
            cookies.append(self.cookies.notice.clear())
        below = path_below_mount(request.scope["path"], request.scope.get("root_path", ""))
        draft = self._draft(headers_in, below, who)
        if draft is not None and sent is NOTHING_SENT:
            sent, notice = restored(draft), "draft"
            cookies.append(self.cookies.draft.clear())
        tokens: list[str] = []

        def token() -> str:
            if not tokens:
                tokens.append(make_form_token(self._ring, self._binding(headers_in, who, cookies)))
            return tokens[0]

        visit = Visit(
            language=language,
            path=below,
            return_to=self.way_back(request, sent),
            challenge=sent.values.get("challenge") or query.get("challenge", ""),
            who=who,
            owner="" if who is None else owner_mark(self._ring, who.subject),
            notice=notice,
            token=token,
            sections=self._sections,
            mount_path=self._settings.mount_path,
        )
        form = FormView(sent, language=language, settings=self._settings)
        body = self.templates.render(language.code, template, {**context, "visit": visit, "form": form})
        policy = self._policy + ("" if form.challenge is None else "; worker-src 'self'")
        return self._dressed(Response(body, status, headers, "text/html"), language, cookies, policy)

    def _dressed(self, response: Response, language: Language, cookies: Sequence[str], policy: str) -> Response:
        headers = response.headers
        headers["Content-Language"] = language.code
        headers["Content-Security-Policy"] = policy
        headers["X-Frame-Options"] = "DENY"
        # With no-referrer a browser says "Origin: null" when it sends a form (Fetch §3.2), and we want the real one.
        headers["Referrer-Policy"] = "same-origin"
        for cookie in cookies:
            headers.append("Set-Cookie", cookie)
        return response

    def go(self, path: str, *, notice: str = "", cookies: Sequence[str] = ()) -> Response:
        """Send a browser on to a page of ours with 303, which shows the notice (a name in ``messages.NOTICES``)."""
        return self.leave(self.path(path), cookies=[*cookies, *([self.cookies.notice.write(notice)] if notice else [])])

    def leave(self, location: str, *, cookies: Sequence[str] = ()) -> Response:
        """Send a browser on with 303, to an address that :meth:`return_to` has let through or that is ours."""
        response = Response(status_code=303, headers={"Location": location})
        for cookie in cookies:
            response.headers.append("Set-Cookie", cookie)
        return response

    def known_by(self, device: str) -> list[str]:
        """Write the cookie by which an account knows this browser after a log-in; none over plain HTTP."""
        if self._settings.serving.insecure_loopback:
            return []
        return [device_cookie(device, max_age=self._settings.limits.device_lifetime)]

    def home(self, return_to: str) -> str:
        """Return where a log-in leads: to where it came from if that is allowed, else home."""
        return self.return_to(return_to) or self._settings.pages.home or self.path("/account")

    # -- what a page belongs to ---------------------------------------------------------------------------------------

    def _binding(self, headers: Any, who: Principal | None, cookies: list[str]) -> str:
        """Return what a form is bound to; a visitor without the cookie gets one."""
        if who is not None:
            return who.session_id
        visitor = self.cookies.visitor.read(headers)
        if not visitor:
            visitor = self._entropy(VISITOR_BYTES).hex()
            cookies.append(self.cookies.visitor.write(visitor))
        return of_visitor(visitor)

    def _draft(self, headers: Any, path: str, who: Principal | None) -> Draft | None:
        value = self.cookies.draft.read(headers) if who is not None else ""
        draft = unseal_draft(self._ring, value) if value else None
        if draft is None or who is None or draft.path != path or draft.owner != owner_mark(self._ring, who.subject):
            return None
        return draft

    # -- refusals ----------------------------------------------------------------------------------------------------

    def refuse(self, scope: Any, problem: Problem) -> Response | None:
        """Show a problem to a person who asked for a page; ``None``: a program asked."""
        is_page = PAGE in scope
        if not is_page and not wants_page(scope["method"], scope["headers"]):
            return None
        if is_page and isinstance(problem, SessionEnded | TokenRefused):
            return self.to_login(scope, problem)
        title, text = messages.of_problem(problem)
        status = HTTPStatus(problem.status)
        return self.show(
            Request(scope),
            "error.html",
            status=status,
            headers=headers_of(problem, realm=DEFAULT_REALM),
            title=title,
            text=text,
            status_code=int(status),
            request_id=scope.get(REQUEST_ID, ""),
            may_log_in=problem.status == 401,
        )

    def to_login(self, scope: Any, problem: Problem) -> Response:
        """Send a browser to the log-in page, which comes back to the page of this request."""
        below = path_below_mount(scope["path"], scope.get("root_path", ""))
        answer = way_to_login(
            self.path("/login"),
            path=self.path(below),
            root_path=self._settings.mount_path,
            query=scope.get("query_string", b"") if scope["method"] in ("GET", "HEAD") else b"",
        )
        location = dict(answer.headers)[b"location"].decode("latin-1")
        cookies = [value for name, value in problem.headers.items() if name.lower() == "set-cookie"]
        return self.leave(location, cookies=cookies)

    def _language(self, request: Request, asked: str | None) -> Language:
        headers = request.scope["headers"]
        return choose_language(
            asked=asked,
            kept=self.cookies.language.read(headers),
            accepts=request.headers.get("accept-language", ""),
            default=self._settings.pages.language,
        )

    # -- pages that belong to no slice -------------------------------------------------------------------------------

    async def front_door(self, _request: Request) -> Response:
        """``GET /``: to one's account, and so to the log-in page."""
        return self.leave(self.path("/account"))

    def operations(self) -> list[Operation]:
        """List the operations that belong to no slice."""
        return [self.operation("GET", "/", self.front_door, "The front door"), *self.assets.operations()]


def _links(settings: Settings) -> list[tuple[str, str]]:
    pages = settings.pages
    named = (
        (translatable("Imprint"), pages.imprint_url),
        (translatable("Privacy"), pages.privacy_url),
        (translatable("Terms"), pages.terms_url),
        (translatable("Help"), pages.support_url),
    )
    return [(name, url) for name, url in named if url]


def _query(request: Request) -> dict[str, str]:
    """Read the query string as strictly as a form; one that is doubtful says nothing."""
    try:
        return parse_form(request.scope.get("query_string", b""))
    except MalformedRequest:
        return {}
