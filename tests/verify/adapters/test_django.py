"""What is Django's own: settings, CSRF, the decorator without the middleware, ``request.user``, REST framework."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views import View

from doorward.errors import KeysUnavailable, Misconfigured
from doorward.verify.django import GuardMiddleware, principal_of, require
from doorward.verify.django_users import UserBridge
from tests.verify.adapters.clients import Client, wsgi_client
from tests.verify.adapters.django_site import site
from tests.verify.adapters.fronts import RULES
from tests.verify.adapters.test_conformance import Broken
from tests.verify.parties import ISSUER, Issuer, run

PARTY = Issuer()
VERIFIER = PARTY.verifier()
FACTORY = RequestFactory()


def header(**claims: object) -> dict[str, str]:
    """Carry a token, as Django's request factory takes it."""
    return {"HTTP_AUTHORIZATION": f"Bearer {PARTY.token(**claims)}"}


def pairs(**claims: object) -> list[tuple[bytes, bytes]]:
    """Carry a token, as the clients of these tests take it."""
    return [(b"authorization", f"Bearer {PARTY.token(**claims)}".encode())]


@contextmanager
def asking(**doorward: Any) -> Iterator[Client]:
    """Lend a client of a Django with these settings."""
    with site(**({"verifier": VERIFIER} | RULES | doorward)):
        yield wsgi_client(WSGIHandler())


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"public": ["/"]},
        {"verifier": VERIFIER, "publik": ["/"]},
        {"verifier": VERIFIER, "public": ["docs"]},
        {"verifier": VERIFIER, "realm": 'a"b'},
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(given: Any) -> None:
    """A slip in a name must not open anything."""
    from django.test import override_settings

    with override_settings(DOORWARD=given), pytest.raises(Misconfigured):
        GuardMiddleware(lambda request: HttpResponse())


def test_the_verifier_may_be_named() -> None:
    """By its dotted name, for settings that import nothing."""
    with asking(verifier="tests.verify.adapters.test_django.VERIFIER") as client:
        assert client("GET", "/me", pairs()).status == 200


def test_a_guests_form_is_checked_for_forgery_and_a_bearers_is_not() -> None:
    """A browser adds an Authorization header to no request of another site; a cookie it does."""
    with asking() as client:
        guest = client("POST", "/shop/page", [])
        bearer = client("POST", "/shop/page", pairs())
        public = client("POST", "/public/page", pairs())

    assert (guest.status, bearer.status, public.status) == (403, 200, 403)


def test_somebody_known_by_something_else_is_checked_for_forgery() -> None:
    """An authenticator of the host's own may look at a cookie; only the header frees from the check."""
    with asking(verifier=Broken(PRINCIPAL)) as client:
        statuses = [client(method, "/me", []).status for method in ("GET", "POST")]

    assert statuses == [200, 403]


def test_a_browser_is_sent_to_the_log_in_page() -> None:
    """``login_url`` works as everywhere."""
    with asking(login_url="/login") as client:
        answered = client("GET", "/me?a=1", [(b"accept", b"text/html")])

    assert (answered.status, answered.headers["location"]) == (302, "/login?return_to=/me%3Fa%3D1")


@require(using=VERIFIER)
def sync_view(request: HttpRequest) -> HttpResponse:
    """Verify without the middleware."""
    who = principal_of(request)
    assert who is not None
    return HttpResponse(who.subject)


@require(using=VERIFIER, role="admin")
async def async_view(request: HttpRequest) -> HttpResponse:
    """Verify without the middleware, asynchronously."""
    return HttpResponse("async")


@method_decorator(require(using=VERIFIER, scope="reports:read"), name="dispatch")
class Reports(View):
    """Verify in a class."""

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("posted")


@pytest.mark.parametrize(
    ("view", "headers", "status"),
    [
        (sync_view, {}, 401),
        (sync_view, {"HTTP_AUTHORIZATION": "Bearer a.b.c"}, 401),
        (sync_view, {"HTTP_AUTHORIZATION": "Bearer"}, 400),
        (sync_view, header(), 200),
        (async_view, {}, 401),
        (async_view, header(), 403),
        (async_view, header(roles=["admin"]), 200),
        (Reports.as_view(), header(), 403),
        (Reports.as_view(), header(scope="reports:read"), 200),
    ],
)
def test_a_view_can_verify_by_itself(view: Callable[..., Any], headers: dict[str, str], status: int) -> None:
    """``require(using=verifier)`` for functions, coroutines and classes, exempt from the CSRF check."""
    answered = view(FACTORY.post("/x", **headers))
    if not isinstance(answered, HttpResponse):
        answered = run(answered)

    assert answered.status_code == status
    assert vars(view)["csrf_exempt"]
    assert answered.headers.get("WWW-Authenticate", "").startswith("Bearer") == (status != 200)


@pytest.mark.parametrize("view", [require()(lambda request: HttpResponse()), require()(async_view)])
def test_without_middleware_and_verifier_nobody_comes_in(view: Any) -> None:
    """It raises loudly; so does asking for the principal."""

    async def asked() -> None:
        answered = view(FACTORY.get("/x", **header()))
        await answered

    with pytest.raises(Misconfigured, match="No GuardMiddleware"):
        run(asked())
    with pytest.raises(Misconfigured, match="No GuardMiddleware"):
        principal_of(FACTORY.get("/x"))


def test_a_required_view_on_a_public_path_is_a_contradiction() -> None:
    """It is a 500 with its reason in the log, and nobody comes in."""
    from tests.verify.adapters.reached import reached

    reached.clear()
    with asking() as client:
        answered = client("GET", "/public-by-slip", pairs())

    assert answered.status == 500
    assert reached == []


def test_something_else_than_a_principal_is_nobody() -> None:
    """Should another middleware write there."""
    request = FACTORY.get("/x")
    vars(request)["principal"] = "acc_root"

    assert principal_of(request) is None


# -- request.user ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables() -> Iterator[None]:
    """Make the tables of Django's own users in memory."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, run_syncdb=True)
    yield
    connection.close()


@pytest.fixture
def no_users(tables: None) -> None:
    """Begin with none."""
    get_user_model().objects.all().delete()


PRINCIPAL = VERIFIER.check(PARTY.token())


def test_a_caller_is_the_user_of_its_issuer_and_subject(no_users: None) -> None:
    """Made beforehand by an operator, under the name that the bridge tells."""
    bridge = UserBridge(issuer=ISSUER)
    known = get_user_model().objects.create(username=bridge.username("acc_one"))

    assert bridge(PRINCIPAL) == known


@pytest.mark.parametrize("username", ["acc_one", "acc_one@example.org", "https://evil.example|acc_one"])
def test_no_other_user_is_the_caller(no_users: None, username: str) -> None:
    """better-auth CVE-2026-53516, allauth CVE-2025-65431: not by e-mail, not by a name, not by another issuer."""
    get_user_model().objects.create(username=username, email="ada@example.org", is_superuser=True)

    assert isinstance(UserBridge(issuer=ISSUER)(PRINCIPAL), AnonymousUser)


def test_nobody_can_sign_up_under_the_name_of_a_caller() -> None:
    """The forms of Django refuse it, so an account cannot be taken before its owner comes."""
    validators = get_user_model()._meta.get_field("username").validators
    name = UserBridge(issuer=ISSUER).username("acc_one")

    from django.core.exceptions import ValidationError

    def validate() -> None:
        for validator in validators:
            validator(name)

    with pytest.raises(ValidationError):
        validate()


def test_an_unknown_caller_can_become_a_user_without_rights_and_password(no_users: None) -> None:
    """Once, if the host wants it."""
    bridge = UserBridge(issuer=ISSUER, create=True)

    first, second = bridge(PRINCIPAL), bridge(PRINCIPAL)

    assert first == second
    assert (first.is_staff, first.is_superuser, first.has_usable_password()) == (False, False, False)


def test_a_user_who_is_not_active_is_nobody(no_users: None) -> None:
    """allauth CVE-2025-65430: disabled here is disabled, whatever the issuer says."""
    bridge = UserBridge(issuer=ISSUER, create=True)
    get_user_model().objects.create(username=bridge.username("acc_one"), is_active=False)

    assert isinstance(bridge(PRINCIPAL), AnonymousUser)


@pytest.mark.parametrize("issuer", ["", "https://auth.example|x"])
def test_an_issuer_that_could_be_misread_is_refused(issuer: str) -> None:
    """The username must say one thing."""
    with pytest.raises(Misconfigured):
        UserBridge(issuer=issuer)


def test_the_user_is_looked_up_when_it_is_asked_for(no_users: None) -> None:
    """And by ``auser()`` in asynchronous views; guests keep what they have."""
    asked = []

    def bridge(principal: Any) -> str:
        asked.append(principal.subject)
        return "ada"

    seen: list[HttpRequest] = []
    with site(verifier=VERIFIER, user=bridge, optional=["/shop"]):
        middleware = GuardMiddleware(lambda request: seen.append(request) or HttpResponse())  # type: ignore[func-returns-value]
    middleware(FACTORY.get("/me", **header()))
    middleware(FACTORY.get("/shop"))
    known, guest = seen

    assert asked == []
    assert known.user == "ada"
    assert run(known.auser()) == "ada"
    assert asked == ["acc_one"] * 2
    assert not hasattr(guest, "user")


# -- Django REST framework -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/api/reports", "/shop/api", "/public/api"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([(b"authorization", b"Bearer a.b.c")], 401, "invalid_token"),
        ([(b"authorization", b"Bearer")], 400, "invalid_request"),
        (pairs(), 403, "insufficient_scope"),
        (pairs(scope="reports:read"), 200, ""),
        ([], 401, "invalid_token"),
    ],
)
def test_rest_framework_answers_as_everybody(target: str, headers: Any, status: int, code: str) -> None:
    """Behind the middleware, on optional paths, and on public ones, where it verifies by itself."""
    with asking(public=["/public"]) as client:
        answered = client("GET", target, headers)

    said = json.loads(answered.body)
    assert answered.status == status
    if status == 200:
        assert said == {"subject": "acc_one", "user": "Caller"}
    else:
        assert said["code"] == code
        assert answered.headers["www-authenticate"].startswith('Bearer realm="doorward"')
        assert ("error" in answered.headers["www-authenticate"]) == (headers != [])


def test_rest_framework_without_the_middleware_says_the_same() -> None:
    """Its own verification, with the verifier of the settings."""
    from tests.verify.adapters.django_urls import Api

    with site(verifier=VERIFIER, realm="Reports API"):
        answers = [
            Api.as_view()(FACTORY.post("/api/reports", **headers))
            for headers in ({}, {"HTTP_AUTHORIZATION": "Bearer a.b.c"}, header(scope="reports:read"))
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 200]
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="Reports API"'
    assert answers[1].headers["WWW-Authenticate"] == 'Bearer realm="Reports API", error="invalid_token"'


def test_rest_framework_has_503_where_there_are_no_keys() -> None:
    """With the time to come back."""
    from tests.verify.adapters.django_urls import Api

    with site(verifier=Broken(KeysUnavailable(retry_after=3))):
        answered = Api.as_view()(FACTORY.get("/api/reports", **header()))

    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "3")


def test_rest_framework_takes_the_user_of_the_bridge() -> None:
    """Where one is set; else a caller that has no rights of its own."""
    with asking(user=lambda principal: AnonymousUser()) as client:
        answered = client("GET", "/api/reports", pairs(scope="reports:read"))

    assert json.loads(answered.body)["user"] == "SimpleLazyObject"


def test_a_caller_of_rest_framework_has_no_rights() -> None:
    """It is somebody, and nothing more."""
    from doorward.verify.drf import Caller

    caller = Caller(PRINCIPAL)

    assert (caller.pk, caller.is_authenticated, caller.is_staff, caller.is_superuser) == ("acc_one", True, False, False)


def test_a_challenge_is_there_for_who_was_refused_by_another_permission() -> None:
    """``authenticate_header`` answers before anything was refused."""
    from doorward.verify.drf import BearerAuthentication

    class Outer:
        _request = FACTORY.get("/x")

    with site(verifier=VERIFIER):
        assert BearerAuthentication().authenticate_header(Outer()) == 'Bearer realm="doorward"'


def test_django_without_rest_framework_works() -> None:
    """It is a module of its own."""
    code = """
import sys
sys.modules["rest_framework"] = None
from django.conf import settings
settings.configure(DOORWARD={})
import doorward.verify.django
print("ok")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["ok"]
