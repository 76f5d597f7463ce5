"""``doorward passwords calibrate``: proposals for this machine."""

import json

import pytest

from doorward.cli.output import Exit
from doorward.passwords import calibrate
from doorward.settings import Passwords
from tests.cli.conftest import Operator


@pytest.fixture
def engine() -> str:
    """No database is needed, so once is enough."""
    return "sqlite"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine that takes 1 ms per MiB and pass; notes the threads."""
    threads: list[int] = []

    def stopwatch(settings: Passwords, count: int) -> float:
        threads.append(count)
        if settings.algorithm == "bcrypt":
            return 0.2
        return settings.argon2_memory / 1024 * settings.argon2_iterations / 1000

    monkeypatch.setattr(calibrate, "time_one", stopwatch)
    return threads


def test_the_proposal_can_be_pasted(operator: Operator, quick: list[int]) -> None:
    """The most memory within the target, as lines for ``.env``."""
    result = operator("passwords", "calibrate", "--target", "250ms")

    assert "Measuring for 250 ms a log-in…" in result.output
    assert result.output.splitlines()[-3:] == [
        "  DOORWARD_PASSWORDS__ALGORITHM=argon2id",
        "  DOORWARD_PASSWORDS__ARGON2_MEMORY=98304",
        "  DOORWARD_PASSWORDS__ARGON2_ITERATIONS=2",
    ]


def test_the_algorithm_that_is_set_is_proposed(operator: Operator, quick: list[int]) -> None:
    """Who has chosen bcrypt is told its cost."""
    operator.environ["DOORWARD_PASSWORDS__ALGORITHM"] = "bcrypt"

    result = operator("passwords", "calibrate", "--target", "0.5s", "--threads", "3")

    assert result.output.splitlines()[-1] == "  DOORWARD_PASSWORDS__BCRYPT_COST=13"
    assert set(quick) == {3}


def test_programs_get_every_proposal(operator: Operator, quick: list[int]) -> None:
    """With the settings as they are written."""
    told = json.loads(operator("passwords", "calibrate", "--memory", "64", "--threads", "1", "--json").output)

    assert told[0]["settings"] == {"algorithm": "argon2id", "argon2_memory": 19456, "argon2_iterations": 13}
    assert [each["settings"]["algorithm"] for each in told if each["recommended"]] == ["argon2id", "bcrypt"]


@pytest.mark.parametrize("target", ["250", "0ms", "fast", "-1s", "1e3ms"])
def test_a_target_is_a_time(target: str, operator: Operator) -> None:
    """With its unit, because 250 seconds would be a long wait."""
    result = operator("passwords", "calibrate", f"--target={target}")

    assert result.exit_code == Exit.USAGE
    assert "250ms" in result.stderr


def test_calibrating_needs_no_configuration(operator: Operator, quick: list[int]) -> None:
    """It is done before there is one."""
    operator.environ.clear()

    result = operator("passwords", "calibrate")

    assert result.exit_code == Exit.OK
