"""How a refusal is said: RFC 9457 problems with the challenge of RFC 6750 section 3, and the way to the log-in page.

Pure: an answer is a value, and an adapter writes it in its own protocol. Nothing of a token, of a private reason or of
an exception ever gets into one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from doorward.errors import InsufficientScope, InvalidRequest, Problem, ReauthenticationRequired, TokenRefused
from doorward.verify.headers import Headers, header
from doorward.verify.paths import is_canonical

NO_CREDENTIAL: Final = "no credential"
"""The private reason of a refusal because nothing was sent; RFC 6750 section 3.1 wants no error code then."""

DEFAULT_REALM: Final = "doorward"

DOCS_PATH: Final = "/docs"
"""Below every issuer: its page that explains each code under an anchor of its name (RFC 9457 section 3.1.1)."""

MAX_RETURN_TO: Final = 2048
"""Characters of a path that a log-in page is asked to come back to; a longer one is left out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer; header names are in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def refusal(problem: Problem, *, realm: str, documentation: str | None = None) -> Answer:
    """Say a problem as ``application/problem+json``, with a bearer challenge where the status or the code wants one.

    ``documentation`` is the address of a page that explains every code under an anchor of its name (RFC 9457 §3.1.1).
    """
    members: dict[str, object] = {
        "type": "about:blank" if documentation is None else f"{documentation}#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.members,
    }
    if problem.errors:
        members["errors"] = [
            {"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in problem.errors
        ]
    body = json.dumps(members).encode()
    return _answer(problem.status, "application/problem+json", body, headers_of(problem, realm=realm))


def headers_of(problem: Problem, *, realm: str) -> dict[str, str]:
    """Return what a problem says in headers, names in lower case: its own, ``Retry-After`` and the challenge."""
    headers = {name.lower(): value for name, value in problem.headers.items()}
    if problem.retry_after is not None:
        headers.setdefault("retry-after", str(max(1, problem.retry_after)))
    elif problem.status == 503:
        headers.setdefault("retry-after", "1")
    challenge = challenge_of(problem, realm=realm)
    if challenge is not None:
        headers.setdefault("www-authenticate", challenge)
    return headers


def challenge_of(problem: Problem, *, realm: str) -> str | None:
    """Return the value of ``WWW-Authenticate`` for a problem, or ``None`` where it is no matter of credentials."""
    match problem:
        case TokenRefused():
            return bearer_challenge(realm, error="" if problem.why == NO_CREDENTIAL else "invalid_token")
        case InvalidRequest():
            return bearer_challenge(realm, error="invalid_request")
        case InsufficientScope():
            return bearer_challenge(realm, error="insufficient_scope", scope=problem.members.get("scope"))
        case ReauthenticationRequired():
            age = problem.members.get("max_age")
            return bearer_challenge(realm, error="insufficient_user_authentication", max_age=age)
        case _:
            return bearer_challenge(realm) if problem.status == 401 else None


def bearer_challenge(realm: str, *, error: str = "", **parameters: object) -> str:
    """Write a challenge (RFC 6750 section 3; RFC 9470 section 3 for ``max_age``). Values are ours, never a caller's."""
    said = {"realm": realm, "error": error, **parameters}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in said.items() if value not in (None, ""))


def wants_page(method: str, headers: Headers) -> bool:
    """Tell whether a person's browser asks for a page, who is better served with the log-in page than with a 401.

    GET or HEAD, no Authorization header, and Fetch Metadata says a top-level navigation; where a browser is too old to
    send that, ``Accept`` must name ``text/html``, and before ``application/json``.
    """
    if method not in ("GET", "HEAD") or header(headers, b"authorization"):
        return False
    mode, destination = header(headers, b"sec-fetch-mode"), header(headers, b"sec-fetch-dest")
    if mode and (mode != b"navigate" or destination not in (b"", b"document")):
        return False
    accept = header(headers, b"accept").lower()
    html, jsons = accept.find(b"text/html"), accept.find(b"application/json")
    return html >= 0 and (jsons < 0 or html < jsons)


def to_login(login_url: str, *, path: str, root_path: str, query: bytes) -> Answer:
    """Send a browser to the log-in page, which comes back by ``return_to``: an absolute path of this origin, always.

    A path that could be read as another host (``//evil.example``) or is not canonical is left out, so the log-in page
    goes where it goes by default.
    """
    shown = path if path.startswith(root_path) else root_path + path
    location = login_url
    if is_canonical(shown):
        target = quote(shown) + ("?" + quote(query, safe=_QUERY_SAFE) if query else "")
        if len(target) <= MAX_RETURN_TO:
            location += ("&" if "?" in login_url else "?") + "return_to=" + quote(target, safe="/")
    return _answer(302, "text/plain; charset=utf-8", b"", {"location": location})


_QUERY_SAFE: Final = "!$&'()*+,;=:@/?%-._~"
"""RFC 3986 section 3.4, and ``%`` because a query string arrives still encoded."""


def _answer(status: int, content_type: str, body: bytes, extra: Mapping[str, str]) -> Answer:
    headers = {
        "content-type": content_type,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **extra,
    }
    return Answer(
        status, tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()), body
    )
