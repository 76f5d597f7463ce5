"""Times as people read them."""

import pytest

from doorward.cli.times import away, moment, rough

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 seconds"),
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86400 * 90, "90 days"),
    ],
)
def test_a_duration_in_its_largest_whole_unit(seconds: int, said: str) -> None:
    """Rounded down, because nobody asks more precisely."""
    assert rough(seconds) == said


def test_a_time_with_its_distance() -> None:
    """What is now has been."""
    assert away(NOW, now=NOW) == "2027-01-15T08:00:00Z (0 seconds ago)"
    assert away(NOW + 600, now=NOW) == "2027-01-15T08:10:00Z (in 10 minutes)"


def test_no_time_is_nothing() -> None:
    """As in JSON."""
    assert moment(None) is None
    assert moment(NOW) == "2027-01-15T08:00:00Z"
