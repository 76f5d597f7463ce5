"""Look the pinned versions up among the known vulnerabilities, with pip-audit, and say clearly when that did not work.

pip-audit leaves out what its service does not answer for and then reports that nothing was found. Here a package that
could not be looked up is a failure of its own: exit code 0 means that every package was looked up and is clean, 1 that
a vulnerability is known, 3 that some or all could not be looked up (no network, or a mirror without that service).
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3


def audit(path: Path) -> int:
    """Check one requirements file and print what it means."""
    options = ["--progress-spinner", "off", "--disable-pip", "--require-hashes", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", *options, "--requirement", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"{path.name}: NOT CHECKED, pip-audit could not work: {done.stderr.strip().splitlines()[-1:]}")
        return UNKNOWN
    vulnerable = [package for package in packages if package.get("vulns")]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found.get("fix_versions", ())) or "no release yet"
            print(f"{path.name}: {package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    if unknown:
        print(
            f"{path.name}: NOT CHECKED, the vulnerability service did not answer for {len(unknown)} of {len(packages)}"
        )
    if not vulnerable and not unknown:
        print(f"{path.name}: {len(packages)} packages, no known vulnerability")
    return VULNERABLE if vulnerable else UNKNOWN if unknown else CLEAN


def main() -> int:
    """Check what runs and what it is built and tested with; the worst outcome counts."""
    outcomes = {audit(ROOT / "requirements" / f"{name}.txt") for name in ("runtime", "dev")}
    return VULNERABLE if VULNERABLE in outcomes else max(outcomes)


if __name__ == "__main__":
    sys.exit(main())
