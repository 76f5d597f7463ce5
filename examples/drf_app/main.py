"""Reports behind doorward, in Django REST framework, in one file: settings, views, and the WSGI application."""

from django import setup
from django.conf import settings

from doorward.verify import Verifier

settings.configure(
    SECRET_KEY="not used here: no sessions, no forms",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["doorward.verify.django.GuardMiddleware"],
    DOORWARD={
        "verifier": Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem"),
        "public": ["/"],
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["doorward.verify.drf.BearerAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - DRF reads the settings when it is imported
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from doorward.verify.drf import requires  # noqa: E402


class Home(APIView):
    """Everybody may read this."""

    def get(self, _request: Request) -> Response:
        """Say so."""
        return Response("open")


class Me(APIView):
    """For every caller."""

    permission_classes = (requires(),)

    def get(self, request: Request) -> Response:
        """Tell the caller who it is."""
        return Response({"subject": request.auth.subject})


class Admin(APIView):
    """Only for the role ``admin``."""

    permission_classes = (requires(role="admin"),)

    def get(self, _request: Request) -> Response:
        """Say so."""
        return Response("admin")


urlpatterns = [path("", Home.as_view()), path("me", Me.as_view()), path("admin", Admin.as_view())]

app = get_wsgi_application()
