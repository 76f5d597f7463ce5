"""The pages of one instance, put together: what ``app.py`` asks for in one line.

A slice with pages adds its ``pages.py`` here, its package to ``features.TEMPLATE_PACKAGES``, and what it shows about
somebody's account to :data:`SECTIONS`.
"""

from typing import Final

from doorward.accounts import pages as account_pages
from doorward.features import TEMPLATE_PACKAGES
from doorward.foundation import Foundation
from doorward.gate import Gate
from doorward.life import PAGE_TEMPLATES, Life
from doorward.passwords import pages as password_pages
from doorward.sessions import pages as session_pages
from doorward.web.pages import Pages
from doorward.web.rendering import TEMPLATES
from doorward.web.routing import Operation
from doorward.web.translation import translatable

SECTIONS: Final = (
    ("/account", translatable("Profile")),
    ("/account/password", translatable("Password")),
    ("/account/email", translatable("E-mail address")),
    ("/account/sessions", translatable("Sessions")),
    ("/account/leave", translatable("Your data")),
)
"""The pages about one's own account, in the order in which they are shown."""

VARIABLES: Final = {
    **TEMPLATES,
    **account_pages.TEMPLATES,
    **password_pages.TEMPLATES,
    **session_pages.TEMPLATES,
    **PAGE_TEMPLATES,
}
"""Every template with the variables that it gets beside those that all get."""


def open_pages(foundation: Foundation, *, gate: Gate) -> Pages:
    """Build what all pages have in common. Raises :class:`Misconfigured` for templates that cannot work."""
    return Pages(
        foundation.settings,
        ring=foundation.ring,
        entropy=foundation.entropy,
        gate=gate,
        clock=foundation.clock,
        packages=TEMPLATE_PACKAGES,
        sections=SECTIONS,
        variables=VARIABLES,
    )


def operations(
    pages: Pages,
    foundation: Foundation,
    *,
    gate: Gate,
    life: Life,
) -> list[Operation]:
    """List every page."""
    accounts, passwords, sessions = life.accounts, life.passwords, life.sessions
    may_register = foundation.settings.accounts.registration == "open"
    return [
        *pages.operations(),
        *password_pages.PasswordPages(
            pages, gate=gate, accounts=accounts, passwords=passwords, sessions=sessions, may_register=may_register
        ).operations(),
        *account_pages.AccountPages(
            pages,
            gate=gate,
            accounts=accounts,
            passwords=passwords,
            sessions=sessions,
            may_register=may_register,
            registration=None if foundation.settings.accounts.email_verification == "off" else life.registration,
        ).operations(),
        *life.pages(pages, gate),
        *session_pages.SessionPages(pages, gate=gate, sessions=sessions, clock=foundation.clock).operations(),
    ]
