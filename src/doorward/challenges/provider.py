"""Who sets and judges challenges: our own proof of work, or a service that the host has plugged in.

    auth = Doorward(settings, challenge_provider=MyCaptcha(site_key, secret))

A provider never decides by itself: the token around its answer is ours, so an answer is bound to purpose, network and
login and counts once, whatever the service says.
"""

from collections.abc import Mapping
from typing import Protocol

from doorward.challenges.model import PARTS, is_solved
from doorward.settings import Challenges


class ChallengeProvider(Protocol):
    """What a host writes to ask for something else than work, a picture puzzle for example."""

    @property
    def name(self) -> str:
        """What the client reads in ``challenge.provider``, to know what to show."""
        ...

    def present(self, *, token: str, level: int) -> Mapping[str, object]:
        """Return further members for ``challenge``, a site key for example. ``level`` is 0 to 7, the hardest."""
        ...

    async def verify(self, answer: str, *, token: str, level: int, network: str) -> bool:
        """Tell whether the answer is right. ``network`` is that of the caller, such as ``203.0.113.7/32``.

        It is given ``challenges.timeout`` seconds; what it raises counts by ``challenges.on_failure``.
        """
        ...


class ProofOfWork:
    """The built-in provider: SHA-256, no service, no picture, nothing that follows people about."""

    name = "proof-of-work"

    def __init__(self, settings: Challenges) -> None:
        """Take the difficulty."""
        self._settings = settings

    def bits(self, level: int) -> int:
        """Say how many zero bits a level asks for."""
        return self._settings.difficulty + level

    def present(self, *, token: str, level: int) -> Mapping[str, object]:  # noqa: ARG002 - the protocol's
        """Tell how much work it is."""
        return {"bits": self.bits(level), "parts": PARTS}

    async def verify(self, answer: str, *, token: str, level: int, network: str) -> bool:  # noqa: ARG002
        """Check the work: eight hashes."""
        return is_solved(token, answer, bits=self.bits(level))
