"""``python -m benchmarks [NAME …]``: run all or the named benchmarks, print a table, write JSON to ``results/``."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.figures import Figure, heading, line

BENCHMARKS: Final = (
    "guard",
    "adapters",
    "rotations",
    "logins",
    "storm",
    "footprint",
    "revocation",
    "everywhere",
    "followers",
    "revoked",
    "requests",
    "pages",
    "cookies",
    "jose",
)
"""Modules with a ``NAME`` and a ``measure()`` that yields figures, in the order in which they run."""

RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run; the exit code tells only whether everything could be measured, not whether the aims are met."""
    unknown = set(arguments) - set(BENCHMARKS)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}.", file=sys.stderr
        )
        return 2
    conditions = machine.conditions()
    print(", ".join(f"{name} {value}" for name, value in conditions.items()))
    print(heading())
    figures: list[Figure] = []
    for name in arguments or BENCHMARKS:
        for figure in import_module(f"benchmarks.{name}").measure():
            print(line(figure), flush=True)
            figures.append(figure)
    conditions["load_after"] = machine.load()
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    content = {"conditions": conditions, "figures": [figure.as_json() for figure in figures]}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    missed = [figure.name for figure in figures if figure.verdict == "MISSED"]
    print(f"load {conditions['load_before']:.1f} before, {conditions['load_after']:.1f} after; {file}")
    print("every aim is met" if not missed else f"{len(missed)} aims are missed: {'; '.join(missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
