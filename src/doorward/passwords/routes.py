"""The HTTP face of passwords: logging in, proving the password again, changing it, and asking the policy."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.views import AccountView
from doorward.gate import Gate, source_of
from doorward.passwords.flows import LogIn, Passwords
from doorward.sessions.flows import Sessions
from doorward.settings import Settings
from doorward.tokens.views import PairAnswer
from doorward.web.body import Confidential, read_json, write_json
from doorward.web.browser import DEVICE_HEADER, check_same_origin, device_cookie
from doorward.web.routing import Operation

Typed = Annotated[str, Meta(max_length=1024)]
"""What is typed as a password: longer than the policy allows, so that the policy can say so, and not without end."""


class LoginBody(Confidential, forbid_unknown_fields=True):
    """What logs in; ``login`` is the e-mail address or the username."""

    login: Annotated[str, Meta(max_length=254)]
    password: Typed
    transport: Literal["bearer", "cookie"] = "bearer"
    remember: bool = False


class LoginAnswer(PairAnswer):
    """The tokens of a new session, and whose it is."""

    account: AccountView


class CookieLoginAnswer(Struct):
    """The answer that goes with the cookie; there is no token in it (ASVS 3.3.4)."""

    session_id: str
    account: AccountView


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
        answer = self._answer(log_in)
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
        return self._answer(log_in)

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
        return self._remembered(Response(status_code=204, headers=self._cookie(log_in)), log_in)

    async def check(self, request: Request) -> Response:
        """``POST /v1/password/check``."""
        body = await read_json(request, CheckPasswordBody)
        assessment = await self._passwords.assess(
            body.password, email=body.email, username=body.username, source=source_of(request)
        )
        errors = [FieldErrorView(error.pointer, error.code, error.detail) for error in assessment.errors]
        return write_json(CheckPasswordAnswer(assessment.acceptable, assessment.score, errors))

    def _answer(self, log_in: LogIn) -> Response:
        return self._remembered(self._face(log_in), log_in)

    def _remembered(self, answer: Response, log_in: LogIn) -> Response:
        """Leave behind what the account knows the device by, in the place where its kind of caller keeps things."""
        if log_in.session.transport == "cookie":
            lifetime = self._settings.limits.device_lifetime
            answer.headers.append("Set-Cookie", device_cookie(log_in.device, max_age=lifetime))
        else:
            answer.headers[DEVICE_HEADER.decode()] = log_in.device
        return answer

    def _face(self, log_in: LogIn) -> Response:
        account = AccountView.of(log_in.account)
        if log_in.tokens is None:
            return write_json(CookieLoginAnswer(log_in.session.id, account), headers=self._cookie(log_in))
        pair = log_in.tokens
        return write_json(
            LoginAnswer(
                access_token=pair.access_token,
                expires_in=pair.expires_in,
                refresh_token=pair.refresh_token,
                refresh_expires_in=pair.refresh_expires_in,
                session_id=pair.session_id,
                account=account,
            )
        )

    def _cookie(self, log_in: LogIn) -> dict[str, str]:
        if log_in.cookie is None:
            return {}
        max_age = self._sessions.lifetime_of_cookie(log_in.session)
        return {"Set-Cookie": self._gate.cookie.set(log_in.cookie, max_age=max_age)}

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
