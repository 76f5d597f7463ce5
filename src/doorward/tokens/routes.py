"""The HTTP face of tokens: refreshing, exchanging a cookie, and what others need to verify."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import InvalidRequest
from doorward.gate import Gate, source_of
from doorward.settings import Settings
from doorward.tokens.flows import Tokens
from doorward.tokens.keyring import KEY_SET_MAX_AGE, Keyring
from doorward.tokens.views import AccessAnswer, PairAnswer
from doorward.verify.answers import DOCS_PATH
from doorward.verify.page import PATH as REVOCATIONS_PATH
from doorward.web.body import Confidential, read_json, write_json
from doorward.web.routing import Operation


class RefreshBody(Confidential, forbid_unknown_fields=True):
    """The refresh token that is spent."""

    refresh_token: str


class Metadata(Struct, omit_defaults=False):
    """RFC 8414 §2: only what is really supported. ``revocations_uri`` is our own: the feed that verifiers follow."""

    issuer: str
    jwks_uri: str
    revocations_uri: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str


class TokenRoutes:
    """The handlers of this slice."""

    def __init__(self, *, tokens: Tokens, keyring: Keyring, gate: Gate, settings: Settings) -> None:
        """Take what is needed."""
        self._tokens = tokens
        self._keyring = keyring
        self._gate = gate
        self._settings = settings

    async def refresh(self, request: Request) -> Response:
        """``POST /v1/token/refresh``."""
        body = await read_json(request, RefreshBody)
        pair = await self._tokens.refresh(body.refresh_token, source=source_of(request))
        return write_json(
            PairAnswer(
                access_token=pair.access_token,
                expires_in=pair.expires_in,
                refresh_token=pair.refresh_token,
                refresh_expires_in=pair.refresh_expires_in,
                session_id=pair.session_id,
            )
        )

    async def exchange(self, request: Request) -> Response:
        """``POST /v1/token/exchange``."""
        caller = await self._gate.caller(request)
        if caller.session is None:
            raise InvalidRequest("exchange without a cookie", detail="Only a cookie session can be exchanged.")
        access = self._tokens.for_session(
            caller.session,
            roles=caller.principal.roles,
            email_verified=caller.principal.email_verified is True,
        )
        return write_json(AccessAnswer(access_token=access.text, expires_in=access.expires_in))

    async def key_set(self, request: Request) -> Response:
        """``GET /.well-known/jwks.json``."""
        headers = {"Cache-Control": f"public, max-age={KEY_SET_MAX_AGE}", "ETag": self._keyring.etag}
        if self._keyring.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._keyring.document, headers=headers, media_type="application/json")

    async def metadata(self, _request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server``."""
        issuer = self._settings.issuer
        return write_json(
            Metadata(
                issuer=issuer,
                jwks_uri=f"{issuer}/.well-known/jwks.json",
                revocations_uri=issuer + REVOCATIONS_PATH,
                response_types_supported=[],
                grant_types_supported=[],
                token_endpoint_auth_methods_supported=[],
                introspection_endpoint=f"{issuer}/v1/introspect",
                introspection_endpoint_auth_methods_supported=["client_secret_basic", "Bearer"],
                revocation_endpoint=f"{issuer}/v1/revoke",
                revocation_endpoint_auth_methods_supported=["client_secret_basic"],
                service_documentation=issuer + DOCS_PATH,
            ),
            headers={"Cache-Control": f"public, max-age={KEY_SET_MAX_AGE}"},
        )

    def operations(self) -> list[Operation]:
        """List the operations of this slice."""
        return [
            Operation(
                "POST",
                "/v1/token/refresh",
                self.refresh,
                "Spend a refresh token for the next pair",
                reads=RefreshBody,
                answers={200: PairAnswer},
                problems=("invalid_fields", "invalid_grant"),
            ),
            Operation(
                "POST",
                "/v1/token/exchange",
                self.exchange,
                "Get an access token for a cookie session",
                answers={200: AccessAnswer},
                problems=("invalid_request", "session_ended", "cross_site_request"),
                needs_caller=True,
            ),
            Operation(
                "GET",
                "/.well-known/jwks.json",
                self.key_set,
                "The public keys that verify access tokens",
                answers={200: dict[str, list[dict[str, str]]]},
            ),
            Operation(
                "GET",
                "/.well-known/oauth-authorization-server",
                self.metadata,
                "What this issuer supports (RFC 8414)",
                answers={200: Metadata},
            ),
        ]
