"""What a route asks of a caller beyond being known: scopes, a role, a recent log-in. Pure; every adapter asks here.

The decision is made on every request from the principal and the time, and never kept beside a token (Oathkeeper
CVE-2021-32701).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding, InsufficientScope, Misconfigured, ReauthenticationRequired, TokenRefused
from doorward.verify.answers import NO_CREDENTIAL
from doorward.verify.model import Principal

FRESH_LIFETIME: Final = 600
"""Seconds that ``fresh=True`` means: the server's default for acts that need a recent log-in."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Every scope, one of the roles, and a log-in at most ``max_age`` seconds ago. Empty parts ask for nothing."""

    scope: frozenset[str] = frozenset()
    role: frozenset[str] = frozenset()
    max_age: int | None = None

    @classmethod
    def of(
        cls,
        *,
        scope: str | Iterable[str] | None = None,
        role: str | Iterable[str] | None = None,
        fresh: bool | int = False,
    ) -> "Requirement":
        """Read what people write: ``scope`` may be one text with spaces, ``fresh=True`` means ten minutes.

        Raises :class:`~doorward.errors.Misconfigured` for a requirement that nobody could meet, or that a variable
        which happens to be empty would turn into "everybody".
        """
        findings = []
        scopes = frozenset(scope.split() if isinstance(scope, str) else scope or ())
        roles = frozenset((role,) if isinstance(role, str) else role or ())
        max_age = {True: FRESH_LIFETIME, False: None}[fresh] if isinstance(fresh, bool) else fresh
        if scope is not None and (not scopes or "" in scopes):
            findings.append(Finding("require(): the scope is empty.", "Name a scope, or leave it out."))
        if role is not None and (not roles or "" in roles):
            findings.append(Finding("require(): the role is empty.", "Name a role, or leave it out."))
        if max_age is not None and max_age < 1:
            what = "require(): fresh is not a positive number of seconds."
            findings.append(Finding(what, "Say True for ten minutes."))
        if findings:
            raise Misconfigured(*findings)
        return cls(scopes, roles, max_age)

    def check(self, principal: Principal | None, *, now: int) -> Principal:
        """Return the caller if there is one and it meets this. ``now`` is in seconds.

        Raises :class:`~doorward.errors.TokenRefused` for nobody, :class:`~doorward.errors.InsufficientScope` (RFC 6750
        section 3.1), which names the scopes and not the roles, or
        :class:`~doorward.errors.ReauthenticationRequired` (RFC 9470 section 3).
        """
        if principal is None:
            raise TokenRefused(NO_CREDENTIAL)
        if not self.scope <= principal.scope:
            raise InsufficientScope("a scope is missing", members={"scope": " ".join(sorted(self.scope))})
        if self.role and self.role.isdisjoint(principal.roles):
            raise InsufficientScope("a role is missing")
        if self.max_age is not None and now - principal.auth_time > self.max_age:
            raise ReauthenticationRequired("the log-in is too old", members={"max_age": self.max_age})
        return principal


def check_reachable(principal: Principal | None, access: object) -> None:
    """Raise :class:`~doorward.errors.Misconfigured` for a requirement on a path that the guard in front calls public.

    No credential is looked at there, so nobody could ever be known; that is said instead of a 401 for ever.
    """
    if principal is None and access == "public":
        what = "A route that requires a log-in lies on a path that its guard calls public."
        raise Misconfigured(Finding(what, "Take the path out of public=…, or list it in optional=…."))
