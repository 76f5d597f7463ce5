"""The slices that make up the server, in the order in which their tables build on each other.

Adding a feature means a folder of its own and a line here.
"""

from typing import Final

MIGRATION_PACKAGES: Final = (
    "doorward.accounts",
    "doorward.passwords",
    "doorward.sessions",
    "doorward.tokens",
    "doorward.revocation",
    "doorward.web",
    "doorward.limits",
    "doorward.challenges",
    "doorward.audit",
    "doorward.mail",
    "doorward.verification",
    "doorward.services",
    "doorward.status_lists",
    "doorward.webhooks",
    "doorward.importing",
)
"""Packages with a folder ``migrations``; their numbers are one sequence."""

TEMPLATE_PACKAGES: Final = (
    "doorward.web",
    "doorward.accounts",
    "doorward.passwords",
    "doorward.sessions",
    "doorward.sign_in_links",
)
"""Packages with a folder ``templates``. Names are one namespace, in which an operator's templates replace ours."""
