"""Making, solving and judging a challenge, without anything around it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.challenges.model import (
    MOST_LEVEL,
    PARTS,
    RANDOM_BYTES,
    REMEMBERED,
    VALIDITY,
    Challenge,
    is_due,
    is_solved,
    solve,
    take_apart,
    waiting_time,
)

TOKEN = "dwc_token"
BITS = 4
SOLVED = take_apart(solve(TOKEN, bits=BITS))[1] or ""


def test_a_challenge_comes_back_from_its_token() -> None:
    """With its level and the time from which having waited counts."""
    challenge = Challenge.new(level=3, chance=bytes(RANDOM_BYTES), now=1000)

    assert Challenge.of(challenge.sealed) == challenge
    assert (challenge.level, challenge.not_before, challenge.expires_at) == (3, 1240, 1240 + VALIDITY)


def test_a_level_beyond_the_hardest_is_the_hardest() -> None:
    """However hard the attack, a person gets through in a minute."""
    assert Challenge.new(level=60, chance=bytes(RANDOM_BYTES), now=0).level == MOST_LEVEL


def test_waiting_takes_from_half_a_minute_to_an_hour() -> None:
    """Twice as long with each level."""
    assert [waiting_time(level) for level in range(9)] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.parametrize(
    ("now", "waited", "due"),
    [
        (0, False, True),
        (29, False, True),
        (29, True, False),
        (30, True, True),
        (30 + VALIDITY - 1, True, True),
        (30 + VALIDITY - 1, False, True),
        (30 + VALIDITY, True, False),
        (30 + VALIDITY, False, False),
    ],
)
def test_an_answer_has_its_time(now: int, waited: bool, due: bool) -> None:
    """Work counts from the beginning, waiting when it is over, and both until the end."""
    challenge = Challenge.new(level=0, chance=bytes(RANDOM_BYTES), now=0)

    assert is_due(challenge, waited=waited, now=now) is due


def test_what_was_spent_is_remembered_for_longer_than_it_is_valid() -> None:
    """PyPI's audit found a replay memory that was shorter than the leeway."""
    assert REMEMBERED >= 3600


@pytest.mark.parametrize(
    ("proof", "parts"),
    [("dwc_x", ("dwc_x", None)), ("dwc_x~1.2", ("dwc_x", "1.2")), ("dwc_x~", ("dwc_x", "")), ("~~", ("", "~"))],
)
def test_a_proof_is_a_token_and_perhaps_an_answer(proof: str, parts: tuple[str, str | None]) -> None:
    """A token alone says that its time of waiting is over."""
    assert take_apart(proof) == parts


@pytest.mark.parametrize(
    "numbers",
    [
        "",
        "1",
        SOLVED + ".0",
        SOLVED.partition(".")[2],
        "0" + SOLVED,
        SOLVED + " ",
        SOLVED.replace(".", ","),
        SOLVED.replace(".", "..", 1),
        "-" + SOLVED,
        "\u0661" + SOLVED,
        "1" * 16 + "." + SOLVED.partition(".")[2],
        ".".join(reversed([*SOLVED.split("."), "1"][1:])),
    ],
)
def test_only_the_solution_is_one_and_has_one_spelling(numbers: str) -> None:
    """So that what was spent cannot come back looking like something else."""
    assert is_solved(TOKEN, SOLVED, bits=BITS)
    assert not is_solved(TOKEN, numbers, bits=BITS)


def test_the_work_is_as_much_as_was_asked() -> None:
    """A solution for fewer bits, or for another token, is none."""
    assert not is_solved(TOKEN, SOLVED, bits=40)
    assert not is_solved(TOKEN + "x", SOLVED, bits=20)


@given(st.text(max_size=200))
def test_whatever_is_sent_is_judged(text: str) -> None:
    """Without raising anything."""
    token, answer = take_apart(text)

    assert is_solved(token, answer or "", bits=30) is False


def test_parts_make_the_time_predictable() -> None:
    """Each part has its own numbers."""
    token, numbers = take_apart(solve(TOKEN, bits=6))

    assert token == TOKEN
    assert len((numbers or "").split(".")) == PARTS
    assert len(set(itertools.chain((numbers or "").split(".")))) > 1
