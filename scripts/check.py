"""Everything that must hold before a change lands, in one go: lint, format, types, the tests, their branch coverage.

Every step runs even when an earlier one has failed, so that one run shows everything. The last line counts tests and
steps together as ``N passed, N failed``; the exit code is 0 only if nothing failed. ``--static`` leaves out the tests,
apart from those that only read the code. Standard library only.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
}
COVERAGE = {
    "coverage combine": ["coverage", "combine", "--quiet"],
    "coverage report": ["coverage", "report"],
}


@dataclass(frozen=True)
class Outcome:
    """How one step went."""

    name: str
    passed: bool
    seconds: float


def run(name: str, module: list[str]) -> Outcome:
    """Run one tool of the environment as ``python -m``, with its output shown as it comes."""
    print(f"--- {name}", flush=True)
    begun = time.monotonic()
    environment = os.environ | {"COVERAGE_FILE": str(ROOT / ".coverage")}
    done = subprocess.run([sys.executable, "-m", *module], cwd=ROOT, env=environment, check=False)
    return Outcome(name, done.returncode == 0, time.monotonic() - begun)


def count_tests(report: Path) -> tuple[int, int, int]:
    """How many tests passed, failed and were skipped, from a JUnit report; without a report nothing ran."""
    if not report.exists():
        return 0, 0, 0
    suites = list(ET.parse(report).getroot().iter("testsuite"))
    total, failures, errors, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    return max(total - failures - errors - skipped, 0), failures + errors, skipped


def main(arguments: list[str]) -> int:
    """Run the steps, print what failed and the closing line."""
    outcomes = [run(name, module) for name, module in STATIC.items()]
    passed = failed = skipped = 0
    if "--static" in arguments:
        outcomes.append(run("architecture", ["pytest", "-q", "-p", "no:cacheprovider", "tests/architecture"]))
    else:
        for stale in ROOT.glob(".coverage*"):
            stale.unlink()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "tests.xml"
            outcomes.append(run("pytest", ["coverage", "run", "-m", "pytest", "-n", "auto", f"--junit-xml={report}"]))
            passed, failed, skipped = count_tests(report)
        outcomes += [run(name, module) for name, module in COVERAGE.items()]

    print("---")
    for outcome in outcomes:
        print(f"{'ok    ' if outcome.passed else 'FAILED'} {outcome.name} ({outcome.seconds:.0f} s)")
    passed += sum(outcome.passed for outcome in outcomes)
    failed += sum(not outcome.passed for outcome in outcomes)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
