"""(e) Time from the command to the first answer, resident memory when idle, and the import of ``doorward.verify``.

The server is the default one: HTTPS, one worker, SQLite, also its plain listener is up. Memory is of all its processes.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, at_most, middle
from benchmarks.machine import cpu_seconds, memory_mb
from benchmarks.server import Server

NAME: Final = "footprint"
STARTS: Final = 7
IMPORTS: Final = 15
SETTLED: Final = 2.0

_IMPORT: Final = """
import json, resource, sys, time
before = set(sys.modules)
begun, cpu = time.perf_counter(), time.process_time()
import {module}
print(json.dumps({{
    "seconds": time.perf_counter() - begun,
    "cpu": time.process_time() - cpu,
    "modules": len(set(sys.modules) - before),
    "third": sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names)),
}}))
"""


def measure() -> Iterator[Figure]:
    """Start servers, weigh them, and import in fresh interpreters."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder:
        server = Server(Path(folder), tls=True)
        first = server.start()
        server.stop()
        starts, costs = [], []
        for _ in range(STARTS):
            starts.append(server.start())
            costs.append(cpu_seconds(server.pid))
            server.stop()
        server.start()
        time.sleep(SETTLED)
        idle = memory_mb(server.pid)
        server.register()
        server.log_in()
        used = memory_mb(server.pid)
        server.stop()
    yield Figure(NAME, "first start of all: new database, keys and certificate", first, "s")
    yield Figure(NAME, "start to first answer over HTTPS", middle(starts), "s", at_most(1.0))
    yield Figure(NAME, "CPU time that the start takes", middle(costs), "s")
    yield Figure(NAME, "resident memory, idle, all processes (RSS)", idle[0], "MB", at_most(110))
    yield Figure(NAME, "resident memory, idle, all processes (PSS)", idle[1], "MB")
    yield Figure(NAME, "resident memory after a registration and a log-in (RSS)", used[0], "MB")
    light, other = _importing("doorward.verify"), _importing("jwt")
    yield Figure(NAME, "import of doorward.verify", light["seconds"], "s", at_most(0.15))
    yield Figure(NAME, "import of doorward.verify, CPU", light["cpu"], "s")
    yield Figure(NAME, "modules that it imports", light["modules"], "")
    yield Figure(NAME, f"packages that it imports: {', '.join(light['third'])}", len(light["third"]), "")
    yield Figure(NAME, "import of PyJWT", other["seconds"], "s")


def _importing(module: str) -> dict[str, Any]:
    results = []
    for _ in range(IMPORTS):
        command = [sys.executable, "-c", _IMPORT.format(module=module)]
        results.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return {
        **results[0],
        "seconds": middle([each["seconds"] for each in results]),
        "cpu": middle([each["cpu"] for each in results]),
    }
