"""The URLs and views of the Django in the tests."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.response import Response
from rest_framework.views import APIView

from doorward.verify.django import principal_of, require
from doorward.verify.drf import BearerAuthentication, requires
from tests.verify.adapters.reached import reached
from tests.verify.parties import Clock


def said(request: HttpRequest) -> HttpResponse:
    """Tell who calls."""
    who = principal_of(request)
    reached.append(request.path_info)
    return HttpResponse("guest" if who is None else who.subject, content_type="text/plain")


def page(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Be a view without a requirement."""
    return said(request)


def secret(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Stand for anything that needs a log-in."""
    reached.append("secret")
    return said(request)


@require(scope="reports:read", clock=Clock())
async def reports(request: HttpRequest) -> HttpResponse:
    """Be an asynchronous view."""
    return said(request)


@require(fresh=60, clock=Clock())
def fresh(request: HttpRequest) -> HttpResponse:
    """Need a recent log-in."""
    return said(request)


@method_decorator(require(role="admin"), name="dispatch")
class Admin(View):
    """Be a class of views."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return said(request)


class Api(APIView):  # type: ignore[misc]
    """Be a view of Django REST framework."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (requires(scope="reports:read", clock=Clock()),)

    def get(self, request: Any) -> Response:
        reached.append(request.path_info)
        return Response({"subject": request.auth.subject, "user": type(request.user).__name__})

    post = get


urlpatterns = [
    path("", page),
    path("me", page),
    path("public/page", page),
    path("public/api", Api.as_view()),
    re_path(r"^public/secret(?P<rest>.*)$", secret),
    re_path(r"^public/(?P<rest>.*)$", page),
    path("shop/page", page),
    path("shop/orders", require()(page)),
    path("reports", reports),
    path("admin", Admin.as_view()),
    path("fresh", fresh),
    path("api/reports", Api.as_view()),
    path("shop/api", Api.as_view()),
    path("public-by-slip", require()(page)),
    re_path(r"^(?P<rest>secret.*)$", secret),
]
