"""A host with rules of its own: who may register, who may log in when, and what tokens say.

    doorward init && doorward serve --app main:app

Each gate is a plain function. What it refuses is answered with ``refused_by_policy`` and is in the audit trail.
"""

from dataclasses import dataclass, field

from doorward import Doorward, Settings
from doorward.gates import BeforeLogin, BeforePasswordChange, BeforeRegistration, ClaimsForToken, Refusal


@dataclass
class Policy:
    """The rules of a company; a real one reads them from its own database."""

    domain: str = "example.test"
    closed: bool = False
    plans: dict[str, str] = field(default_factory=dict)
    shared_accounts: frozenset[str] = frozenset()

    def only_colleagues(self, question: BeforeRegistration) -> Refusal | None:
        """Nobody from outside registers."""
        if question.email.casefold().endswith(f"@{self.domain}"):
            return None
        return Refusal(f"Register with your address at {self.domain}.", reason="wrong_domain")

    async def only_when_open(self, question: BeforeLogin) -> Refusal | None:
        """During maintenance only operators log in."""
        if not self.closed or "operator" in question.roles:
            return None
        return Refusal("We are back in an hour.", reason="maintenance")

    def only_ones_own(self, question: BeforePasswordChange) -> Refusal | None:
        """The password of a shared account is changed by the operators."""
        if question.account_id in self.shared_accounts:
            return Refusal("Ask the operators to change this password.", reason="shared_account")
        return None

    async def plan(self, question: ClaimsForToken) -> dict[str, str]:
        """Services behind see which plan an account has."""
        return {"https://example.test/plan": self.plans.get(question.account_id, "free")}


def build(settings: Settings, policy: Policy) -> Doorward:
    """Make an instance that keeps to a policy."""
    auth = Doorward(settings)
    auth.gates.add(BeforeRegistration, policy.only_colleagues)
    auth.gates.add(BeforeLogin, policy.only_when_open)
    auth.gates.add(BeforePasswordChange, policy.only_ones_own)
    auth.gates.add(ClaimsForToken, policy.plan)
    return auth


def __getattr__(name: str) -> Doorward:
    """Make the application when a server asks for it."""
    if name == "app":
        return build(Settings.load(), Policy())
    raise AttributeError(name)
