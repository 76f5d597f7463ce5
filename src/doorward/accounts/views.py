"""An account as answers show it, here and wherever somebody has just logged in."""

from typing import Any

from msgspec import Struct

from doorward.accounts.model import Account
from doorward.core.clock import rfc3339


class AccountView(Struct):
    """An account as its owner sees it."""

    id: str
    email: str
    email_verified: bool
    username: str | None
    profile: dict[str, Any]
    roles: list[str]
    created_at: str

    @classmethod
    def of(cls, account: Account) -> "AccountView":
        """Show an account."""
        return cls(
            id=account.id,
            email=account.email,
            email_verified=account.email_verified,
            username=account.username,
            profile=account.profile,
            roles=list(account.roles),
            created_at=rfc3339(account.created_at),
        )


class AccountAnswer(Struct):
    """``{account}``."""

    account: AccountView
