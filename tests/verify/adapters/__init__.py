"""Every adapter, with its real framework. Django has to be set up before anything of it is imported."""

from tests.verify.adapters import django_site as django_site
