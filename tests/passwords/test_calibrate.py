"""Proposals follow the measurements, never below the floor."""

import pytest

from doorward.errors import Overloaded
from doorward.passwords import formats
from doorward.passwords.calibrate import MEMORIES, Measurement, Proposal, calibrate, decide, measure, time_one
from doorward.passwords.hashing import Hasher
from doorward.settings import Passwords

MIB = 1 << 20


def linear(settings: Passwords, threads: int) -> float:
    """A machine on which 19456 KiB take 10 ms a pass, and bcrypt of cost 12 takes 0.2 s."""
    if settings.algorithm == "bcrypt":
        return 0.2
    return settings.argon2_iterations * settings.argon2_memory / 19456 * 0.010


def recommended(proposals: list[Proposal], algorithm: str) -> Proposal:
    """The one that is marked, which is exactly one."""
    (marked,) = [one for one in proposals if one.recommended and one.algorithm == algorithm]
    return marked


@pytest.mark.parametrize(
    ("target", "memory", "iterations"),
    [(0.001, 19456, 2), (0.02, 19456, 2), (0.05, 47104, 2), (0.1, 65536, 2), (0.25, 131072, 3), (10, 262144, 32)],
)
def test_argon2_takes_the_most_memory_that_keeps_to_the_target(target: float, memory: int, iterations: int) -> None:
    """Memory first, then passes; the floor if even that takes longer."""
    chosen = recommended(calibrate(target, threads=2, stopwatch=linear), "argon2id")

    assert chosen.settings == {"algorithm": "argon2id", "argon2_memory": memory, "argon2_iterations": iterations}
    assert chosen.memory_bytes == 2 * memory * 1024
    assert chosen.logins_per_second == pytest.approx(2 / chosen.seconds)


@pytest.mark.parametrize(("target", "cost"), [(0.01, 12), (0.2, 12), (0.41, 13), (0.79, 13), (60, 16)])
def test_bcrypt_cost_doubles(target: float, cost: int) -> None:
    """Between 12 and 16."""
    chosen = recommended(calibrate(target, threads=1, stopwatch=linear), "bcrypt")

    assert chosen.settings == {"algorithm": "bcrypt", "bcrypt_cost": cost}
    assert chosen.seconds == pytest.approx(0.2 * 2 ** (cost - 12))


@pytest.mark.parametrize("target", [0.001, 0.03, 0.3, 3, 300])
def test_every_proposal_can_be_configured_and_verified(target: float) -> None:
    """Within the ranges of the settings and the bounds of verification."""
    for proposal in calibrate(target, threads=4, stopwatch=linear):
        hasher = Hasher(Passwords(**proposal.settings))  # type: ignore[arg-type]

        assert hasher.is_usable(hasher.decoy)
        assert proposal.algorithm == "bcrypt" or 2 <= proposal.argon2_iterations <= 64
        assert proposal.algorithm == "bcrypt" or proposal.argon2_memory >= 19456


def test_passes_are_bounded_by_the_work_that_is_verified() -> None:
    """A machine of fantasy gets at most what a log-in may cost."""
    (proposal,) = decide([Measurement("argon2id", 262144, 1e-9)], target_seconds=1, threads=1)

    assert proposal.argon2_iterations * proposal.argon2_memory <= formats.MAX_ARGON2_WORK


def test_measuring_stops_at_the_memory_limit() -> None:
    """All threads together."""
    measured = measure(100, threads=4, memory_limit=200 * MIB, stopwatch=linear)

    assert [seen.memory for seen in measured if seen.algorithm == "argon2id"] == [19456, 32768, 47104]


def test_measuring_stops_when_the_memory_is_not_there() -> None:
    """What was measured until then is proposed."""

    def small(settings: Passwords, threads: int) -> float:
        if settings.argon2_memory > 32768:
            raise Overloaded
        return linear(settings, threads)

    measured = measure(100, threads=1, memory_limit=1 << 40, stopwatch=small)

    assert [seen.memory for seen in measured if seen.algorithm == "argon2id"] == [19456, 32768]


def test_all_memories_are_tried_when_there_is_room() -> None:
    """Up to 256 MiB."""
    measured = measure(100, threads=1, memory_limit=1 << 40, stopwatch=linear)

    assert tuple(seen.memory for seen in measured if seen.algorithm == "argon2id") == MEMORIES


@pytest.mark.parametrize("target", [0, -1, float("nan")])
def test_target_is_a_time(target: float) -> None:
    """More than nothing."""
    with pytest.raises(ValueError, match="target"):
        calibrate(target)


def test_stopwatch_times_this_machine() -> None:
    """A real measurement, of something quick."""
    assert 0 < time_one(Passwords(argon2_memory=64, argon2_iterations=1), 2) < 10


def test_stopwatch_passes_on_that_there_is_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """From any of its threads."""

    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(formats, "hash_secret_raw", fail)

    with pytest.raises(Overloaded):
        time_one(Passwords(argon2_memory=64, argon2_iterations=1), 2)


def test_threads_follow_the_cores_unless_they_are_set() -> None:
    """As in the pool."""
    seen: list[int] = []

    def note(settings: Passwords, threads: int) -> float:
        seen.append(threads)
        return linear(settings, threads)

    calibrate(0.001, stopwatch=note)

    assert set(seen) <= {1, 2, 3, 4}
