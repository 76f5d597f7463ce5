"""The HTTP face of passwords: logging in, proving one again, changing it, resetting it, and asking the policy."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.views import AccountAnswer, AccountView
from doorward.gate import Gate, source_of
from doorward.passwords.flows import Passwords
from doorward.passwords.recovery import Recovery
from doorward.passwords.views import CookieLoginAnswer, LoginAnswer, answer_log_in, cookie_header, remember_device
from doorward.sessions.flows import Sessions
from doorward.settings import Settings
from doorward.verification.views import Login, SecretBody, SentAnswer
from doorward.web.body import Confidential, read_json, write_json
from doorward.web.browser import check_same_origin
from doorward.web.routing import Operation

Typed = Annotated[str, Meta(max_length=1024)]
"""What is typed as a password: longer than the policy allows, so that the policy can say so, and not without end."""


class LoginBody(Confidential, forbid_unknown_fields=True):
    """What logs in; ``login`` is the e-mail address or the username."""

    login: Annotated[str, Meta(max_length=254)]
    password: Typed
    transport: Literal["bearer", "cookie"] = "bearer"
    remember: bool = False


class ReauthenticateBody(Confidential, forbid_unknown_fields=True):
    """What proves the password again."""

    password: Typed


class ChangePasswordBody(Confidential, forbid_unknown_fields=True):
    """What changes the password."""

    current_password: Typed
    new_password: Typed


class CheckPasswordBody(Confidential, forbid_unknown_fields=True):
    """A password that somebody thinks of, and what it should not be similar to."""

    password: Typed
    email: Annotated[str, Meta(max_length=254)] | None = None
    username: Annotated[str, Meta(max_length=64)] | None = None


class FieldErrorView(Struct):
    """One complaint."""

    pointer: str
    code: str
    detail: str


class CheckPasswordAnswer(Struct):
    """Whether the policy accepts it; ``score`` is 0 to 4."""

    acceptable: bool
    score: int
    errors: list[FieldErrorView]


class PasswordRoutes:
    """The handlers of this slice."""

    def __init__(self, *, passwords: Passwords, sessions: Sessions, gate: Gate, settings: Settings) -> None:
        """Take what is needed."""
        self._passwords = passwords
        self._sessions = sessions
        self._gate = gate
        self._settings = settings

    async def log_in(self, request: Request) -> Response:
        """``POST /v1/login``."""
        visitor = await self._gate.visitor(request)
        body = await read_json(request, LoginBody)
        if body.transport == "cookie":
            check_same_origin(request.method, request.scope["headers"], origin=self._settings.origin, lenient=True)
        log_in = await self._passwords.log_in(
            login=body.login,
            password=body.password,
            transport=body.transport,
            remember=body.remember,
            source=source_of(request),
            replaces=visitor,
        )
        answer = answer_log_in(log_in, self._sessions, self._gate.cookie, self._settings)
        if log_in.cookie is None and self._gate.cookie.values(request.scope["headers"]):
            # Beside a bearer token it would be one credential too many.
            answer.headers["Set-Cookie"] = self._gate.cookie.clear()
        return answer

    async def reauthenticate(self, request: Request) -> Response:
        """``POST /v1/reauthenticate``."""
        caller = await self._gate.caller(request)
        body = await read_json(request, ReauthenticateBody)
        log_in = await self._passwords.reauthenticate(
            session_id=caller.principal.session_id,
            password=body.password,
            source=caller.source,
            by=caller.transport,
            spent=caller.principal.token_id,
        )
        return answer_log_in(log_in, self._sessions, self._gate.cookie, self._settings)

    async def change(self, request: Request) -> Response:
        """``POST /v1/me/password``."""
        caller = await self._gate.caller(request)
        body = await read_json(request, ChangePasswordBody)
        log_in = await self._passwords.change(
            session_id=caller.principal.session_id,
            current_password=body.current_password,
            new_password=body.new_password,
            source=caller.source,
            by=caller.transport,
        )
        answer = Response(status_code=204, headers=cookie_header(log_in, self._sessions, self._gate.cookie))
        return remember_device(answer, log_in, self._settings)

    async def check(self, request: Request) -> Response:
        """``POST /v1/password/check``."""
        body = await read_json(request, CheckPasswordBody)
        assessment = await self._passwords.assess(
            body.password, email=body.email, username=body.username, source=source_of(request)
        )
        errors = [FieldErrorView(error.pointer, error.code, error.detail) for error in assessment.errors]
        return write_json(CheckPasswordAnswer(assessment.acceptable, assessment.score, errors))

    def operations(self) -> list[Operation]:
        """List the operations of this slice."""
        refusals = (
            "invalid_credentials",
            "too_many_attempts",
            "overloaded",
            "account_disabled",
            "email_not_verified",
            "refused_by_policy",
        )
        return [
            Operation(
                "POST",
                "/v1/login",
                self.log_in,
                "Log in",
                reads=LoginBody,
                answers={200: (LoginAnswer, CookieLoginAnswer)},
                problems=("invalid_fields", *refusals),
            ),
            Operation(
                "POST",
                "/v1/reauthenticate",
                self.reauthenticate,
                "Prove the password again",
                reads=ReauthenticateBody,
                answers={200: (LoginAnswer, CookieLoginAnswer)},
                problems=("invalid_fields", "session_ended", *refusals),
                needs_caller=True,
            ),
            Operation(
                "POST",
                "/v1/me/password",
                self.change,
                "Change the password",
                reads=ChangePasswordBody,
                answers={204: None},
                problems=("invalid_fields", "session_ended", *refusals),
                needs_caller=True,
            ),
            Operation(
                "POST",
                "/v1/password/check",
                self.check,
                "Ask what the policy says about a password",
                reads=CheckPasswordBody,
                answers={200: CheckPasswordAnswer},
                problems=("invalid_fields", "too_many_attempts"),
            ),
        ]


class ForgotBody(Confidential, forbid_unknown_fields=True):
    """Whose password is forgotten; ``login`` is the e-mail address or the username."""

    login: Login


class ResetBody(SecretBody, kw_only=True, forbid_unknown_fields=True):
    """The secret from the mail and the password to set."""

    new_password: Typed


class AcceptBody(SecretBody, kw_only=True, forbid_unknown_fields=True):
    """The secret from the invitation and the password to begin with."""

    password: Typed


class RecoveryRoutes:
    """The handlers."""

    def __init__(self, *, recovery: Recovery) -> None:
        """Take what is needed."""
        self._recovery = recovery

    async def forgot(self, request: Request) -> Response:
        """``POST /v1/password/forgot``."""
        body = await read_json(request, ForgotBody)
        sent = await self._recovery.forgot(body.login, source=source_of(request))
        return write_json(SentAnswer.of(sent, "reset_sent"), status=202)

    async def reset(self, request: Request) -> Response:
        """``POST /v1/password/reset``."""
        body = await read_json(request, ResetBody)
        await self._recovery.reset(body.answer(), body.new_password, source=source_of(request))
        return Response(status_code=204)

    async def accept(self, request: Request) -> Response:
        """``POST /v1/invitations/accept``."""
        body = await read_json(request, AcceptBody)
        account = await self._recovery.accept(body.answer(), body.password, source=source_of(request))
        return write_json(AccountAnswer(AccountView.of(account)))

    def operations(self) -> list[Operation]:
        """List the operations."""
        redeeming = ("challenge_invalid", "invalid_fields", "too_many_attempts", "overloaded")
        return [
            Operation(
                "POST",
                "/v1/password/forgot",
                self.forgot,
                "Ask for a mail with which to set another password",
                reads=ForgotBody,
                answers={202: SentAnswer},
                problems=("invalid_fields", "too_many_attempts", "overloaded", "mail_unavailable"),
            ),
            Operation(
                "POST",
                "/v1/password/reset",
                self.reset,
                "Set another password by the link or code from a mail",
                reads=ResetBody,
                answers={204: None},
                problems=redeeming,
            ),
            Operation(
                "POST",
                "/v1/invitations/accept",
                self.accept,
                "Choose the first password of an account that one was invited to",
                reads=AcceptBody,
                answers={200: AccountAnswer},
                problems=redeeming,
            ),
        ]
