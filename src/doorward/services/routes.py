"""The HTTP face for services: ``POST /v1/introspect`` (RFC 7662) and ``POST /v1/revoke`` (RFC 7009).

The caller proves itself with a service key, as HTTP Basic or Bearer, before anything is read of its question. Refusals
have OAuth's format.
"""

from starlette.requests import Request
from starlette.responses import Response

from doorward.core.source import Source
from doorward.errors import InvalidRequest
from doorward.gate import Gate, source_of
from doorward.services.flows import Services
from doorward.services.introspection import Introspection
from doorward.services.model import Permission, Service, read_credential
from doorward.services.views import IntrospectionAnswer, TokenQuestion
from doorward.settings import Settings
from doorward.web.body import write_json
from doorward.web.forms import read_parameters
from doorward.web.oauth import OAuthHandler
from doorward.web.routing import Operation

_OTHER_METHODS = ("client_secret", "client_assertion")


class ServiceRoutes:
    """The handlers of this slice."""

    def __init__(self, *, services: Services, introspection: Introspection, gate: Gate, settings: Settings) -> None:
        """Take what is needed."""
        self._services = services
        self._introspection = introspection
        self._gate = gate
        self._settings = settings

    async def introspect(self, request: Request) -> Response:
        """``POST /v1/introspect``."""
        service, token, _ = await self._asked(request, "introspect")
        active = await self._introspection.describe(token, service=service)
        return write_json(IntrospectionAnswer.of(active, issuer=self._settings.issuer))

    async def revoke(self, request: Request) -> Response:
        """``POST /v1/revoke``: 200 without a body whether there was something to end or not (RFC 7009 §2.2)."""
        service, token, source = await self._asked(request, "revoke")
        await self._introspection.revoke(token, service=service, source=source)
        return Response(status_code=200)

    async def _asked(self, request: Request, permission: Permission) -> tuple[Service, str, Source]:
        source = source_of(request)
        credential = read_credential(request.scope["headers"])
        service = await self._services.admit(credential, permission, source=source)
        parameters = await read_parameters(request)
        if any(name in parameters for name in _OTHER_METHODS):
            # RFC 6749 §2.3: not more than one method in a request.
            raise InvalidRequest("two ways of authentication", detail="Send the key in the Authorization header only.")
        if "token" not in parameters:
            raise InvalidRequest("no token", detail="The parameter 'token' is required.")
        return service, parameters["token"], source

    def operations(self) -> list[Operation]:
        """List the operations of this slice."""
        problems = ("invalid_request", "invalid_client", "unauthorized_client", "too_many_attempts")
        return [
            Operation(
                "POST",
                "/v1/introspect",
                OAuthHandler(self.introspect, self._gate),
                "Ask what a token is worth (RFC 7662)",
                form=TokenQuestion,
                answers={200: IntrospectionAnswer},
                problems=(*problems, "storage_unavailable"),
            ),
            Operation(
                "POST",
                "/v1/revoke",
                OAuthHandler(self.revoke, self._gate),
                "End a token (RFC 7009)",
                form=TokenQuestion,
                answers={200: None},
                problems=(*problems, "unsupported_token_type", "storage_unavailable"),
            ),
        ]
