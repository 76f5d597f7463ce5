"""Letting tries pass, before anything is hashed: counted and decided by one statement, in SQL, for all nodes together.

Limits live in the core and not in the routes: whoever calls in process is counted too (Zitadel CVE-2025-64102), unless
there is no network to count by. When the storage fails, nothing passes.
"""

from collections.abc import Sequence

from doorward.challenges.flows import Challenges
from doorward.core.source import Source
from doorward.db import GuardFailed, Row, Statement
from doorward.errors import TooManyAttempts
from doorward.foundation import Flows, Foundation
from doorward.limits import model, store
from doorward.limits.devices import Devices
from doorward.limits.model import Attempt, Bucket


class Limiter(Flows):
    """Counts tries in layers, and offers a challenge where an answer would open the door."""

    def __init__(self, foundation: Foundation, *, challenges: Challenges) -> None:
        """Take what is needed."""
        super().__init__(foundation)
        self._rules = foundation.settings.limits
        self._challenges = challenges
        self._devices = Devices(foundation)

    # -- what is tried -----------------------------------------------------------------------------------------------

    def log_in(self, name: str, source: Source, *, device: bytes | None) -> Attempt:
        """Describe a log-in. ``name`` is the key of what was typed, whether there is such an account or not."""
        if device is None:
            return model.stranger(name, source, self._rules)
        return model.acquaintance(device.hex(), name, source, self._rules)

    def confirmation(self, account_id: str, source: Source) -> Attempt:
        """Describe the proof of a password by somebody who is signed in: strangers have no part in its count."""
        return model.acquaintance(account_id, account_id, source, self._rules)

    def registration(self, source: Source) -> Attempt:
        """Describe a registration."""
        return model.registration(source, self._rules)

    def recovery(self, login: str, source: Source) -> Attempt:
        """Describe a request for a mail that gives access back. ``login`` is the key of what was typed."""
        return model.recovery(login, source, self._rules)

    def network(self, network: str) -> Bucket:
        """What is counted for a network."""
        return model.network(network, self._rules)

    def questions(self, network: str) -> Bucket:
        """What is counted for a network that asks about passwords, as a form does at every pause in typing."""
        return model.question(network, self._rules)

    def service_keys(self, network: str) -> Bucket:
        """What is counted for a network that shows wrong service keys."""
        return model.service_key(network, self._rules)

    # -- who is known ------------------------------------------------------------------------------------------------

    def recognise(self, source: Source, account_id: str | None, *, version: int) -> bytes | None:
        """Return the id of the device if the account knows it, by the token that its last log-in left behind.

        ``version`` is that of the account's password. Where there is no account the same work is done for nothing.
        """
        return self._devices.recognise(source.device, account_id, version=version)

    def device_token(self, account_id: str, *, version: int, device: bytes | None) -> str:
        """Write what a log-in leaves behind: for the device that was recognised, or for a new one."""
        return self._devices.token(account_id, version=version, device=device)

    # -- whether it passes -------------------------------------------------------------------------------------------

    async def admit(self, attempt: Attempt, *first: Statement) -> list[list[Row]]:
        """Count a try in all its layers, in one write with ``first``, and return what those statements returned.

        Raises :class:`TooManyAttempts` when a layer is full; nothing is counted then, and ``first`` has not happened.
        With an answer to a challenge in ``attempt.source.proof``, layers that ask for one let it pass, once.
        """
        source = attempt.source
        spend = await self._challenges.take(source.proof, attempt.bound_to, network=source.network)
        try:
            try:
                return await self._write(attempt, first, spend)
            except GuardFailed as failed:
                if not spend or failed.index != len(first):
                    raise
                spend = None  # it had been spent already, so it is as good as none
                return await self._write(attempt, first, spend)
        except GuardFailed:
            raise await self._refusal(attempt, proved=spend is not None) from None

    async def count(self, *buckets: Bucket) -> None:
        """Count one try in buckets that know no challenge. Raises :class:`TooManyAttempts`."""
        await self.admit(Attempt("", "", Source(), buckets))

    # -- what follows ------------------------------------------------------------------------------------------------

    def forgiving(self, attempt: Attempt) -> list[Statement]:
        """Make the statements for the write of a success: a login is forgiven all tries, what others share one.

        A success is nothing to hold against an office or a campus.
        """
        return [store.give_back(attempt.buckets, whole=True, now=self._clock())] if attempt.buckets else []

    def giving_back(self, attempt: Attempt) -> list[Statement]:
        """Make the statements for a try that came to nothing because the server was busy: it was none."""
        return [store.give_back(attempt.buckets, whole=False, now=self._clock())] if attempt.buckets else []

    def clean_up(self, *, now: int) -> Statement:
        """Make the statement that forgets what is counted no more."""
        return store.forget(now=now)

    async def _write(
        self, attempt: Attempt, first: Sequence[Statement], spend: list[Statement] | None
    ) -> list[list[Row]]:
        statements = [*first, *(spend or ())]
        if attempt.buckets:
            statements.append(store.count(attempt.buckets, proved=spend is not None, now=self._clock()))
        return (await self._database.write(*statements))[: len(first)] if statements else []

    async def _refusal(self, attempt: Attempt, *, proved: bool) -> TooManyAttempts:
        counts = await store.read(self._database, attempt.buckets)
        refusal = model.explain(attempt, counts, proved=proved, now=self._clock())
        members: dict[str, object] = {}
        if refusal.level is not None:
            members["challenge"] = self._challenges.present(attempt.bound_to, level=refusal.level)
        return TooManyAttempts("limit reached", retry_after=refusal.retry_after, members=members)
