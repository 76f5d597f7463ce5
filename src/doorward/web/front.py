"""The outermost layer of our own answers: request ids, the headers every answer has, problems, the last resort.

Pure ASGI. Whatever a handler raises ends here: a problem is said as such, anything else is logged under the request id
and said as ``internal_error`` (ASVS 16.5.4). Nothing else ever leaves: no stack, no private reason.
"""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doorward.core.clock import Entropy
from doorward.errors import Internal, Problem
from doorward.verify.answers import refusal

REQUEST_ID: Final = "doorward.request_id"
REALM: Final = "doorward"

ONE_YEAR: Final = 31_536_000
"""ASVS 3.4.1: HSTS for a year at least, with subdomains."""

PageOfProblem = Callable[[Scope, Problem], ASGIApp | None]
"""Makes the answer to somebody who asked for a page; ``None``: nobody did."""

_GIVEN_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")

_log = logging.getLogger("doorward.web")

_IN_CLEAR: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# Whatever the scheme says: where a proxy ends TLS it says http, and over plain HTTP browsers ignore this anyway.
_ALWAYS: Final = (*_IN_CLEAR, (b"strict-transport-security", f"max-age={ONE_YEAR}; includeSubDomains".encode()))
_NO_STORE: Final = (b"cache-control", b"no-store")
_NO_CONTENT_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)


class Front:
    """Wraps the server's own routes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        entropy: Entropy,
        documentation: str,
        page: PageOfProblem | None = None,
        in_clear: bool = False,
    ) -> None:
        """Wrap ``app``; request ids are made of ``entropy``, codes are explained at ``documentation``.

        ``page`` shows a problem to somebody who asked for a page. ``in_clear``: browsers use plain HTTP, for
        development on this machine.
        """
        self._app = app
        self._page = page
        self._entropy = entropy
        self._documentation = documentation
        self._in_clear = in_clear

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = request_id_of(scope["headers"], self._entropy)
        scope[REQUEST_ID] = request_id
        started = False

        async def send_dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = dress(message.get("headers", ()), request_id, in_clear=self._in_clear)
            await send(message)

        try:
            await self._app(scope, receive, send_dressed)
        except Problem as problem:
            if problem.status >= 500:
                _log.error("%s %s: %s (%s)", request_id, scope["method"], problem.code, problem.why)
            await self._say(problem, scope, receive, send_dressed, started)
        except Exception:
            _log.exception("%s %s: a defect", request_id, scope["method"])
            await self._say(Internal(), scope, receive, send_dressed, started)

    async def _say(self, problem: Problem, scope: Scope, receive: Receive, send: Send, started: bool) -> None:
        if started:  # the status has left already: closing the connection is all that can be said
            raise problem
        page = self._shown(problem, scope)
        if page is not None:
            await page(scope, receive, send)
            return
        answer = refusal(problem, realm=REALM, documentation=self._documentation)
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})

    def _shown(self, problem: Problem, scope: Scope) -> ASGIApp | None:
        """Return the page of a problem; a page that cannot be shown must not hide the problem."""
        try:
            return None if self._page is None else self._page(scope, problem)
        except Exception:
            _log.exception("%s: the page of a problem failed", scope[REQUEST_ID])
            return None


def request_id_of(headers: Iterable[tuple[bytes, bytes]], entropy: Entropy) -> str:
    """Take over the id of a proxy or a caller if it is a plain word, or make one."""
    for name, value in headers:
        if name == b"x-request-id" and _GIVEN_REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return entropy(8).hex()


def dress(headers: Any, request_id: str, *, in_clear: bool = False) -> list[tuple[bytes, bytes]]:
    """Add to an answer's headers what every answer has and this one lacks.

    ``in_clear``: the caller is known to have used plain HTTP, where HSTS must not be said (RFC 6797 §7.2).
    """
    dressed = list(headers)
    names = {name.lower() for name, _ in dressed}
    dressed += [(name, value) for name, value in (_IN_CLEAR if in_clear else _ALWAYS) if name not in names]
    if b"cache-control" not in names:
        dressed.append(_NO_STORE)
    if b"content-security-policy" not in names:
        dressed.append(_NO_CONTENT_POLICY)
    dressed.append((b"x-request-id", request_id.encode()))
    return dressed
