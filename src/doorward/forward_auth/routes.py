"""``GET /v1/forward-auth``: the question of nginx, Caddy or Traefik before it passes a request on.

The proxy sends the headers of the original request along, so credentials and Fetch Metadata are those of the browser,
and a cookie with an unsafe original method must come from a page of this origin. 200 says who calls; whatever else is
said, the proxy passes nothing on. How each proxy is set up is told in ``docs/how-to/``, and tested with the real ones.
"""

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.flows import Accounts
from doorward.accounts.model import Account
from doorward.errors import (
    InsufficientScope,
    InvalidToken,
    MalformedRequest,
    NotFound,
    SessionEnded,
    TokenRefused,
    Unauthenticated,
)
from doorward.forward_auth.model import (
    ORIGINAL,
    Claim,
    Original,
    claim_of,
    identity,
    is_handshake,
    read_original,
)
from doorward.forward_auth.returning import login_address, own_origin, return_to
from doorward.gate import Gate
from doorward.settings import Settings
from doorward.verify.answers import NO_CREDENTIAL, wants_page
from doorward.verify.model import Principal
from doorward.web.forms import parse_form
from doorward.web.routing import Operation

HANDSHAKE: Final = "CONNECT"
"""What a handshake counts as, here and in the gate."""

LOGIN_HEADER: Final = "X-Auth-Login"
"""With ``redirect=false``, where a browser should be sent; nginx takes no redirect from such a question."""

_PARAMETERS: Final = frozenset(("redirect", "role", "scope"))


class ForwardAuthRoutes:
    """The handler of this slice."""

    def __init__(self, *, accounts: Accounts, gate: Gate, settings: Settings) -> None:
        """Take what is needed."""
        self._accounts = accounts
        self._gate = gate
        self._settings = settings

    async def decide(self, request: Request) -> Response:
        """``GET /v1/forward-auth``. The query is the proxy's own: what a path needs, and how to refuse."""
        parameters = _read_query(request.scope["query_string"])
        claim = request.scope.get(ORIGINAL)
        headers = request.scope["headers"]
        original = read_original(
            claim if isinstance(claim, Claim) else claim_of(headers), asked_with=request.scope["method"]
        )
        # A handshake is not bound by CORS: with a cookie it counts as unsafe (cross-site WebSocket hijacking).
        if is_handshake(headers):
            original = replace(original, method=HANDSHAKE)
        try:
            principal, account = await self._caller(request, original)
        except Unauthenticated as refused:
            if not wants_page(original.method, headers):
                raise
            return self._to_login(refused, original, redirects=parameters.get("redirect") != "false")
        _check_allowed(principal, account, parameters)
        return Response(status_code=200, headers=identity(principal, account))

    async def _caller(self, request: Request, original: Original) -> tuple[Principal, Account]:
        try:
            principal = await self._gate.authenticate({**request.scope, "method": original.method})
        except InvalidToken as refused:
            raise TokenRefused(refused.why) from None
        if principal is None:
            raise TokenRefused(NO_CREDENTIAL)
        try:
            account = await self._accounts.find(principal.subject)
        except NotFound:
            raise TokenRefused("no such account") from None
        if account.disabled_at is not None:
            raise TokenRefused("the account is disabled")
        return principal, account

    def _to_login(self, refused: Unauthenticated, original: Original, *, redirects: bool) -> Response:
        settings = self._settings
        back = return_to(original.target, own_origin=own_origin(settings.origin), origins=settings.pages.return_origins)
        address = login_address(settings.issuer, back)
        headers = refused.headers if isinstance(refused, SessionEnded) else {}
        if redirects:
            return Response(status_code=302, headers={**headers, "Location": address})
        refused.headers |= {LOGIN_HEADER: address}
        raise refused

    def operations(self) -> list[Operation]:
        """List the operations of this slice."""
        return [
            Operation(
                "GET",
                "/v1/forward-auth",
                self.decide,
                "Tell a proxy who sends a request",
                answers={200: None, 302: None},
                problems=("malformed_request", "insufficient_scope"),
                needs_caller=True,
                query=("role", "scope", "redirect"),
            )
        ]


def _read_query(query: bytes) -> dict[str, str]:
    """Read what the proxy's configuration asks for; a word that is not known is a mistake there, so nobody passes."""
    parameters = parse_form(query)
    if not parameters.keys() <= _PARAMETERS:
        raise MalformedRequest("unknown parameter", detail="The parameters are 'role', 'scope' and 'redirect'.")
    return parameters


def _check_allowed(principal: Principal, account: Account, parameters: dict[str, str]) -> None:
    """Require every role and scope that is named, with a space between two. Raises :class:`InsufficientScope`."""
    roles, scopes = set(parameters.get("role", "").split()), set(parameters.get("scope", "").split())
    if not roles <= set(account.roles) or not scopes <= principal.scope:
        raise InsufficientScope("role or scope of the path")
