"""``GuardMiddleware`` and ``require(…)`` for Django: the guard in front of all views, and what a view asks of a caller.

In ``settings.py``::

    MIDDLEWARE = [..., "doorward.verify.django.GuardMiddleware"]
    DOORWARD = {"verifier": Verifier(issuer="https://auth.example"), "public": ["/"], "optional": ["/shop"]}

The middleware works in the synchronous and in the asynchronous stack without a change of threads, and decides on
``path_info``, which is what Django's URL resolver matches. The caller is ``request.principal``; ``request.user`` is
left alone unless ``DOORWARD["user"]`` names a bridge (:mod:`doorward.verify.django_users`).

**CSRF.** A request that was verified by its Authorization header is exempt from Django's CSRF check: a browser adds
that header to no request of another site, and no cookie was looked at. Guests on optional paths are not exempt.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Final, Protocol, TypeVar

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from doorward.core.clock import Clock, system_clock
from doorward.errors import Finding, Misconfigured
from doorward.verify.answers import Answer
from doorward.verify.door import Asked, Authenticator, BlockingAuthenticator, Door, caller_in, caller_of
from doorward.verify.model import Principal
from doorward.verify.paths import Access
from doorward.verify.requirement import Requirement, check_reachable
from doorward.verify.wsgi import headers_in

OPTIONS: Final = frozenset({"protected", "public", "optional", "login_url", "realm"})
"""Members of the setting ``DOORWARD`` that go to the door; beside them ``verifier`` and ``user``."""

ViewT = TypeVar("ViewT", bound=Callable[..., Any])


class Both(Authenticator, BlockingAuthenticator, Protocol):
    """Who can tell a caller with and without a loop: a :class:`~doorward.verify.Verifier`."""


class GuardMiddleware:
    """Protects by path; the rules are those of :class:`doorward.verify.Guard`.

    Put it after ``CorsMiddleware`` (a preflight request carries no token) and after ``AuthenticationMiddleware``
    (which would overwrite the ``request.user`` of a bridge).
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Read the setting. Raises :class:`~doorward.errors.Misconfigured` where it cannot be used."""
        given = given_settings()
        self._get_response = get_response
        self._verifier = verifier_of(given)
        self._bridge: Callable[[Principal], Any] | None = loaded(given.get("user"))
        self._door = Door(self._verifier, **{name: given[name] for name in OPTIONS & given.keys()})
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Let the request through with its principal, or answer it."""
        if iscoroutinefunction(self._get_response):
            return self._call_async(request)
        try:
            access = self._arrive(request)
            self._admit(request, caller_in(self._verifier, headers_in(request.META), access))
        except Exception as error:
            return response_of(self._door.refuse(error, asked(request)))
        return self._get_response(request)

    async def _call_async(self, request: HttpRequest) -> Any:
        try:
            access = self._arrive(request)
            self._admit(request, await caller_of(self._verifier, scope_of(request), access))
        except Exception as error:
            return response_of(self._door.refuse(error, asked(request)))
        return await self._get_response(request)

    def _arrive(self, request: HttpRequest) -> Access:
        """Overwrite what stands there under our names, and say what the path needs."""
        carried = vars(request)
        carried["principal"] = None
        carried["doorward_door"] = self._door
        path, root_path = path_of(request)
        access = self._door.access(path, root_path)
        carried["doorward_access"] = access
        return access

    def _admit(self, request: HttpRequest, principal: Principal | None) -> None:
        if principal is None:
            return
        carried = vars(request)
        carried["principal"] = principal
        if "HTTP_AUTHORIZATION" in request.META:
            carried["_dont_enforce_csrf_checks"] = True  # what CsrfViewMiddleware asks; without it, it refuses
        if self._bridge is not None:
            bridge = self._bridge
            carried["user"] = SimpleLazyObject(lambda: bridge(principal))
            carried["auser"] = functools.partial(sync_to_async(bridge), principal)


def require(
    *,
    scope: str | Iterable[str] | None = None,
    role: str | Iterable[str] | None = None,
    fresh: bool | int = False,
    using: "Both | None" = None,
    clock: Clock = system_clock,
) -> Callable[[ViewT], ViewT]:
    """Make a decorator of views, synchronous or not; ``method_decorator(require(…), name="dispatch")`` for classes.

    Every ``scope`` named is needed, and one of the roles. ``fresh`` needs a log-in at most that many seconds ago,
    ``True`` means ten minutes. ``using`` verifies without the middleware, and exempts the view from the CSRF check,
    since no cookie can open it. Refusals are the same problems that the guard answers with. Raises
    :class:`~doorward.errors.Misconfigured` for a requirement that nobody could meet, and per request when there is
    neither the middleware nor ``using``.
    """
    requirement = Requirement.of(scope=scope, role=role, fresh=fresh)
    own_door = None if using is None else Door(using)

    def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
        door: Door = own_door or vars(request).get("doorward_door") or Door(None)
        return response_of(door.refuse(error, asked(request)))

    def check(request: HttpRequest, principal: Principal | None) -> None:
        vars(request)["principal"] = requirement.check(principal, now=clock())

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                found = None if using is not None else _behind_guard(request)
                try:
                    if using is not None:
                        found = await caller_of(using, scope_of(request), "protected")
                    check(request, found)
                except Exception as error:
                    return refusal(request, error)
                return await view(request, *args, **kwargs)

            guarded: Callable[..., Any] = guarded_async
        else:

            @functools.wraps(view)
            def guarded_sync(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                found = None if using is not None else _behind_guard(request)
                try:
                    if using is not None:
                        found = caller_in(using, headers_in(request.META), "protected")
                    check(request, found)
                except Exception as error:
                    return refusal(request, error)
                return view(request, *args, **kwargs)

            guarded = guarded_sync
        if using is not None:
            vars(guarded)["csrf_exempt"] = True
        return guarded

    return decorate  # type: ignore[return-value]  # a decorated view is called like the view


def principal_of(request: HttpRequest) -> Principal | None:
    """Return the caller that the middleware or ``require(using=…)`` has verified; ``None`` for a guest.

    Raises :class:`~doorward.errors.Misconfigured` where neither stands in front.
    """
    carried = vars(request)
    if "principal" not in carried:
        what = "No GuardMiddleware stands in front of this view."
        raise Misconfigured(Finding(what, "List it in MIDDLEWARE, or say require(using=verifier)."))
    principal = carried["principal"]
    return principal if isinstance(principal, Principal) else None


def given_settings() -> Mapping[str, Any]:
    """Return the setting ``DOORWARD``. Raises :class:`~doorward.errors.Misconfigured` for one that cannot be used."""
    given = getattr(settings, "DOORWARD", None)
    if not isinstance(given, Mapping):
        fix = 'Say DOORWARD = {"verifier": Verifier(issuer=…), "public": […]} in the settings.'
        raise Misconfigured(Finding("The setting DOORWARD is missing.", fix))
    unknown = given.keys() - OPTIONS - {"verifier", "user"}
    if unknown:
        what = f"The setting DOORWARD has unknown members: {', '.join(sorted(unknown))}."
        raise Misconfigured(Finding(what, "Know: verifier, user, protected, public, optional, login_url, realm."))
    return given


def verifier_of(given: Mapping[str, Any]) -> Both:
    """Return the verifier of the setting: the object itself, or the dotted name of one."""
    verifier: Both | None = loaded(given.get("verifier"))
    if verifier is None:
        what = "DOORWARD names no verifier."
        raise Misconfigured(Finding(what, "Give a doorward.verify.Verifier, or the dotted name of one."))
    return verifier


def path_of(request: HttpRequest) -> tuple[str, str]:
    """Return the path as the URL resolver matches it, behind the mount point, and the mount point."""
    root_path = request.META.get("SCRIPT_NAME", "")
    return root_path + request.path_info, root_path


def scope_of(request: HttpRequest) -> dict[str, Any]:
    """Make what an asynchronous authenticator asks, of the headers as the synchronous one sees them."""
    path, root_path = path_of(request)
    return {
        "type": "http",
        "method": request.method,
        "path": path,
        "root_path": root_path,
        "headers": headers_in(request.META),
    }


def asked(request: HttpRequest) -> Asked:
    """Return what a refusal has to know of the request."""
    path, root_path = path_of(request)
    query = request.META.get("QUERY_STRING", "").encode("utf-8", "replace")
    return Asked(request.method or "", path, root_path, query, headers_in(request.META))


def response_of(answer: Answer) -> HttpResponse:
    """Write an answer."""
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers:
        response.headers[name.decode("ascii")] = value.decode("latin-1")
    return response


def _behind_guard(request: HttpRequest) -> Principal | None:
    principal = principal_of(request)
    check_reachable(principal, vars(request).get("doorward_access"))
    return principal


def loaded(given: Any) -> Any:
    """Return what the settings give, or what they name with dots."""
    return import_string(given) if isinstance(given, str) else given


__all__ = ["GuardMiddleware", "Principal", "principal_of", "require"]
