"""A small version of ``make simulate-attack``: it prints its figures, and holds what they promise."""

import sys
from pathlib import Path

import pytest

from benchmarks.attack import STRATEGIES, Scale, Strategy, simulate, tell

SCALE = Scale(accounts=10, addresses=100, guesses=1000, seconds=6 * 3600, owners=10)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
async def test_an_attack_keeps_no_owner_on_a_known_device_out(
    strategy: Strategy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And never tests more passwords at one account than a hundred for each time its owner logs in."""
    outcome = await simulate(strategy, SCALE, tmp_path)

    with capsys.disabled():
        sys.stdout.write(f"\n{tell(outcome)}\n")
    assert outcome.sent == SCALE.guesses
    assert outcome.known == {"in at once": SCALE.owners}
    assert outcome.unknown.total() == SCALE.owners
    assert set(outcome.unknown) <= {"in at once", "in after some work", "needs the mail"}
    assert outcome.most_tested <= 100 * 2
    assert outcome.hashed <= outcome.sent
    if not strategy.works:
        assert outcome.hashed < outcome.sent / 2
        assert outcome.unknown["needs the mail"] == 0
    assert (outcome.work > 0) == strategy.works
