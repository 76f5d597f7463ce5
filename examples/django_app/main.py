"""Reports behind doorward, in Django, in one file: settings, views, and both ways to serve it."""

from django import setup
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from doorward.verify import Verifier
from doorward.verify.django import require

settings.configure(
    SECRET_KEY="not used here: no sessions, no forms",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware", "doorward.verify.django.GuardMiddleware"],
    DOORWARD={
        "verifier": Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem"),
        "public": ["/"],
    },
)
setup()


def home(_request: HttpRequest) -> HttpResponse:
    """Everybody may read this."""
    return HttpResponse("open")


async def me(request: HttpRequest) -> JsonResponse:
    """Tell the caller who it is."""
    return JsonResponse({"subject": request.principal.subject})


@require(role="admin")
def admin(_request: HttpRequest) -> HttpResponse:
    """Only for the role ``admin``."""
    return HttpResponse("admin")


urlpatterns = [path("", home), path("me", me), path("admin", admin)]

app = get_wsgi_application()
asgi = get_asgi_application()
