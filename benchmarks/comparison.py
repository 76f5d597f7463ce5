"""Whether two sets of times differ: the test of Mann and Whitney, which assumes no shape of their distribution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found. Times are in seconds."""

    difference: float
    """Of the medians, the second less the first."""
    effect: float
    """How often a time of the second is longer than one of the first: 0.5 says that nothing can be told apart."""
    p: float
    """How likely such an effect, or a larger one, is by chance where there is no difference (two-sided)."""


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compare two samples of a dozen times or more each; ties share their rank, and the variance is corrected for them.

    The normal approximation, with correction for continuity, is good from some ten values a side.
    """
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks, ties, place = 0.0, 0, 1
    for _, group in groupby(ordered, key=lambda each: each[0]):
        members = list(group)
        size = len(members)
        ranks += sum(side for _, side in members) * (place + (size - 1) / 2)
        ties += size**3 - size
        place += size
    n, m = len(first), len(second)
    wins = ranks - m * (m + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    distance = max(abs(wins - n * m / 2) - 0.5, 0.0)
    p = math.erfc(distance / math.sqrt(2 * variance)) if variance else 1.0
    return Comparison(median(second) - median(first), wins / (n * m), p)
