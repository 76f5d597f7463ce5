"""Django REST framework: an authentication class, and permissions by scope and role.

    class Reports(APIView):
        authentication_classes = [BearerAuthentication]
        permission_classes = [requires(scope="reports:read")]

It reads what :class:`~doorward.verify.django.GuardMiddleware` has found, so it cannot disagree with it; without the
middleware, and on paths that this calls public, it verifies by itself, with the verifier of the setting.
``request.auth`` is the :class:`~doorward.verify.Principal`, ``request.user`` a user of the bridge, or else a
:class:`Caller`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission

from doorward.core.clock import Clock, system_clock
from doorward.errors import Problem
from doorward.verify.answers import Answer
from doorward.verify.django import given_settings, loaded, verifier_of
from doorward.verify.door import Door, caller_in
from doorward.verify.model import Principal
from doorward.verify.requirement import Requirement
from doorward.verify.wsgi import headers_in


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller where no bridge says which user of this Django it is. It has no rights of its own."""

    principal: Principal
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False

    @property
    def pk(self) -> str:
        """What throttling counts by."""
        return self.principal.subject


class Refused(AuthenticationFailed):  # type: ignore[misc]  # DRF is untyped
    """A problem as DRF says it: its members in the body, its status, its challenge."""

    def __init__(self, answer: Answer) -> None:
        """Take the answer that every other adapter would give."""
        headers = {name: value.decode("latin-1") for name, value in answer.headers}
        APIException.__init__(self)
        self.detail = json.loads(answer.body)
        self.status_code = answer.status
        self.said = headers.get(b"www-authenticate")
        self.auth_header = self.said
        self.wait = int(headers.get(b"retry-after", "0")) or None


class BearerAuthentication(BaseAuthentication):  # type: ignore[misc]  # DRF is untyped
    """Finds the caller by the one Authorization header. Says nothing about requests without: permissions decide."""

    def authenticate(self, request: Any) -> tuple[Any, Principal] | None:
        """Return the user and the principal, or ``None`` where no bearer credential was sent; raises ``Refused``."""
        inner: HttpRequest = request._request  # noqa: SLF001 - the name that DRF's own documentation uses
        carried = vars(inner)
        principal: Principal | None = carried.get("principal")
        if "doorward_door" not in carried or carried.get("doorward_access") == "public":
            principal = _verified(inner)
        if principal is None:
            return None
        bridge = loaded(given_settings().get("user"))
        return (Caller(principal) if bridge is None else SimpleLazyObject(lambda: bridge(principal))), principal

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge of a refusal, or that for somebody who has sent nothing (RFC 6750 section 3)."""
        return _challenge(request)


def requires(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    clock: Clock = system_clock,
) -> type[BasePermission]:
    """Make a permission class. Raises :class:`~doorward.errors.Misconfigured` for what nobody could meet."""
    requirement = Requirement.of(scope=scope, role=role, fresh=fresh)

    class Required(BasePermission):  # type: ignore[misc]  # DRF is untyped
        """What :func:`requires` makes."""

        def has_permission(self, request: Any, view: Any) -> bool:  # noqa: ARG002 - DRF's signature
            """Return ``True``, or raise ``Refused``."""
            try:
                requirement.check(request.auth if isinstance(request.auth, Principal) else None, now=clock())
            except Problem as problem:
                raise _refused(request._request, problem) from problem  # noqa: SLF001 - as above
            return True

    return Required


def _verified(inner: HttpRequest) -> Principal | None:
    """Verify without the middleware."""
    try:
        principal = caller_in(verifier_of(given_settings()), headers_in(inner.META), "optional")
    except Exception as error:
        raise _refused(inner, error) from error
    vars(inner)["principal"] = principal
    return principal


def _refused(inner: HttpRequest, error: Exception) -> Refused:
    refused = Refused(_door(inner).refuse(error))
    vars(inner)["doorward_challenge"] = refused.said
    return refused


def _challenge(request: Any) -> str:
    inner = request._request  # noqa: SLF001 - as above
    said: str | None = vars(inner).get("doorward_challenge")
    return f'Bearer realm="{_door(inner).realm}"' if said is None else said


def _door(inner: HttpRequest) -> Door:
    door: Door | None = vars(inner).get("doorward_door")
    given = given_settings()
    return (
        Door(given.get("verifier"), **{"realm": given["realm"]} if "realm" in given else {}) if door is None else door
    )
