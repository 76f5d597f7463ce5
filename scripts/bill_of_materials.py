"""Write ``dist/doorward.cdx.json``: what a release consists of when it runs (CycloneDX).

Taken from the environment that ``make check-install`` has just filled with the wheel and the pinned requirements, so it
lists what really gets installed. The version is added here, because pyproject.toml leaves it to the source.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "build" / "install" / "venv" / "bin" / "python"
BILL = ROOT / "dist" / "doorward.cdx.json"


def main() -> None:
    """Write the bill."""
    options = [
        "--pyproject",
        "pyproject.toml",
        "--mc-type",
        "application",
        "--output-reproducible",
        "--output-format",
        "JSON",
    ]
    command = [sys.executable, "-m", "cyclonedx_py", "environment", *options, str(ENVIRONMENT)]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    version = next(BILL.parent.glob("doorward-*.whl")).name.split("-")[1]
    bill["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/doorward@{version}"}
    BILL.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"dist/{BILL.name}: doorward {version} and {len(bill['components'])} components")


if __name__ == "__main__":
    main()
