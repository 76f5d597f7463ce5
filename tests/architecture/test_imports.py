"""What an import really loads, beyond what the source says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.architecture.test_source import MODULES, imported_names, tree_of

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = {"aiohttp", "asgiref", "django", "fastapi", "flask", "grpc", "litestar", "quart", "rest_framework"}
"""What only those import who have it already."""

SERVER_ONLY = {
    "argon2",
    "asyncpg",
    "click",
    "dotenv",
    "granian",
    "h11",
    "msgspec",
    "sqlite3",
    "starlette",
    "zxcvbn",
}


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement, without what measures coverage."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_verifying_loads_no_server() -> None:
    """A service behind pays for ``cryptography`` and the standard library, and for nothing of the server."""
    loaded = loaded_by("import doorward.verify")

    ours = {name.split(".")[1] for name in loaded if name.startswith("doorward.")}
    assert not {name.split(".")[0] for name in loaded} & SERVER_ONLY
    assert ours <= {"core", "errors", "jose", "verify"}


def test_help_loads_no_server() -> None:
    """``doorward --help`` answers at once, because commands are imported when they are run."""
    loaded = loaded_by("from doorward.cli.main import doorward\ndoorward(['--help'], standalone_mode=False)")

    assert not {name.split(".")[0] for name in loaded} & {"asyncpg", "cryptography", "granian", "starlette"}


def test_every_imported_library_is_asked_for() -> None:
    """What the package imports is a direct dependency, not something that another one happens to bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {
        re.split(r"[^A-Za-z0-9._-]", line)[0].lower()
        for line in (*project["dependencies"], *project["optional-dependencies"]["server"])
    }
    homes = packages_distributions()

    imported = {name.split(".")[0] for path in MODULES for name in imported_names(tree_of(path)).values()}
    third_party = imported - sys.stdlib_module_names - {"doorward"} - OPTIONAL
    missing = {name for name in third_party if not {home.lower() for home in homes.get(name, [])} & asked}

    assert not missing
