"""Setting challenges and taking answers, on both engines."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from doorward.challenges.flows import Challenges
from doorward.challenges.model import SEPARATOR, VALIDITY, solve
from doorward.db import Database, GuardFailed
from doorward.settings import Challenges as Rules
from doorward.settings import Settings
from tests.limits.limiters import foundation_for
from tests.support.house import FakeClock

BOUND = b"what it was made for"
NETWORK = "203.0.113.7/32"


class Pictures:
    """A provider as a host writes one; it can be slow, broken, or less than strict about booleans."""

    name = "pictures"

    def __init__(self, *, says: object = True, seconds: float = 0) -> None:
        """Choose what it says, and after how long."""
        self.says = says
        self.seconds = seconds
        self.asked: list[tuple[str, int, str]] = []

    def present(self, *, token: str, level: int) -> Mapping[str, object]:
        """Show a key."""
        return {"site_key": "abc", "hard": level > 0}

    async def verify(self, answer: str, *, token: str, level: int, network: str) -> bool:
        """Answer as chosen."""
        self.asked.append((answer, level, network))
        await asyncio.sleep(self.seconds)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says  # type: ignore[return-value]


@pytest.fixture
def clock() -> FakeClock:
    """Lend a clock."""
    return FakeClock()


@pytest.fixture
def challenges(database: Database, settings: Settings, clock: FakeClock) -> Challenges:
    """Lend challenges that are easy."""
    easy = replace(settings, challenges=Rules(difficulty=4))
    return Challenges(foundation_for(database, easy, clock))


async def take(challenges: Challenges, proof: str, *, bound_to: bytes = BOUND) -> bool:
    """Take an answer and spend it; tell whether it was good."""
    spend = await challenges.take(proof, bound_to, network=NETWORK)
    if not spend:
        return spend is not None
    try:
        await challenges._database.write(*spend)
    except GuardFailed:
        return False
    return True


def test_a_challenge_says_what_to_do(challenges: Challenges) -> None:
    """How much work, how long to wait instead, and until when."""
    shown = challenges.present(BOUND, level=2)

    assert shown.pop("token").startswith("dwc_")
    assert shown == {"provider": "proof-of-work", "bits": 6, "parts": 8, "wait": 120, "expires_in": 120 + VALIDITY}


async def test_work_is_an_answer_once(challenges: Challenges) -> None:
    """The second time it is worth nothing."""
    shown = challenges.present(BOUND, level=0)
    proof = solve(shown["token"], bits=shown["bits"])

    assert await take(challenges, proof)
    assert not await take(challenges, proof)


async def test_waiting_is_an_answer_when_it_is_over_and_once(challenges: Challenges, clock: FakeClock) -> None:
    """Not a second earlier, and not after the work was taken for the same challenge."""
    waited, worked = (challenges.present(BOUND, level=1) for _ in range(2))

    assert not await take(challenges, waited["token"])
    assert await take(challenges, solve(worked["token"], bits=worked["bits"]))
    clock.advance(waited["wait"])
    assert await take(challenges, waited["token"])
    assert not await take(challenges, waited["token"])
    assert not await take(challenges, worked["token"])


async def test_no_answer_is_taken_too_late(challenges: Challenges, clock: FakeClock) -> None:
    """However right it is."""
    shown = challenges.present(BOUND, level=0)
    proof = solve(shown["token"], bits=shown["bits"])

    clock.advance(shown["expires_in"])

    assert not await take(challenges, proof)


async def test_what_was_spent_is_remembered_until_it_is_too_late_anyway(
    challenges: Challenges, clock: FakeClock, database: Database
) -> None:
    """And for an hour more, for nodes whose clocks disagree; then it is forgotten."""
    shown = challenges.present(BOUND, level=0)
    await take(challenges, solve(shown["token"], bits=shown["bits"]))

    clock.advance(shown["expires_in"] + 3599)
    await database.write(challenges.clean_up())
    kept = await database.fetch_all("SELECT forget_at FROM spent_challenge")
    clock.advance(1)
    await database.write(challenges.clean_up())

    assert len(kept) == 1
    assert await database.fetch_all("SELECT forget_at FROM spent_challenge") == []


async def test_an_answer_counts_for_what_it_was_made_for(challenges: Challenges) -> None:
    """Purpose, network and login are under the MAC (Keycloak CVE-2026-4282: a key of kind A at endpoint B)."""
    shown = challenges.present(BOUND, level=0)

    assert not await take(challenges, solve(shown["token"], bits=shown["bits"]), bound_to=b"something else")


@pytest.mark.parametrize(
    "proof", ["", "x", "dwc_", "dwc_" + "A" * 75, "dwd_" + "A" * 75 + "~1", "~", "\xff~\xff", "dwc_" + "A" * 9000]
)
async def test_nonsense_is_worth_nothing(challenges: Challenges, proof: str) -> None:
    """And raises nothing."""
    assert not await take(challenges, proof)


async def test_where_waiting_is_turned_off_it_is_no_answer(
    database: Database, settings: Settings, clock: FakeClock
) -> None:
    """And none is offered."""
    foundation = foundation_for(database, replace(settings, challenges=Rules(waiting=False)), clock)
    challenges = Challenges(foundation)
    shown = challenges.present(BOUND, level=0)
    clock.advance(60)

    assert "wait" not in shown
    assert not await take(challenges, shown["token"])


def with_provider(database: Database, settings: Settings, provider: Pictures, rules: Rules) -> Challenges:
    """Make challenges of somebody else."""
    return Challenges(foundation_for(database, replace(settings, challenges=rules)), provider=provider)


@pytest.mark.parametrize(("says", "good"), [(True, True), (False, False), (None, False), ("yes", False), (1, False)])
async def test_a_host_may_plug_in_pictures(database: Database, settings: Settings, says: object, good: bool) -> None:
    """It sees the answer and the network; only ``True`` is a yes, and it counts once."""
    pictures = Pictures(says=says)
    challenges = with_provider(database, settings, pictures, Rules())
    shown = challenges.present(BOUND, level=1)
    proof = shown["token"] + SEPARATOR + "a cat"

    assert (shown["provider"], shown["site_key"], shown["hard"]) == ("pictures", "abc", True)
    assert await take(challenges, proof) is good
    assert not await take(challenges, proof)
    assert pictures.asked == [("a cat", 1, NETWORK)]  # and not again, whatever it has said


@pytest.mark.parametrize(("on_failure", "good"), [("closed", False), ("open", True)])
@pytest.mark.parametrize("pictures", [Pictures(says=OSError("secret-key-123")), Pictures(seconds=60)])
async def test_a_provider_that_fails_or_is_slow_counts_as_was_chosen(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    pictures: Pictures,
    on_failure: str,
    good: bool,
) -> None:
    """Closed unless the operator has said otherwise; the log has the reason."""
    rules = Rules(on_failure=on_failure, timeout=1)  # type: ignore[arg-type]
    challenges = with_provider(database, settings, pictures, rules)
    challenges._rules = replace(rules, timeout=0)
    shown = challenges.present(BOUND, level=0)

    with caplog.at_level(logging.ERROR, "doorward.challenges"):
        assert await take(challenges, shown["token"] + SEPARATOR + "a cat") is good

    assert "the provider of challenges failed" in caplog.text
