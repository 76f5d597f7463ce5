"""What pages say about codes: problems, fields and notices, as texts that the catalogues translate.

Programs read codes and an English sentence for developers; people read these. A code that is not here (a host's own
rule for profiles) is shown with the detail that came with it.
"""

from collections.abc import Mapping
from typing import Final

from doorward.errors import FieldError, Problem
from doorward.settings import Settings
from doorward.web.form_token import FormExpired
from doorward.web.translation import translatable

FIELDS: Final[Mapping[str, str]] = {
    "required": translatable("Fill this in."),
    "too_long": translatable("This is too long."),
    "too_short": translatable("This is too short."),
    "wrong_type": translatable("This is not a value that can be used here."),
    "invalid_email": translatable("Enter an e-mail address like name@example.com."),
    "invalid_username": translatable(
        "Use 3 to 32 letters, digits, dots, hyphens or underscores, with a letter or digit at both ends."
    ),
    "password_too_short": translatable("Use at least %(min_length)s characters."),
    "password_too_long": translatable("Use at most %(max_length)s characters."),
    "password_too_common": translatable(
        "This password is easy to guess. Try a few words that have nothing to do with each other."
    ),
    "password_too_similar": translatable(
        "This password is too close to your name, your address or the name of this service."
    ),
    "password_breached": translatable("This password is known from a data breach. Choose another one."),
}

PROBLEMS: Final[Mapping[str, tuple[str, str]]] = {
    "malformed_request": (
        translatable("That did not arrive in one piece"),
        translatable("Go back, reload the page and try again."),
    ),
    "invalid_request": (
        translatable("That did not arrive in one piece"),
        translatable("Go back, reload the page and try again."),
    ),
    "body_too_large": (translatable("That is too much"), translatable("What was sent is longer than allowed.")),
    "invalid_credentials": (
        translatable("That did not match"),
        translatable("The e-mail address or username and the password do not belong together. Try again."),
    ),
    "invalid_token": (
        translatable("Please log in"),
        translatable("This page is only shown to people who are logged in."),
    ),
    "session_ended": (translatable("Please log in"), translatable("Your session has ended.")),
    "reauthentication_required": (
        translatable("Please log in again"),
        translatable("This needs a fresh log-in."),
    ),
    "account_disabled": (
        translatable("This account is disabled"),
        translatable("Ask the people who run this service."),
    ),
    "email_not_verified": (
        translatable("Confirm your e-mail address first"),
        translatable("Follow the link in the mail that was sent to you when you registered."),
    ),
    "insufficient_scope": (
        translatable("This is not for you"),
        translatable("Your account is not allowed to see this page."),
    ),
    "registration_closed": (
        translatable("Registration is closed"),
        translatable("Ask the people who run this service for an account."),
    ),
    "cross_site_request": (
        translatable("This came from somewhere else"),
        translatable("For your safety, forms are only taken from this site itself. Reload the page and try again."),
    ),
    "not_found": (
        translatable("There is nothing here"),
        translatable("The page has moved, or it never existed. Check the address."),
    ),
    "method_not_allowed": (
        translatable("This page cannot be opened like that"),
        translatable("Go back and use the form or the link there."),
    ),
    "login_taken": (
        translatable("This is taken"),
        translatable("Another account uses this e-mail address or username."),
    ),
    "challenge_invalid": (
        translatable("That does not work any more"),
        translatable("The link or code is unknown, used up or too old. Ask for another mail."),
    ),
    "mail_unavailable": (
        translatable("No mail can be sent"),
        translatable("This service is not set up to send mail. Ask the people who run it."),
    ),
    "invalid_fields": (
        translatable("Something needs your attention"),
        translatable("Look at the fields that are marked."),
    ),
    "too_many_attempts": (
        translatable("Too many attempts"),
        translatable("Wait a while before you try again."),
    ),
    "overloaded": (translatable("Very busy right now"), translatable("Try again in a moment.")),
    "storage_unavailable": (
        translatable("Not available right now"),
        translatable("Nothing has been changed. Try again in a moment."),
    ),
    "internal_error": (
        translatable("Something went wrong on our side"),
        translatable("It has been noted. If it happens again, tell us the number below."),
    ),
}

FORM_EXPIRED: Final = (
    translatable("This form was too old"),
    translatable("Nothing has been changed. Check what is filled in and send it again."),
)

ONE_MORE_STEP: Final = translatable("There have been many attempts lately, so this one needs one more step.")
"""What is said about ``too_many_attempts`` where a challenge opens the way."""

NOTICES: Final[Mapping[str, str]] = {
    "profile_saved": translatable("Your profile has been saved."),
    "password_changed": translatable("Your password has been changed. All your other sessions have ended."),
    "session_ended": translatable("That session has ended."),
    "sessions_ended": translatable("All your other sessions have ended."),
    "registered": translatable("Your account is ready. Please log in."),
    "welcome": translatable("Your account is ready. Welcome!"),
    "address_confirmed": translatable("Your e-mail address is confirmed. You can log in now."),
    "mail_sent": translatable("The mail is on its way."),
    "change_undone": translatable("The change was taken back. We have sent you a mail to set another password."),
    "password_set": translatable("Your new password is set. You can log in now."),
    "account_deleted": translatable("Your account is deleted."),
    "draft": translatable("Your session had ended. What you had typed is filled in; nothing has been saved yet."),
}


def of_field(error: FieldError, settings: Settings) -> tuple[str, Mapping[str, object]]:
    """Return the text for one field's error, still to be translated, and the values to put into it, if any."""
    if error.code not in FIELDS:
        return error.detail, {}
    passwords = settings.passwords
    return FIELDS[error.code], {"min_length": passwords.min_length, "max_length": passwords.max_length}


def of_problem(problem: Problem) -> tuple[str, str]:
    """Return headline and text for a problem, still to be translated."""
    if isinstance(problem, FormExpired):
        return FORM_EXPIRED
    return PROBLEMS.get(problem.code, (problem.title, problem.detail))
