"""The HTTP face of one instance: every operation and page behind one front, which knows the way to each of them.

From the outside in: what is seen of a request (figures, spans), CORS, request ids and refusals, on plain HTTP whether
this is this machine, then the one credential a request may have, then its handler.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from doorward import __version__
from doorward.challenges.routes import operations as challenge_operations
from doorward.foundation import Foundation
from doorward.gate import Gate
from doorward.observability.tracing import Tracer
from doorward.verify.answers import DOCS_PATH
from doorward.web.cors import Cors
from doorward.web.front import Front
from doorward.web.loopback import LoopbackOnly
from doorward.web.oauth import OAuthHandler
from doorward.web.pages import Pages
from doorward.web.reference import Reference
from doorward.web.routing import Operation, Router, path_below_mount
from doorward.web.script import Script
from doorward.web.watched import Watched


class Face:
    """An ASGI application for HTTP alone."""

    def __init__(
        self,
        operations: Sequence[Operation],
        foundation: Foundation,
        *,
        gate: Gate,
        pages: Pages,
        shown: Sequence[Operation],
        tracer: Tracer | None,
    ) -> None:
        """Take the operations of the contract and the pages that are ``shown`` beside it."""
        settings, entropy = foundation.settings, foundation.entropy
        self._gate = gate
        self.reference = Reference(
            operations,
            issuer=settings.issuer,
            title=settings.service_name,
            version=__version__,
            cookie=gate.cookie.name.decode(),
        )
        self._router = Router(
            [*operations, *shown, *self.reference.operations(), *Script().operations(), *challenge_operations()]
        )
        self._watched = Watched(template=self._router.template, instruments=foundation.instruments, tracer=tracer)
        in_clear = settings.serving.insecure_loopback
        front = Front(
            LoopbackOnly(self._dispatch, origin=settings.origin) if in_clear else self._dispatch,
            entropy=entropy,
            documentation=settings.issuer + DOCS_PATH,
            page=pages.refuse,
            in_clear=in_clear,
            watch=self._watched.ended,
        )
        self._outermost = Cors(
            front,
            allowed=settings.browser.allowed_origins,
            methods=self._router.methods,
            entropy=entropy,
            in_clear=in_clear,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        with self._watched.answering(scope):
            await self._outermost(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_below_mount(scope["path"], scope.get("root_path", ""))
        handler, scope["path_params"] = self._router.find(scope["method"], path)
        if not isinstance(handler, OAuthHandler):
            self._gate.check_one_credential(scope["headers"])
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)
