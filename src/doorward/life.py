"""The life of an account, put together: from the first mail to the last one.

The parts are slices of their own; this module only says which needs which, and what is held about an account.
"""

from collections.abc import Mapping
from typing import Final

from doorward.accounts import address_pages, leaving_pages
from doorward.accounts import routes as account_routes
from doorward.accounts.address_pages import AddressPages
from doorward.accounts.addresses import Addresses
from doorward.accounts.flows import Accounts
from doorward.accounts.leaving import Holding, Leaving
from doorward.accounts.leaving_pages import LeavingPages
from doorward.accounts.registration import Registration
from doorward.accounts.routes import LifecycleRoutes
from doorward.audit.flows import Audit
from doorward.confirm import Confirm
from doorward.db import Statement
from doorward.foundation import Foundation
from doorward.gate import Gate
from doorward.limits.flows import Limiter
from doorward.mail import routes as mail_routes
from doorward.mail.choosing import choose_mailer
from doorward.mail.delivery import Delivery
from doorward.mail.flows import Outbox
from doorward.mail.mailer import Mailer
from doorward.passwords import recovery_pages
from doorward.passwords.flows import Passwords
from doorward.passwords.recovery import Recovery
from doorward.passwords.recovery_pages import RecoveryPages
from doorward.passwords.routes import RecoveryRoutes
from doorward.sessions.flows import Sessions
from doorward.sign_in_links import pages as sign_in_pages
from doorward.sign_in_links.flows import SignInLinks
from doorward.sign_in_links.pages import SignInLinkPages
from doorward.sign_in_links.routes import SignInLinkRoutes
from doorward.tokens.flows import Tokens
from doorward.verification.flows import Challenges
from doorward.web.pages import Pages
from doorward.web.routing import Operation
from doorward.webhooks.flows import Webhooks

PAGE_TEMPLATES: Final[Mapping[str, frozenset[str]]] = {
    **address_pages.TEMPLATES,
    **leaving_pages.TEMPLATES,
    **recovery_pages.TEMPLATES,
    **sign_in_pages.TEMPLATES,
}
"""The templates of all these pages, with the variables that each gets."""


def open_outbox(foundation: Foundation, mailer: Mailer | None) -> Outbox:
    """Make the outbox with the mailer that the settings ask for. Raises :class:`Misconfigured` where none fits."""
    return Outbox(foundation, mailer=choose_mailer(foundation.settings, mailer))


class Life:
    """What happens to an account between registration and deletion."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        tokens: Tokens,
        limiter: Limiter,
        outbox: Outbox,
        audit: Audit,
        webhooks: Webhooks,
    ) -> None:
        """Put the parts together."""
        self._settings = foundation.settings
        self.accounts = accounts
        self.passwords = passwords
        self.sessions = sessions
        self._outbox = outbox
        self.challenges = Challenges(foundation, outbox=outbox, limiter=limiter)
        self.delivery = Delivery(foundation, mailer=outbox.mailer, reveal=self.challenges.reveal)
        self.registration = Registration(
            foundation, accounts=accounts, passwords=passwords, challenges=self.challenges, outbox=outbox
        )
        self.leaving = Leaving(
            foundation,
            accounts=accounts,
            sessions=sessions,
            passwords=passwords,
            outbox=outbox,
            audit=audit,
            telling=webhooks.telling,
            holdings=(
                Holding("password", passwords.export),
                Holding("sessions", sessions.export),
                Holding("challenges", self.challenges.export, lambda account_id: [self.challenges.erasing(account_id)]),
                Holding("mails", outbox.of_account, lambda account_id: [outbox.erasing(account_id)]),
                Holding("trail", audit.export),
            ),
        )
        self.addresses = Addresses(
            foundation,
            accounts=accounts,
            sessions=sessions,
            passwords=passwords,
            challenges=self.challenges,
            outbox=outbox,
            leaving=self.leaving,
        )
        self.recovery = Recovery(
            foundation,
            accounts=accounts,
            passwords=passwords,
            sessions=sessions,
            challenges=self.challenges,
            outbox=outbox,
        )
        self.sign_in_links = SignInLinks(
            foundation,
            passwords=passwords,
            sessions=sessions,
            tokens=tokens,
            limiter=limiter,
            challenges=self.challenges,
        )

    def clean_up(self, *, now: int) -> list[Statement]:
        """Make the statements that forget mails and challenges that are long over."""
        return [self._outbox.clean_up(now=now), self.challenges.clean_up(now=now)]

    def pages(self, pages: Pages, gate: Gate) -> list[Operation]:
        """List every page of an account's life."""
        confirm = Confirm(gate=gate, passwords=self.passwords, sessions=self.sessions)
        return [
            *AddressPages(
                pages, gate=gate, accounts=self.accounts, addresses=self.addresses, confirm=confirm
            ).operations(),
            *LeavingPages(pages, gate=gate, leaving=self.leaving, confirm=confirm).operations(),
            *RecoveryPages(pages, recovery=self.recovery).operations(),
            *SignInLinkPages(pages, gate=gate, links=self.sign_in_links, sessions=self.sessions).operations(),
        ]

    def operations(self, gate: Gate) -> list[Operation]:
        """List every operation of an account's life."""
        return [
            *account_routes.operations(
                accounts=self.accounts, registration=self.registration, gate=gate, settings=self._settings
            ),
            *LifecycleRoutes(addresses=self.addresses, leaving=self.leaving, gate=gate).operations(),
            *RecoveryRoutes(recovery=self.recovery).operations(),
            *SignInLinkRoutes(
                links=self.sign_in_links, sessions=self.sessions, gate=gate, settings=self._settings
            ).operations(),
            *mail_routes.operations(self._outbox.mailer, self._settings),
        ]
