"""The HTTP face of setting a password by a secret from a mail."""

from starlette.requests import Request
from starlette.responses import Response

from doorward.accounts.views import AccountAnswer, AccountView
from doorward.gate import source_of
from doorward.passwords.recovery import Recovery
from doorward.passwords.routes import Typed
from doorward.verification.views import Login, SecretBody, SentAnswer
from doorward.web.body import Confidential, read_json, write_json
from doorward.web.routing import Operation


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
