"""A simulated attack: ``make simulate-attack``. How many guesses reach a hash, and how many owners are kept out.

Everything is real but the hash, which takes no time, the clock, which runs as fast as the guesses come, and the work of
challenges, which is paid and not done. The attack runs in process against one instance on SQLite, with the default
limits. Owners log in all the while: from a device that the account knows, and from one that it does not, each from an
address of their own. An owner who is asked to do some work does it; one who is told to wait is *kept out* as long as
that takes; one who hears ``invalid_credentials`` in spite of the right password needs the way back by mail.
"""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from doorward.app import Doorward
from doorward.challenges.model import PARTS, SEPARATOR
from doorward.core.secret import Secret
from doorward.core.source import Source
from doorward.errors import InvalidCredentials, TooManyAttempts
from doorward.hooks import SignInRefused
from doorward.settings import Accounts, Challenges, Passwords, Settings
from tests.support.quick import QuickHasher

PASSWORD: Final = "correct horse battery staple"
START: Final = 1_800_000_000
AT_ONCE: Final = 200
"""Guesses that are under way together."""

Guess = tuple[int, str]
"""Which account, and from which address."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the attack is. ``seconds`` is how long it takes by the clock of the instance."""

    accounts: int = 1000
    addresses: int = 10_000
    guesses: int = 100_000
    seconds: int = 6 * 3600
    owners: int = 1000
    """Log-ins of owners with each kind of device during the attack."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How the attackers go about it."""

    name: str
    guesses: Callable[[Scale], Iterator[Guess]]
    works: bool = False
    """Whether they answer challenges."""


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    strategy: str
    sent: int = 0
    hashed: int = 0
    tested: int = 0
    """Guesses that would have succeeded if they had been right; of those beyond the bound none would."""
    most_tested: int = 0
    """Such guesses at the account that had the most."""
    work: int = 0
    """Hashes of SHA-256 that answering challenges would have cost the attackers, on average."""
    known: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    took: float = 0.0


class PaidWork:
    """A provider of challenges for whom the word is enough; what the real one would cost is added up."""

    name = "paid"

    def __init__(self) -> None:
        """Begin with nothing paid."""
        self.hashes = 0

    def present(self, *, token: str, level: int) -> Mapping[str, object]:  # noqa: ARG002 - the protocol's
        """Show nothing more."""
        return {}

    async def verify(self, answer: str, *, token: str, level: int, network: str) -> bool:  # noqa: ARG002
        """Take the word for the work."""
        if answer == "attacker":
            self.hashes += PARTS << (Challenges().difficulty + level)
        return True


class Town:
    """The instance, its accounts, and everybody who knocks."""

    def __init__(self, auth: Doorward, clock: "Clock", provider: PaidWork, accounts: int) -> None:
        """Take an open instance."""
        self.auth = auth
        self.clock = clock
        self.provider = provider
        self.accounts = accounts
        self.devices: dict[int, str] = {}
        self.tested: Counter[str] = Counter()
        auth.events.subscribe(SignInRefused, self._note)

    def _note(self, event: SignInRefused) -> None:
        if event.why == "wrong password":
            self.tested[event.account_id or ""] += 1

    async def settle(self) -> None:
        """Register everybody, each with one device that their account knows."""
        for number in range(self.accounts):
            source = Source.of(owner_address(number), "", "")
            await self.auth.accounts.register(email=email(number), password=PASSWORD)
            entered = await self.auth.passwords.log_in(login=email(number), password=PASSWORD, source=source)
            self.devices[number] = entered.device

    async def guess(self, number: int, address: str, *, works: bool, serial: int) -> None:
        """Try a wrong password once; answer the challenge if that is the way of the attackers."""
        source = Source.of(address, "", "")
        with contextlib.suppress(InvalidCredentials, TooManyAttempts):
            await self._enter(number, f"guess {serial}", source, answer="attacker" if works else None)

    async def owner(self, number: int, *, known: bool, address: str) -> str:
        """Log in as the owner, and say how it went."""
        source = Source.of(address, "", "", device=self.devices[number] if known else "")
        try:
            return await self._enter(number, PASSWORD, source, answer="owner")
        except TooManyAttempts as refused:
            return f"told to wait {refused.retry_after} s"
        except InvalidCredentials:
            return "needs the mail"

    async def _enter(self, number: int, password: str, source: Source, *, answer: str | None) -> str:
        try:
            await self.auth.passwords.log_in(login=email(number), password=password, source=source)
        except TooManyAttempts as refused:
            challenge = refused.members.get("challenge")
            if answer is None or not isinstance(challenge, dict):
                raise
            proved = replace(source, proof=f"{challenge['token']}{SEPARATOR}{answer}")
            await self.auth.passwords.log_in(login=email(number), password=password, source=proved)
            return "in after some work"
        return "in at once"


class Clock:
    """Runs when it is told to."""

    def __init__(self) -> None:
        """Begin."""
        self.now = START

    def __call__(self) -> int:
        """Tell the time."""
        return self.now


@contextlib.asynccontextmanager
async def town(folder: Path, accounts: int) -> AsyncIterator[Town]:
    """Open an instance with the default limits and its accounts."""
    settings = Settings(
        origin="https://auth.example.test",
        data_dir=folder,
        secret=(Secret(secrets.token_urlsafe(32)),),
        accounts=Accounts(email_verification="off"),
        passwords=Passwords(hash_threads=1, hash_queue=10 * AT_ONCE, min_strength=0),
    )
    clock, provider = Clock(), PaidWork()
    auth = Doorward(settings, clock=clock, challenge_provider=provider)
    auth.pool.hasher = QuickHasher(settings.passwords)
    async with auth.lifespan():
        place = Town(auth, clock, provider, accounts)
        await place.settle()
        yield place


async def simulate(strategy: Strategy, scale: Scale, folder: Path) -> Outcome:
    """Run one strategy against a fresh instance."""
    outcome = Outcome(strategy.name)
    async with town(folder, scale.accounts) as place:
        begun, hashed = time.perf_counter(), place.auth.pool.performed
        guesses = strategy.guesses(scale)
        rounds = -(-scale.guesses // AT_ONCE)
        for number in range(rounds):
            batch = list(islice(guesses, min(AT_ONCE, scale.guesses - outcome.sent)))
            place.clock.now = START + 60 + number * scale.seconds // rounds
            serials = range(outcome.sent, outcome.sent + len(batch))
            await asyncio.gather(
                *(
                    place.guess(account, address, works=strategy.works, serial=serial)
                    for serial, (account, address) in zip(serials, batch, strict=True)
                )
            )
            outcome.sent += len(batch)
            outcome.hashed += place.auth.pool.performed - hashed
            await _let_owners_in(place, scale, outcome, number, rounds)
            hashed = place.auth.pool.performed
        outcome.tested = sum(place.tested.values())
        outcome.most_tested = max(place.tested.values(), default=0)
        outcome.work = place.provider.hashes
        outcome.took = time.perf_counter() - begun
    return outcome


async def _let_owners_in(place: Town, scale: Scale, outcome: Outcome, number: int, rounds: int) -> None:
    """Let this round's share of the owners log in, from the strange device first: its success would help it."""
    for owner in range(number * scale.owners // rounds, (number + 1) * scale.owners // rounds):
        account = owner % scale.accounts
        elsewhere = f"198.19.{account // 250}.{account % 250}"
        outcome.unknown[await place.owner(account, known=False, address=elsewhere)] += 1
        outcome.known[await place.owner(account, known=True, address=owner_address(account))] += 1


# -- strategies --------------------------------------------------------------------------------------------------------


def spray(scale: Scale) -> Iterator[Guess]:
    """Every address at every account in turn."""
    for number in range(scale.guesses):
        yield number % scale.accounts, bot_address(number % scale.addresses)


def focused(scale: Scale) -> Iterator[Guess]:
    """All addresses at ten accounts."""
    for number in range(scale.guesses):
        yield number % 10, bot_address(number % scale.addresses)


def lock_out(scale: Scale) -> Iterator[Guess]:
    """One stranger, in the network of the owner, who wants to keep one owner out."""
    for _ in range(scale.guesses):
        yield 0, owner_address(0)


def rotation(scale: Scale) -> Iterator[Guess]:
    """One subscriber with an IPv6 /48, another /64 for each guess, at all accounts."""
    for number in range(scale.guesses):
        yield number % scale.accounts, f"2001:db8:1:{number % 65536:x}::{number:x}"


STRATEGIES: Final = (
    Strategy("spray", spray),
    Strategy("spray, and do the work", spray, works=True),
    Strategy("ten accounts", focused),
    Strategy("ten accounts, and do the work", focused, works=True),
    Strategy("lock one owner out", lock_out),
    Strategy("IPv6 rotation in a /48", rotation),
)


def email(number: int) -> str:
    """Name an account."""
    return f"person-{number}@example.com"


def owner_address(number: int) -> str:
    """Return where an owner lives."""
    return f"198.18.{number // 250}.{number % 250}"


def bot_address(number: int) -> str:
    """Return an address of the attackers: eight in each /24."""
    return f"10.{number // 8 // 250}.{number // 8 % 250}.{number % 8}"


# -- telling -----------------------------------------------------------------------------------------------------------


def tell(outcome: Outcome) -> str:
    """Write what came of it, in a few lines."""

    def owners(counts: Counter[str]) -> str:
        waits = sum(number for how, number in counts.items() if how.startswith("told"))
        listed = [f"{counts[how]} {how}" for how in ("in at once", "in after some work", "needs the mail")]
        return ", ".join([*listed, f"{waits} told to wait"])

    tested = f"{outcome.tested} tested a password, at most {outcome.most_tested} at one account"
    return "\n".join(
        [
            f"{outcome.strategy}: {outcome.sent} guesses, {outcome.hashed} hashed, {tested} ({outcome.took:.0f} s)",
            f"    owners, known device:   {owners(outcome.known)}",
            f"    owners, unknown device: {owners(outcome.unknown)}",
            *([f"    work of the attackers:  {outcome.work:.2e} hashes of SHA-256"] if outcome.work else []),
        ]
    )


def main(names: list[str]) -> int:
    """Run the named strategies, or all of them, at full scale and print what came of them."""
    for strategy in STRATEGIES:
        if names and strategy.name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="doorward-attack-", dir=_memory()) as folder:
            print(tell(asyncio.run(simulate(strategy, Scale(), Path(folder)))), flush=True)
    return 0


def _memory() -> str | None:
    """Return a folder that lives in memory: durability is not what is measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
