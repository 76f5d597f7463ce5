"""A Django without a file: settings made here, once for the process, and views for the tests."""

from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ROOT_URLCONF="tests.verify.adapters.django_urls",
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MIDDLEWARE=[
            "doorward.verify.django.GuardMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        LOGGING_CONFIG=None,
    )
    django.setup()


def site(**doorward: Any) -> Any:
    """Return what makes ``DOORWARD`` such while a handler is built."""
    from django.test import override_settings

    return override_settings(DOORWARD=doorward)
