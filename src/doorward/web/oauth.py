"""Endpoints that an OAuth document rules: refusals in the format of RFC 6749 section 5.2, and nothing else.

Routes write problems as everywhere; :class:`OAuthHandler` stands around them and says ``error`` and
``error_description`` instead. Descriptions are the fixed sentences of the code, so they keep to the characters that
the RFC allows and never quote the sender.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import Problem
from doorward.gate import Gate
from doorward.verify.answers import headers_of
from doorward.web.front import REALM, REQUEST_ID
from doorward.web.routing import Handler

_log = logging.getLogger("doorward.web")

_ERROR_OF: Final[Mapping[str, str]] = {
    "body_too_large": "invalid_request",
    "invalid_request": "invalid_request",
    "malformed_request": "invalid_request",
    "unsupported_media_type": "invalid_request",
    "too_many_attempts": "temporarily_unavailable",
}
"""Codes of ours → codes of OAuth; what OAuth defines itself has the same name here."""

_FORM: Final = "Send 'application/x-www-form-urlencoded' in UTF-8 with each parameter once, at most 16 KiB."
_DESCRIPTION_OF: Final[Mapping[str, str]] = {
    "body_too_large": _FORM,
    "malformed_request": _FORM,
    "unsupported_media_type": _FORM,
}


@dataclass(frozen=True, slots=True)
class OAuthHandler:
    """A handler whose refusals have OAuth's format, also that of two credentials in one request."""

    handler: Handler
    gate: Gate

    async def __call__(self, request: Request) -> Response:
        """Answer. What is no :class:`Problem` is a defect, and said as such further out."""
        try:
            self.gate.check_one_credential(request.scope["headers"])
            return await self.handler(request)
        except Problem as problem:
            if problem.status >= 500:
                request_id = request.scope.get(REQUEST_ID, "")
                _log.error("%s %s: %s (%s)", request_id, request.scope["method"], problem.code, problem.why)
            return refuse(problem)


def refuse(problem: Problem) -> Response:
    """Say a problem as RFC 6749 section 5.2 does; status and ``Retry-After`` are the problem's own."""
    error = _ERROR_OF.get(problem.code, problem.code)
    if problem.status == 503:
        error = "temporarily_unavailable"
    body = {"error": error, "error_description": _DESCRIPTION_OF.get(problem.code, problem.detail)}
    headers = headers_of(problem, realm=REALM)
    if error == "invalid_request":
        headers.pop("www-authenticate", None)  # a bearer challenge is for protected resources
    return Response(
        msgspec.json.encode(body), status_code=problem.status, headers=headers, media_type="application/json"
    )
