"""What travels about challenges: the answer to whoever asks for a mail, and the secret that comes back."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorward.errors import FieldError, InvalidFields
from doorward.verification.flows import Answer, Sent
from doorward.web.body import Confidential

Token = Annotated[str, Meta(max_length=256)]
ChallengeId = Annotated[str, Meta(max_length=64)]
Code = Annotated[str, Meta(max_length=64)]
Login = Annotated[str, Meta(max_length=254)]


class SecretBody(Confidential):
    """The secret from a mail: ``token`` from the link, or ``challenge`` and ``code``."""

    token: Token | None = None
    challenge: ChallengeId | None = None
    code: Code | None = None

    def answer(self) -> Answer:
        """Read the one way or the other. Raises :class:`InvalidFields` for both, and for neither."""
        if self.token is None and self.challenge is None and self.code is None:
            raise InvalidFields(
                "no secret", errors=[FieldError("/token", "required", "Send 'token', or 'challenge' and 'code'.")]
            )
        if self.token is not None and (self.challenge is not None or self.code is not None):
            error = FieldError("/token", "unknown_field", "Send 'token', or 'challenge' and 'code', not both.")
            raise InvalidFields("two secrets", errors=[error])
        if self.token is None:
            missing = [name for name in ("challenge", "code") if getattr(self, name) is None]
            if missing:
                errors = [FieldError(f"/{name}", "required", "This field is required.") for name in missing]
                raise InvalidFields("half a secret", errors=errors)
        return Answer(token=self.token, challenge=self.challenge, code=self.code)


class SentAnswer(Struct):
    """What is answered whether a mail was sent or not; ``challenge`` goes with the code that may be in it."""

    status: Literal["verification_sent", "reset_sent", "link_sent"]
    challenge: str
    expires_in: int

    @classmethod
    def of(cls, sent: Sent, status: Literal["verification_sent", "reset_sent", "link_sent"]) -> "SentAnswer":
        """Answer."""
        return cls(status=status, challenge=sent.challenge, expires_in=sent.expires_in)
