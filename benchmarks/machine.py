"""What is known of this machine and of a process on it. Linux only: everything is read from /proc."""

import os
import platform
import sqlite3
from pathlib import Path
from typing import Any, Final

SERVER_CORE: Final = min(os.sched_getaffinity(0))
"""The core that a measured server is pinned to, where the benchmark says one core."""

LOAD_CORE: Final = max(os.sched_getaffinity(0))
"""The core of the load generator, and of PostgreSQL."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def conditions() -> dict[str, Any]:
    """Describe what the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": load(),
    }


def load() -> float:
    """Return the load average of the last minute: what else is running here."""
    return os.getloadavg()[0]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in user and kernel, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def niced_cpu_seconds(pid: int) -> float:
    """Return the CPU time of those threads of a process that have a lower priority: the ones that hash."""
    found = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        if int(fields[16]) > 0:
            found += int(fields[11]) + int(fields[12])
    return found / _TICKS


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def memory_mb(pid: int) -> tuple[float, float]:
    """Return what a process and its descendants hold, in MB: resident (shared pages counted each time), and in shares.

    The second figure, PSS, counts a page that several processes share once.
    """
    resident = proportional = 0
    for each in family(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0])
            elif name == "Pss":
                proportional += int(rest.split()[0])
    return resident * 1024 / 1e6, proportional * 1024 / 1e6


def pin(core: int | None) -> None:
    """Keep the calling process, and what it starts, on one core; ``None``: let it run anywhere."""
    if core is not None:
        os.sched_setaffinity(0, {core})
