"""The HTTP face of accounts: registering, one's own account, proving and changing the address, and leaving."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field
from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.addresses import Addresses
from doorward.accounts.flows import Accounts
from doorward.accounts.leaving import Leaving
from doorward.accounts.registration import Registration
from doorward.accounts.views import AccountAnswer, AccountView
from doorward.errors import FieldError, InvalidFields, RegistrationClosed, TokenRefused
from doorward.gate import Gate, source_of
from doorward.settings import Settings
from doorward.verification.flows import Sent
from doorward.verification.views import ChallengeId, Login, SecretBody, SentAnswer
from doorward.web.body import (
    Confidential,
    check_content_type,
    parse_object,
    read_bytes,
    read_json,
    to_struct,
    write_json,
)
from doorward.web.browser import CLEAR_SITE_DATA
from doorward.web.routing import Operation


class RegisterBody(Confidential, forbid_unknown_fields=True):
    """What registers an account."""

    email: str
    password: str
    username: str | None = None
    profile: dict[str, Any] = field(default_factory=dict)


class UpdateBody(Struct, forbid_unknown_fields=True):
    """What may be changed of one's account; ``null`` removes the username."""

    username: str | UnsetType | None = UNSET
    profile: dict[str, Any] | UnsetType = UNSET


class VerifyBody(SecretBody, forbid_unknown_fields=True):
    """What proves an address."""


class ResendBody(Confidential, forbid_unknown_fields=True):
    """Which mail to send again: that of a challenge, or that to an address."""

    challenge: ChallengeId | None = None
    email: Login | None = None


class ChangeEmailBody(Confidential, forbid_unknown_fields=True):
    """The address to change to."""

    new_email: Login


class DeleteBody(Confidential, forbid_unknown_fields=True):
    """What proves that the owner wants to leave; without a password, the log-in must be fresh."""

    password: Annotated[str, Meta(max_length=1024)] | None = None


def operations(*, accounts: Accounts, registration: Registration, gate: Gate, settings: Settings) -> list[Operation]:
    """List the operations of this slice."""

    async def register(request: Request) -> Response:
        if settings.accounts.registration == "closed":
            raise RegistrationClosed("registration is closed")
        body = await read_json(request, RegisterBody)
        register_with = accounts.register if settings.accounts.email_verification == "off" else registration.sign_up
        made = await register_with(
            email=body.email,
            password=body.password,
            username=body.username,
            profile=body.profile,
            source=source_of(request),
        )
        if isinstance(made, Sent):
            return write_json(SentAnswer.of(made, "verification_sent"), status=202)
        account = made
        return write_json(AccountAnswer(AccountView.of(account)), status=201)

    async def show(request: Request) -> Response:
        caller = await gate.caller(request)
        account = await accounts.find(caller.principal.subject)
        if account.disabled_at is not None:
            raise TokenRefused("account is disabled")
        return write_json(AccountAnswer(AccountView.of(account)))

    async def update(request: Request) -> Response:
        caller = await gate.caller(request)
        body = await read_json(request, UpdateBody)
        account = await accounts.update(
            caller.principal.subject,
            username=None if body.username is UNSET else body.username,
            remove_username=body.username is None,
            profile=None if body.profile is UNSET else body.profile,
            source=caller.source,
        )
        return write_json(AccountAnswer(AccountView.of(account)))

    return [
        Operation(
            "POST",
            "/v1/accounts",
            register,
            "Register an account",
            reads=RegisterBody,
            answers={201: AccountAnswer, 202: SentAnswer},
            problems=(
                "invalid_fields",
                "login_taken",
                "registration_closed",
                "refused_by_policy",
                "too_many_attempts",
                "overloaded",
                "mail_unavailable",
            ),
        ),
        Operation("GET", "/v1/me", show, "Show one's own account", answers={200: AccountAnswer}, needs_caller=True),
        Operation(
            "PATCH",
            "/v1/me",
            update,
            "Change one's username or profile",
            reads=UpdateBody,
            answers={200: AccountAnswer},
            problems=("invalid_fields", "login_taken"),
            needs_caller=True,
        ),
    ]


class LifecycleRoutes:
    """The handlers."""

    def __init__(self, *, addresses: Addresses, leaving: Leaving, gate: Gate) -> None:
        """Take what is needed."""
        self._addresses = addresses
        self._leaving = leaving
        self._gate = gate

    async def verify(self, request: Request) -> Response:
        """``POST /v1/email/verify``."""
        body = await read_json(request, VerifyBody)
        account = await self._addresses.verify(body.answer(), source=source_of(request))
        return write_json(AccountAnswer(AccountView.of(account)))

    async def resend(self, request: Request) -> Response:
        """``POST /v1/email/verify/resend``."""
        body = await read_json(request, ResendBody)
        source = source_of(request)
        if (body.challenge is None) == (body.email is None):
            error = FieldError("/challenge", "required", "Send 'challenge' or 'email'.")
            raise InvalidFields("which mail", errors=[error])
        if body.challenge is not None:
            sent = await self._addresses.resend(challenge_id=body.challenge, source=source)
        else:
            sent = await self._addresses.resend_to(email=body.email or "", source=source)
        return write_json(SentAnswer.of(sent, "verification_sent"), status=202)

    async def undo(self, request: Request) -> Response:
        """``POST /v1/email/undo``."""
        body = await read_json(request, VerifyBody)
        await self._addresses.undo(body.answer(), source=source_of(request))
        return Response(status_code=204)

    async def change(self, request: Request) -> Response:
        """``POST /v1/me/email``."""
        caller = await self._gate.fresh_caller(request)
        body = await read_json(request, ChangeEmailBody)
        sent = await self._addresses.request_change(
            caller.principal.subject,
            new_email=body.new_email,
            session_id=caller.principal.session_id,
            source=caller.source,
        )
        return write_json(SentAnswer.of(sent, "verification_sent"), status=202)

    async def export(self, request: Request) -> Response:
        """``GET /v1/me/export``."""
        caller = await self._gate.fresh_caller(request)
        held = await self._leaving.export(caller.principal.subject, source=caller.source)
        return write_json(held, headers={"Content-Disposition": 'attachment; filename="account.json"'})

    async def delete(self, request: Request) -> Response:
        """``DELETE /v1/me``; no body at all means ``{}``."""
        caller = await self._gate.caller(request)
        body = DeleteBody()
        if content := await read_bytes(request):
            check_content_type(request)
            body = to_struct(parse_object(content), DeleteBody)
        if body.password is None:
            self._gate.check_fresh(caller)
        await self._leaving.delete(caller.principal.subject, password=body.password, source=caller.source)
        return Response(
            status_code=204, headers={"Set-Cookie": self._gate.cookie.clear(), "Clear-Site-Data": CLEAR_SITE_DATA}
        )

    def operations(self) -> list[Operation]:
        """List the operations."""
        mails = ("invalid_fields", "too_many_attempts", "overloaded", "mail_unavailable")
        return [
            Operation(
                "POST",
                "/v1/email/verify",
                self.verify,
                "Prove an e-mail address by the link or code from a mail",
                reads=VerifyBody,
                answers={200: AccountAnswer},
                problems=("challenge_invalid", "invalid_fields", "login_taken", "too_many_attempts"),
            ),
            Operation(
                "POST",
                "/v1/email/verify/resend",
                self.resend,
                "Ask for the verification mail again",
                reads=ResendBody,
                answers={202: SentAnswer},
                problems=mails,
            ),
            Operation(
                "POST",
                "/v1/email/undo",
                self.undo,
                "Take a change of the e-mail address back, from the old one",
                reads=VerifyBody,
                answers={204: None},
                problems=("challenge_invalid", "invalid_fields", "login_taken", "too_many_attempts"),
            ),
            Operation(
                "POST",
                "/v1/me/email",
                self.change,
                "Ask for another e-mail address",
                reads=ChangeEmailBody,
                answers={202: SentAnswer},
                problems=("reauthentication_required", *mails),
                needs_caller=True,
            ),
            Operation(
                "GET",
                "/v1/me/export",
                self.export,
                "Take a copy of everything that is held about one's account",
                answers={200: dict[str, Any]},
                problems=("reauthentication_required",),
                needs_caller=True,
            ),
            Operation(
                "DELETE",
                "/v1/me",
                self.delete,
                "Delete one's own account",
                reads=DeleteBody,
                answers={204: None},
                problems=("invalid_credentials", "invalid_fields", "reauthentication_required", "too_many_attempts"),
                needs_caller=True,
            ),
        ]
