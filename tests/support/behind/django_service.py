"""Django in one file: a few lines of middleware around ``Verifier.check``."""

import os
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from doorward.errors import InvalidToken, Unavailable
from doorward.verify import Verifier

verifier = Verifier(issuer=os.environ["ISSUER"], ca_file=os.environ["AUTHORITY"])


def protected(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let nobody through without a good token."""

    def middleware(request: Any) -> HttpResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            request.principal = verifier.check(token if scheme == "Bearer" else "")
        except InvalidToken:
            return HttpResponse(status=401)
        except Unavailable:
            return HttpResponse(status=503)
        return get_response(request)

    return middleware


def index(request: Any) -> HttpResponse:
    """Who calls."""
    return HttpResponse(request.principal.subject)


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[f"{__name__}.protected"],
    SECRET_KEY="of a test",
)
urlpatterns = [path("", index)]
app = get_wsgi_application()
