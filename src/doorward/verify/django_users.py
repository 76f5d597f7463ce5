"""The bridge to ``request.user``: which user of this Django a verified caller is.

Optional, and asked only when a view looks at ``request.user``. A user is found by issuer **and** subject, which are
never reused, kept as the username ``ISSUER|SUBJECT``. Never by an e-mail address: whoever could register that address
at the issuer, or here before it, would become somebody else (better-auth CVE-2026-53516, django-allauth
CVE-2025-65431). Django's own forms take no ``|`` and no ``/`` in a username, so nobody can sign up as such a user.

What a token says about roles makes nobody staff here: that is decided in this Django, or in the host's own bridge.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from doorward.errors import Finding, Misconfigured
from doorward.verify.model import Principal


class UserBridge:
    """Maps callers of one issuer to users. Give it, or its dotted name, as ``DOORWARD["user"]``."""

    def __init__(self, *, issuer: str, create: bool = False) -> None:
        """Take the issuer that the verifier trusts. With ``create``, an unknown caller becomes a user without password.

        Raises :class:`~doorward.errors.Misconfigured` for an issuer that is empty or has a ``|``.
        """
        if not issuer or "|" in issuer:
            raise Misconfigured(
                Finding("UserBridge: the issuer cannot be used.", "Give the exact 'iss' of the tokens.")
            )
        self._issuer = issuer
        self._create = create

    def username(self, subject: str) -> str:
        """Return the username of a subject, for an operator who makes the user beforehand."""
        return f"{self._issuer}|{subject}"

    def __call__(self, principal: Principal) -> Any:
        """Return the user of a caller; ``AnonymousUser`` for one that is unknown or not active here."""
        model = get_user_model()
        users = model._default_manager  # noqa: SLF001 - Django's own name for whatever manager the model has
        key = {model.USERNAME_FIELD: self.username(principal.subject)}
        user = users.filter(**key).first()
        if user is None and self._create:
            fresh = model(**key)
            fresh.set_unusable_password()
            user, _ = users.get_or_create(**key, defaults={"password": fresh.password})
        return user if user is not None and user.is_active else AnonymousUser()
