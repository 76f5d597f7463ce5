"""Figures of one process: counters, histograms, gauges, and how they are written for Prometheus. Standard library only.

Our own, because what is hard about them is ours: with several workers each process has its own figures, and they must
come together without a counter ever going back. A dead worker's series simply ends and begins anew at zero, which
Prometheus understands, as every series carries the label ``worker``. Labels come from closed sets (route templates,
statuses, codes, names of events): nothing that a caller typed becomes one, and a family has a bounded number of series.

The format is the text format 0.0.4 of Prometheus.
"""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct

MAX_SERIES: Final = 1000
"""Series of one family; what comes after is counted under ``other``."""

OTHER: Final = "other"
REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Seconds: from an answer out of memory to a poll of the revocation feed."""

HASH_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]


class Family(Struct, frozen=True):
    """One family as it is at a moment. A histogram's value is its buckets' counts, not yet summed up, and its sum."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    samples: list[tuple[tuple[str, ...], float | list[float]]]
    buckets: tuple[float, ...] = ()


class Counter:
    """Counts what has happened, by labels."""

    kind: Kind = "counter"

    def __init__(self, name: str, help_: str, labels: Labels) -> None:
        """Name it; without labels it is there from the start with 0."""
        self.name, self.help, self.labels = name, help_, labels
        self._values: dict[Labels, float] = {} if labels else {(): 0.0}

    def inc(self, *labels: str, by: float = 1.0) -> None:
        """Count, from the event loop or under a lock of the caller's."""
        values = self._values
        if labels in values:
            values[labels] += by
        else:
            if len(values) >= MAX_SERIES:
                labels = (OTHER,) * len(self.labels)
            values[labels] = values.get(labels, 0.0) + by

    def value(self, *labels: str) -> float:
        """Read one series."""
        return self._values.get(labels, 0.0)

    def family(self) -> Family:
        """Take the family as it is now."""
        return Family(self.name, self.kind, self.help, self.labels, [*self._values.items()])


class Histogram:
    """Sorts durations into buckets, by labels."""

    kind: Kind = "histogram"

    def __init__(self, name: str, help_: str, labels: Labels, buckets: tuple[float, ...]) -> None:
        """Name it; ``buckets`` are upper bounds in ascending order, without infinity."""
        self.name, self.help, self.labels, self.buckets = name, help_, labels, buckets
        self._values: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Sort one in, from the event loop or under a lock of the caller's."""
        series = self._values.get(labels)
        if series is None:
            if len(self._values) >= MAX_SERIES:
                labels = (OTHER,) * len(self.labels)
            series = self._values.setdefault(labels, [0.0] * (len(self.buckets) + 2))
        series[bisect_left(self.buckets, value)] += 1
        series[-1] += value

    def count(self, *labels: str) -> int:
        """Tell how many were sorted in."""
        return int(sum(self._values.get(labels, [0.0])[:-1]))

    def family(self) -> Family:
        """Take the family as it is now."""
        samples: list[Any] = [(labels, list(series)) for labels, series in self._values.items()]
        return Family(self.name, self.kind, self.help, self.labels, samples, self.buckets)


class Gauge:
    """Asks for a value when somebody looks. ``shared`` values are the same in every worker, so one of them tells."""

    kind: Kind = "gauge"
    labels: Labels = ()

    def __init__(
        self, name: str, help_: str, ask: Callable[[], float | Awaitable[float]], *, kind: Kind, shared: bool
    ) -> None:
        """Name it; ``ask`` may be a coroutine function that reads the database."""
        self.name, self.help, self._ask, self.kind, self.shared = name, help_, ask, kind, shared

    async def family(self) -> Family:
        """Ask now."""
        answer = self._ask()
        value = answer if isinstance(answer, int | float) else await answer
        return Family(self.name, self.kind, self.help, (), [((), float(value))])


AnyFamily = TypeVar("AnyFamily", Counter, Histogram, Gauge)


class Metrics:
    """All families of one instance."""

    def __init__(self) -> None:
        """Start without families."""
        self._families: dict[str, Counter | Histogram | Gauge] = {}

    def counter(self, name: str, help_: str, *labels: str) -> Counter:
        """Add a counter. Names are unique; raises ``ValueError``."""
        return self._add(Counter(name, help_, labels))

    def histogram(self, name: str, help_: str, *labels: str, buckets: tuple[float, ...] = REQUEST_BUCKETS) -> Histogram:
        """Add a histogram of seconds."""
        return self._add(Histogram(name, help_, labels, buckets))

    def gauge(
        self,
        name: str,
        help_: str,
        ask: Callable[[], float | Awaitable[float]],
        *,
        kind: Kind = "gauge",
        shared: bool = False,
    ) -> Gauge:
        """Add a value that is asked for at each look; ``kind`` may be ``counter`` for one that only grows."""
        return self._add(Gauge(name, help_, ask, kind=kind, shared=shared))

    def catalogue(self) -> list[tuple[str, Kind, Labels, str]]:
        """List name, kind, labels and meaning of every family, for the documentation."""
        return [(each.name, each.kind, each.labels, each.help) for each in self._families.values()]

    async def collect(self, *, shared: bool = True) -> list[Family]:
        """Take all families as they are; a gauge that cannot be asked is left out."""
        families = []
        for each in self._families.values():
            if isinstance(each, Gauge):
                if each.shared and not shared:
                    continue
                try:
                    families.append(await each.family())
                except Exception:  # noqa: S112 - the absence of the figure is what tells
                    continue
            else:
                families.append(each.family())
        return families

    async def text(self) -> str:
        """Write the figures of this process, for a host that serves them itself."""
        return render({"": await self.collect()})

    def _add(self, family: AnyFamily) -> AnyFamily:
        if family.name in self._families:
            raise ValueError(f"there is a metric {family.name} already")
        self._families[family.name] = family
        return family


def render(workers: Mapping[str, Sequence[Family]]) -> str:
    """Write what the workers have told, family by family; a worker without a name gets no label."""
    by_name: dict[str, list[tuple[str, Family]]] = {}
    for worker, families in workers.items():
        for family in families:
            by_name.setdefault(family.name, []).append((worker, family))
    lines: list[str] = []
    for name, told in by_name.items():
        lines += (f"# HELP {name} {_escaped(told[0][1].help)}", f"# TYPE {name} {told[0][1].kind}")
        for worker, family in told:
            lines += _lines(family, (("worker", worker),) if worker else ())
    return "\n".join(lines) + "\n"


def _lines(family: Family, extra: tuple[tuple[str, str], ...]) -> Iterable[str]:
    for values, value in family.samples:
        labels = (*zip(family.labels, values, strict=True), *extra)
        if isinstance(value, list):
            total = 0.0
            for bound, count in zip((*family.buckets, float("inf")), value[:-1], strict=True):
                total += count
                yield f"{family.name}_bucket{_labels((*labels, ('le', _bound(bound))))} {_number(total)}"
            yield f"{family.name}_sum{_labels(labels)} {_number(value[-1])}"
            yield f"{family.name}_count{_labels(labels)} {_number(total)}"
        else:
            yield f"{family.name}{_labels(labels)} {_number(value)}"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    written = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels)
    return f"{{{written}}}" if written else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _bound(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
