"""The verifier is light: a service that only checks tokens carries nothing of the server."""

import subprocess
import sys

import pytest

FRAMEWORKS = ["starlette", "fastapi", "litestar", "quart", "flask", "django", "rest_framework", "aiohttp", "grpc"]
FORBIDDEN = [*FRAMEWORKS, "msgspec", "granian", "asyncpg", "argon2", "click", "zxcvbn", "asyncio", "ssl"]
ADAPTERS = {
    "aiohttp": {"aiohttp"},
    "django": {"django"},
    "fastapi": {"starlette", "fastapi"},
    "flask": {"flask"},
    "grpc": {"grpc"},
    "litestar": {"litestar"},
    "quart": {"quart", "flask"},  # Quart stands on Flask's parts
    "wsgi": set(),
}


def modules_after(statement: str) -> set[str]:
    """Return what a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Import it once for the questions below."""
    return modules_after("import doorward.verify")


@pytest.mark.parametrize("name", [*FORBIDDEN, "http.client", "doorward.settings", "doorward.app", "doorward.db"])
def test_the_import_brings_nothing_heavy(loaded: set[str], name: str) -> None:
    """Neither a framework nor a part of the server; network and TLS only when keys are fetched."""
    assert name not in loaded


def test_doorward_itself_contributes_few_packages(loaded: set[str]) -> None:
    """``core``, ``jose``, ``errors`` and ``verify``."""
    packages = {".".join(name.split(".")[:2]) for name in loaded if name.startswith("doorward.")}

    assert packages == {"doorward.core", "doorward.errors", "doorward.jose", "doorward.verify"}


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_brings_its_framework_and_no_other(adapter: str) -> None:
    """Each imports its own when it is imported itself."""
    loaded = modules_after(f"import doorward.verify.{adapter}")

    assert loaded & set(FRAMEWORKS) == ADAPTERS[adapter]
    assert not {name for name in loaded if name in ("doorward.app", "doorward.settings", "doorward.db")}
