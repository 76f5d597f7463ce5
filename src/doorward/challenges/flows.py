"""Setting challenges and taking answers. Nothing is stored before an answer comes, and then only that it was spent."""

import asyncio
import logging
from typing import Any, Final

from doorward.challenges import store
from doorward.challenges.model import (
    MAX_PROOF,
    PREFIX,
    RANDOM_BYTES,
    REMEMBERED,
    VALIDITY,
    Challenge,
    is_due,
    take_apart,
    waiting_time,
)
from doorward.challenges.provider import ChallengeProvider, ProofOfWork
from doorward.core.opaque import seal, unseal
from doorward.db import GuardFailed, Statement
from doorward.foundation import Flows, Foundation

SCRIPT_PATH: Final = "/challenge/solve.js"
"""What a page of ours loads to answer; see ``static/solve.js``."""
WORKER_PATH: Final = "/challenge/worker.js"

_log = logging.getLogger("doorward.challenges")


class Challenges(Flows):
    """Challenges of one instance."""

    def __init__(self, foundation: Foundation, *, provider: ChallengeProvider | None = None) -> None:
        """Take what is needed; without a provider the challenge is our own proof of work."""
        super().__init__(foundation)
        self._rules = foundation.settings.challenges
        self._provider = provider or ProofOfWork(self._rules)
        self._asks_others = provider is not None

    def present(self, bound_to: bytes, *, level: int) -> dict[str, Any]:
        """Make a challenge of a level, as a caller is shown it: the member ``challenge`` of ``too_many_attempts``."""
        challenge = Challenge.new(level=level, chance=self._entropy(RANDOM_BYTES), now=self._clock())
        token = seal(self._ring, PREFIX, challenge.sealed, bound_to=bound_to)
        wait = waiting_time(challenge.level)
        return {
            "provider": self._provider.name,
            "token": token,
            **self._provider.present(token=token, level=challenge.level),
            **({"wait": wait} if self._rules.waiting else {}),
            "expires_in": wait + VALIDITY,
        }

    async def take(self, proof: str, bound_to: bytes, *, network: str) -> list[Statement] | None:
        """Judge an answer; return what spends it, one guarded statement or none, or ``None`` for a worthless one.

        Everything that is wrong is the same to the caller, who gets another challenge. Put the statement into the
        write of what the answer opens: of many who send it at once, one gets through. An answer that others judge is
        spent before they are asked, right or wrong, so that nobody can make us ask them twice about one challenge.
        """
        if not proof or len(proof) > MAX_PROOF:
            return None
        token, answer = take_apart(proof)
        opaque = unseal(self._ring, PREFIX, token, bound_to=bound_to)
        if opaque is None:
            return None
        challenge = Challenge.of(opaque)
        if not is_due(challenge, waited=answer is None, now=self._clock()):
            return None
        spend = store.spend(challenge.handle, forget_at=challenge.expires_at + REMEMBERED)
        if answer is None:
            return [spend] if self._rules.waiting else None
        rest = [spend]
        if self._asks_others:
            try:
                await self._database.write(spend)
            except GuardFailed:
                return None
            rest = []
        right = await self._judge(answer, token=token, level=challenge.level, network=network)
        return rest if right else None

    async def _judge(self, answer: str, *, token: str, level: int, network: str) -> bool:
        try:
            async with asyncio.timeout(self._rules.timeout):
                return await self._provider.verify(answer, token=token, level=level, network=network) is True
        except Exception:
            _log.exception("the provider of challenges failed; answers count as %s", self._rules.on_failure)
            return self._rules.on_failure == "open"

    def clean_up(self) -> Statement:
        """Make the statement that forgets spent answers."""
        return store.forget(now=self._clock())
