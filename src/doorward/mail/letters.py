"""What the letters say, in English; other languages are in ``locale/``.

A sentence may name the service, an address that is masked, and nothing else that people can type: whatever a stranger
can put into somebody's mailbox under our name is an invitation to phishing (next-auth CVE-2022-31127). So a device is
named from a short list, and a user agent is never quoted.
"""

from dataclasses import dataclass
from typing import Final


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


@dataclass(frozen=True, slots=True)
class Letter:
    """One kind of mail. ``button`` is there where the mail carries a link; a link that is secret has a code too."""

    subject: str
    sentences: tuple[str, ...]
    closing: tuple[str, ...] = ()
    button: str | None = None
    page: str = ""
    """Where the button leads when the mail carries no secret."""


_IGNORE: Final = _("If it was not you, you need not do anything.")
_NOT_YOU: Final = _("If it was not you, set another password at once: that ends all sessions.")

LETTERS: Final[dict[str, Letter]] = {
    "verify_address": Letter(
        _("Confirm your e-mail address"),
        (_("Somebody has made an account at {service} with this e-mail address. If it was you, confirm the address."),),
        (_("If it was not you, do not confirm it. Nothing else has to be done."),),
        _("Confirm the address"),
    ),
    "address_known": Letter(
        _("You already have an account"),
        (
            _("Somebody wanted to use this e-mail address for an account at {service}, but there is one already."),
            _("If it was you, log in. If you have forgotten the password, you can set another one."),
        ),
        (_IGNORE,),
        _("Log in"),
        "/login",
    ),
    "reset_password": Letter(
        _("Set another password"),
        (_("Somebody has asked for another password for your account at {service}. If it was you, set one now."),),
        (_IGNORE, _("The password stays as it is until you set another one.")),
        _("Set another password"),
    ),
    "reset_by_operator": Letter(
        _("Please set another password"),
        (_("The people who run {service} ask you to set another password for your account."),),
        (),
        _("Set another password"),
    ),
    "password_changed": Letter(
        _("Your password was changed"),
        (_("The password of your account at {service} is another one now. Other sessions have ended."),),
        (_NOT_YOU,),
        _("Set another password"),
        "/forgot",
    ),
    "confirm_new_address": Letter(
        _("Confirm your new e-mail address"),
        (_("Somebody wants to use this e-mail address for an account at {service}. If it was you, confirm it."),),
        (_("If it was not you, do not confirm it. Nothing else has to be done."),),
        _("Confirm the address"),
    ),
    "address_change_requested": Letter(
        _("Your e-mail address is about to change"),
        (
            _("Somebody who was logged in to your account at {service} wants another e-mail address: {address}."),
            _("Nothing has changed yet."),
        ),
        (_("If it was not you, stop it: that ends all sessions, and you set another password."),),
        _("It was not me"),
    ),
    "address_changed": Letter(
        _("Your e-mail address was changed"),
        (_("Your account at {service} has another e-mail address now: {address}."),),
        (_("If it was not you, take it back: that ends all sessions, and you set another password."),),
        _("It was not me"),
    ),
    "address_restored": Letter(
        _("Your e-mail address is the old one again"),
        (
            _("A change of the e-mail address of your account at {service} was taken back. All sessions have ended."),
            _("Whoever wanted the change may know your password. It is not valid any more; set another one."),
        ),
        (),
        _("Set another password"),
    ),
    "new_device": Letter(
        _("A new device has logged in"),
        (_("Somebody has logged in to your account at {service} from a device or a network that is new."),),
        (_("If it was you, you need not do anything."), _NOT_YOU),
        _("Set another password"),
        "/forgot",
    ),
    "session_stolen": Letter(
        _("A session was ended for your safety"),
        (
            _("A credential of your account at {service} that was used up came back. Somebody may have copied it."),
            _("The session has ended. Log in again where you need it."),
        ),
        (),
        _("Log in"),
        "/login",
    ),
    "sign_in": Letter(
        _("Log in to {service}"),
        (_("Somebody wants to log in to your account at {service} without a password. If it was you, go on."),),
        (_IGNORE, _("Never tell anybody the code. Nobody who works for us asks for it.")),
        _("Log in"),
    ),
    "invitation": Letter(
        _("You are invited to {service}"),
        (_("An account was made for you at {service}. Choose a password to use it."),),
        (_("If you do not know what this is about, you need not do anything."),),
        _("Choose a password"),
    ),
    "account_deleted": Letter(
        _("Your account was deleted"),
        (_("Your account at {service} and what belonged to it have been deleted. This is the last mail about it."),),
    ),
    "test": Letter(
        _("A test from {service}"),
        (_("If you can read this, {service} can send mail."),),
    ),
}
"""Every letter by its name, which is what the queue remembers."""

FACTS: Final[dict[str, str]] = {
    "code": _("Or type this code where you were asked for it:"),
    "until": _("Valid until"),
    "at": _("When"),
    "device": _("Device"),
    "network": _("Network"),
    "unknown_device": _("unknown"),
    "paste": _("If the button does not work, copy this address into your browser:"),
    "footer": _("This mail was sent by {service} because of something that was done with your e-mail address."),
}
"""Words that several letters share."""
