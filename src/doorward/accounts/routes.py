"""The HTTP face of accounts: registering, and one's own account."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field
from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.flows import Accounts
from doorward.accounts.registration import Registration
from doorward.accounts.views import AccountAnswer, AccountView
from doorward.errors import RegistrationClosed, TokenRefused
from doorward.gate import Gate, source_of
from doorward.settings import Settings
from doorward.verification.flows import Sent
from doorward.verification.views import SentAnswer
from doorward.web.body import Confidential, read_json, write_json
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
