"""A skip under CI is a failure, elsewhere a skip."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPING = {
    "a test": "import pytest\n\n\ndef test_it():\n    pytest.skip('no database here')\n",
    "a module": "import pytest\n\npytest.skip('no database here', allow_module_level=True)\n",
}


@pytest.mark.parametrize("source", SKIPPING.values(), ids=SKIPPING)
@pytest.mark.parametrize(("ci", "word"), [("true", "failed"), ("", "skipped")])
def test_skip_counts_against_the_run_under_ci(source: str, ci: str, word: str, tmp_path: Path) -> None:
    """The run that counts ends badly and quotes the reason; any other run goes on."""
    (tmp_path / "test_skipping.py").write_text(source, encoding="utf-8")
    plugins = ["-p", "no:cacheprovider", "-p", "tests.support.no_skips"]
    environment = {"CI": ci, "PYTHONPATH": str(ROOT)}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-c", "/dev/null", *plugins, str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "no database here" in run.stdout
    assert ("failed" in run.stdout or "error" in run.stdout) == (word == "failed")
    assert (run.returncode in {1, 2}) == (word == "failed")
