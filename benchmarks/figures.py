"""What a benchmark reports: figures with units and aims, printed as a table and written as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final, Literal

Direction = Literal["at most", "at least"]

_WIDTHS: Final = (13, 62, 12, 8)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be."""

    direction: Direction
    bound: float

    def is_met(self, value: float) -> bool:
        """Tell whether a value reaches the aim."""
        return value <= self.bound if self.direction == "at most" else value >= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``aim`` is there where the issue names one; the others explain it."""

    benchmark: str
    name: str
    value: float
    unit: str
    aim: Aim | None = None

    @property
    def verdict(self) -> str:
        """Say ``met``, ``MISSED``, or nothing where there is no aim."""
        if self.aim is None:
            return ""
        return "met" if self.aim.is_met(self.value) else "MISSED"

    def as_json(self) -> dict[str, Any]:
        """Write the figure with its verdict."""
        return {**asdict(self), "verdict": self.verdict}


def at_most(bound: float) -> Aim:
    """Make an aim for something that should be small."""
    return Aim("at most", bound)


def at_least(bound: float) -> Aim:
    """Make an aim for something that should be large."""
    return Aim("at least", bound)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of the values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def middle(values: Sequence[float]) -> float:
    """Return the median; 0 of nothing."""
    return median(values) if values else 0.0


def heading() -> str:
    """Write the first line of the table."""
    benchmark, name, value, unit = _WIDTHS
    return f"{'benchmark':{benchmark}}{'figure':{name}}{'value':>{value}} {'unit':{unit}}{'aim':16}verdict"


def line(figure: Figure) -> str:
    """Write one line of the table."""
    benchmark, name, value, unit = _WIDTHS
    aim = "" if figure.aim is None else f"{figure.aim.direction} {figure.aim.bound:g}"
    number = f"{figure.value:,.0f}" if abs(figure.value) >= 1000 else f"{figure.value:.3g}"
    return (
        f"{figure.benchmark:{benchmark}}{figure.name:{name}}{number:>{value}} {figure.unit:{unit}}{aim:16}"
        f"{figure.verdict}"
    ).rstrip()
