"""Under CI a skipped test is a failed test.

On somebody's laptop a test may be skipped for want of PostgreSQL; where the project is judged, a skip would hide that
half of the suite did not run. Set ``CI=true`` to be judged.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def refuse_skip(report: Report, *, is_ci: bool) -> Report:
    """Turn a skip into a failure that quotes its reason; expected failures are not skips."""
    if is_ci and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason} - under CI nothing is skipped"
    return report


def is_ci() -> bool:
    """Tell whether this run is the one that counts."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a test."""
    report = yield
    return refuse_skip(report, is_ci=is_ci())


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a module that skips itself."""
    report = yield
    return refuse_skip(report, is_ci=is_ci())
