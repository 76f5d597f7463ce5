"""The one decision behind every adapter: who may pass, and what is said to whom may not.

An adapter hands in the path as its router matches it and the headers as they came, and writes the answer in its own
protocol; everything in between is here, so that no framework is a softer door than another. Whatever goes wrong
inside an authenticator closes the door: an exception is never a reason to let somebody through (authentik
CVE-2024-47070), and neither is an answer that is no principal (Auth.js CVE-2026-73421).
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from doorward.errors import Finding, Internal, InvalidToken, Misconfigured, Problem, SessionEnded, TokenRefused
from doorward.verify.answers import DEFAULT_REALM, NO_CREDENTIAL, Answer, refusal, to_login, wants_page
from doorward.verify.headers import Headers
from doorward.verify.model import Principal
from doorward.verify.paths import Access, Rules

_REALM: Final = re.compile(r"[A-Za-z0-9 ._:/-]{1,128}")
_LOGIN_URL: Final = re.compile(r"(?:https://[A-Za-z0-9._:\[\]-]+)?/(?!/)[!$&'()*+,;=:@/?%A-Za-z0-9._~-]*")

_log = logging.getLogger("doorward.verify")


class Authenticator(Protocol):
    """Who can tell a caller: a :class:`~doorward.verify.Verifier`, or a ``Doorward``, which also knows its cookie."""

    async def authenticate(self, scope: Mapping[str, Any]) -> Principal | None:
        """Return the caller, or ``None`` when no credential was sent; raise ``InvalidToken`` or a ``Problem``."""
        ...


class BlockingAuthenticator(Protocol):
    """Who can tell a caller where nothing can be awaited: a :class:`~doorward.verify.Verifier`.

    It is handed the headers that decide (``authorization``, and what tells a browser), and not the cookies.
    """

    def identify(self, headers: Headers) -> Principal | None:
        """Return the caller, or ``None`` when no credential was sent; raise ``InvalidToken`` or a ``Problem``."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a refusal has to know of a request: whether a log-in page would help, and where to come back to.

    ``path`` includes ``root_path``, or follows it, as in ASGI; ``query`` is still encoded.
    """

    method: str
    path: str
    root_path: str
    query: bytes
    headers: Headers


class Door:
    """Rules by path, and the way to refuse. The adapters' guards share their arguments with it."""

    __slots__ = ("_documentation", "_login_url", "_rules", "realm")

    def __init__(
        self,
        authenticator: object,
        *,
        protected: Iterable[str] = (),
        public: Iterable[str] = (),
        optional: Iterable[str] = (),
        login_url: str | None = None,
        realm: str = DEFAULT_REALM,
        findings: Iterable[Finding] = (),
    ) -> None:
        """Take the rules. Raises :class:`~doorward.errors.Misconfigured`, with the adapter's own ``findings`` first."""
        found = list(findings)
        if login_url is not None and _LOGIN_URL.fullmatch(login_url) is None:
            found.append(Finding(f"Guard: login_url {login_url!r} is no path.", "Give '/login' or an https URL."))
        if _REALM.fullmatch(realm) is None:
            found.append(Finding(f"Guard: realm {realm!r} cannot be quoted.", "Use letters, digits and spaces."))
        if found:
            raise Misconfigured(*found)
        self._rules = Rules(protected=protected, public=public, optional=optional)
        self._documentation: str | None = getattr(authenticator, "documentation", None)
        self._login_url = login_url
        self.realm = realm

    def access(self, path: str, root_path: str = "") -> Access:
        """Say what a path needs; ``path`` is decoded once and may start with ``root_path``."""
        return self._rules.classify(path, root_path)

    def refuse(self, error: Exception, asked: Asked | None = None) -> Answer:
        """Make the answer to somebody who may not pass, whatever the reason; without ``asked`` it is never a page."""
        problem = problem_of(error)
        login = self._login_url
        if asked is not None and login is not None and problem.status == 401 and _may_log_in(asked, login):
            return to_login(login, path=asked.path, root_path=asked.root_path, query=asked.query)
        return refusal(problem, realm=self.realm, documentation=self._documentation)


async def caller_of(authenticator: Authenticator, scope: Mapping[str, Any], access: Access) -> Principal | None:
    """Ask who calls; ``None`` on public paths, and for guests on optional ones. Raises what :func:`judged` raises."""
    if access == "public":
        return None
    try:
        found = await authenticator.authenticate(scope)
    except SessionEnded:
        # A browser sends a dead cookie without meaning it; on an optional page its owner is simply not logged in.
        if access != "optional":
            raise
        found = None
    return judged(found, access)


def caller_in(authenticator: BlockingAuthenticator, headers: Headers, access: Access) -> Principal | None:
    """Do as :func:`caller_of` where nothing can be awaited."""
    if access == "public":
        return None
    try:
        found = authenticator.identify(headers)
    except SessionEnded:
        if access != "optional":
            raise
        found = None
    return judged(found, access)


def judged(found: object, access: Access) -> Principal | None:
    """Take what an authenticator has answered: a principal, or ``None`` on an optional path; all else is refused.

    Raises :class:`~doorward.errors.TokenRefused`, and ``TypeError`` for an answer that is no principal.
    """
    if found is None:
        if access != "optional":
            raise TokenRefused(NO_CREDENTIAL)
        return None
    if not isinstance(found, Principal):
        raise TypeError("the authenticator answered with something else than a Principal")
    return found


def problem_of(error: Exception) -> Problem:
    """Say what a caller may be told of an error, and log the rest: a defect is a 500 and never a pass."""
    match error:
        case InvalidToken():
            problem: Problem = TokenRefused(error.why)
        case Problem():
            problem = error
        case _:
            _log.error("authentication failed with an error; the request was refused", exc_info=error)
            problem = Internal()
    _log.info("refused: %s (%s)", problem.code, problem.why)
    return problem


def _may_log_in(asked: Asked, login_url: str) -> bool:
    """Tell whether the log-in page helps. Never from the log-in page itself: that would turn in circles."""
    here = (asked.path, asked.root_path + asked.path)
    return wants_page(asked.method, asked.headers) and login_url.partition("?")[0] not in here
