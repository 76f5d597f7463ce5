"""Events: what has happened, told to the host after it was committed.

An event is a frozen value. It is written to the audit trail in the transaction of the act itself and delivered to
subscribers after the commit, so nobody hears of what did not happen. A subscriber that fails is logged and cannot
undo or delay the act for others; whoever must refuse something needs a gate, not an event.

    auth.events.subscribe(SignedIn, greet)
"""

from dataclasses import dataclass

from doorward.events import Event as Event
from doorward.events import Events as Events


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Event):
    """An account was made, by its owner or by an operator."""

    name = "account.registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountImported(Event):
    """An operator brought an account in from another system."""

    name = "account.imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged(Event):
    """The owner changed the username or the profile."""

    name = "account.profile_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesChanged(Event):
    """An operator set the roles. Tokens issued before keep the old ones until they expire."""

    name = "account.roles_changed"
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(Event):
    """An operator disabled the account; all its sessions have ended."""

    name = "account.disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(Event):
    """An operator enabled the account again; nothing that had ended has come back."""

    name = "account.enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """A session has started."""

    name = "session.started"
    proves = True
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(Event):
    """A log-in or a confirmation by password failed. ``why`` is private; for an unknown login there is no account."""

    name = "session.refused"
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reauthenticated(Event):
    """The owner has proved the password again within a session."""

    name = "session.reauthenticated"
    proves = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Event):
    """One session (``session_id``), or several of an account, have ended; their tokens are refused from now on."""

    name = "session.ended"
    why: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenReused(Event):
    """A spent refresh token came back after the replay window: theft, or a lost reply. The session has ended."""

    name = "token.reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """The password is another one; the other sessions have ended."""

    name = "password.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSuspended(Event):
    """There were so many wrong passwords in a row that the password is good for nothing until a reset or a success.

    With ``for_strangers`` that is so for devices which the account does not know; otherwise for all of them.
    """

    name = "password.suspended"
    for_strangers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeysRotated(Event):
    """The staged key signs now. With ``revoked``, nothing that was signed before is believed any more."""

    name = "keys.rotated"
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRepeated(Event):
    """Somebody wanted to register with an address that is known here; its owner gets a mail saying so."""

    name = "account.registration_repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerified(Event):
    """The owner has proved the address. With ``replaced``, a password chosen by somebody before is dead."""

    name = "account.email_verified"
    replaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(Event):
    """The owner asked for another address; both are told, and nothing has changed yet."""

    name = "account.email_change_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(Event):
    """The account has another address, which is proved. The old one can take it back for a while."""

    name = "account.email_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeUndone(Event):
    """The old address took a change back: sessions have ended, and the password is dead until it is reset."""

    name = "account.email_change_undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInvited(Event):
    """An operator made an account for somebody who chooses the password by a link in a mail."""

    name = "account.invited"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAccepted(Event):
    """Whoever was invited has chosen a password; the address is proved by that."""

    name = "account.invitation_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExported(Event):
    """The owner took a copy of everything that is held about the account."""

    name = "account.exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeleted(Event):
    """The account is gone with all its personal data. The id is the one it had; in the trail there is a pseudonym."""

    name = "account.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeRefused(Event):
    """A secret from a mail was wrong, expired, used or overtaken. ``purpose`` is what it was brought back for.

    There is an account only where the link was once good, or the challenge still was.
    """

    name = "challenge.refused"
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Event):
    """Somebody asked for a link to set another password; for an unknown login there is no account."""

    name = "password.reset_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset(Event):
    """Another password was set by a link or code from a mail; all sessions have ended."""

    name = "password.reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLinkRequested(Event):
    """Somebody asked for a link to log in with; for an unknown login there is no account."""

    name = "session.link_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSetAside(Event):
    """A mail will not be tried again: the mail server refused it, or nobody took it for too long."""

    name = "mail.set_aside"
    letter: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCreated(Event):
    """An operator made a service key. Empty ``audience``: that of the instance."""

    name = "service.created"
    service: str
    audience: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKeyRotated(Event):
    """An operator gave a service another key; the former one is believed until ``former_until``."""

    name = "service.rotated"
    service: str
    former_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeleted(Event):
    """An operator removed a service; its keys are worth nothing any more."""

    name = "service.deleted"
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRefused(Event):
    """Somebody claimed to be a service and did not prove it. ``service`` is empty where no such name is possible."""

    name = "service.refused"
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """A service revoked one access token. A revoked refresh token ends its session: see ``SessionsEnded``."""

    name = "token.revoked"
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRefused(Event):
    """A gate of the host refused an act. For a registration there is no account."""

    name = "gate.refused"
    gate: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPruned(Event):
    """Lines of the trail up to this position were forgotten because of their age."""

    name = "audit.pruned"
    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPseudonymised(Event):
    """A person was taken out of the trail; ``account_id`` is the pseudonym under which the lines remain."""

    name = "audit.pseudonymised"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAdded(Event):
    """An operator made an endpoint that is told of events."""

    name = "webhook.added"
    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRemoved(Event):
    """An operator removed an endpoint."""

    name = "webhook.removed"
    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretRotated(Event):
    """An endpoint has another secret; for a day messages are signed with both."""

    name = "webhook.secret_rotated"
    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDisabled(Event):
    """An endpoint was given up: it has not taken a message for long, or said that it is gone."""

    name = "webhook.disabled"
    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEnabled(Event):
    """An operator had everything that an endpoint did not take sent again."""

    name = "webhook.enabled"
    endpoint_id: str
