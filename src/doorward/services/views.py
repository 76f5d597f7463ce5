"""What services send and get, in the words of RFC 7662 and RFC 7009."""

from typing import Literal

from msgspec import Struct

from doorward.services.introspection import Active
from doorward.web.body import Confidential


class TokenQuestion(Confidential):
    """A token, and perhaps a hint at its kind, which is not needed: the token says what it is."""

    token: str
    token_type_hint: str | None = None


class IntrospectionAnswer(Struct, omit_defaults=True, kw_only=True):
    """RFC 7662 section 2.2. For a token that is not active, or none of the service's business, there is no more."""

    active: bool
    token_use: Literal["access", "refresh"] | None = None
    token_type: Literal["Bearer"] | None = None
    iss: str | None = None
    aud: str | None = None
    sub: str | None = None
    username: str | None = None
    client_id: str | None = None
    scope: str | None = None
    jti: str | None = None
    iat: int | None = None
    exp: int | None = None
    sid: str | None = None
    auth_time: int | None = None
    amr: list[str] | None = None
    roles: list[str] | None = None
    email_verified: bool | None = None

    @classmethod
    def of(cls, active: Active | None, *, issuer: str) -> "IntrospectionAnswer":
        """Show a token; ``None`` is ``{"active":false}``."""
        if active is None:
            return cls(active=False)
        account = active.account
        return cls(
            active=True,
            token_use=active.kind,
            token_type="Bearer" if active.kind == "access" else None,
            iss=issuer,
            aud=active.audience,
            sub=account.id,
            username=account.username or account.email,
            client_id=active.client_id,
            scope=active.scope or None,
            jti=active.token_id,
            iat=active.issued_at,
            exp=active.expires_at,
            sid=active.session_id,
            auth_time=active.auth_time,
            amr=list(active.amr),
            roles=list(account.roles) or None,
            email_verified=account.email_verified,
        )
