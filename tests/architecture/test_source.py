"""Rules for every file of the package that a linter does not know: what is read off the source, never run."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "doorward"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CODE = sorted(path for folder in ("benchmarks", "examples", "scripts") for path in (ROOT / folder).rglob("*.py"))

MAX_LINES = 350
FORBIDDEN_IMPORTS = {"dill", "imp", "marshal", "pickle", "random", "shelve", "telnetlib"}
FORBIDDEN_CALLS = {"__import__", "compile", "eval", "exec", "input"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}
WALL_CLOCK = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.datetime.utcfromtimestamp",
    "time.ctime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
CHANCE = {"os.getrandom", "os.urandom", "secrets", "uuid.uuid1", "uuid.uuid4"}
EVASIVE_NAMES = {"base", "common", "helper", "helpers", "lib", "misc", "tools", "util", "utils"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
MACHINE_PATHS = re.compile("/" + r"(?:work|root|farm|home/\w+|tmp/bash)[/._]")
REGISTRY_HOSTS = re.compile("pypi[.]org|python[h]osted|registry[.]npmjs|deb[.]debian|crates[.]io|repo1?[.]maven")


def name_of(path: Path) -> str:
    """The path below the root, as test id."""
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file once."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(tree: ast.Module) -> dict[str, str]:
    """What each local name stands for: ``{"now": "time.time"}`` after ``from time import time as now``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted_uses(tree: ast.Module) -> Iterator[str]:
    """Every imported name and what is reached through it, spelt out in full."""
    names = imported_names(tree)
    yield from names.values()
    for node in ast.walk(tree):
        parts: list[str] = []
        value: ast.expr | None = node if isinstance(node, ast.Attribute) else None
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name) and value.id in names:
            yield ".".join([names[value.id], *reversed(parts)])


def uses(path: Path, forbidden: set[str]) -> set[str]:
    """Which of the forbidden dotted names a file uses, whichever way it imports them."""
    return {use for use in dotted_uses(tree_of(path)) for one in forbidden if use == one or use.startswith(one + ".")}


def each(paths: list[Path]) -> pytest.MarkDecorator:
    """Run the test once a file."""
    return pytest.mark.parametrize("path", paths, ids=name_of)


@each(MODULES)
def test_only_settings_read_the_environment(path: Path) -> None:
    """Two instances in one process must not fight over variables, so one place reads them."""
    is_reader = path == PACKAGE / "settings" / "__init__.py" or path.is_relative_to(PACKAGE / "configuration")

    found = uses(path, ENVIRONMENT)

    assert is_reader or not found


@each(MODULES)
def test_only_the_clock_reads_the_time(path: Path) -> None:
    """Time is handed in as whole seconds; monotonic clocks, which measure and do not tell, are free."""
    found = uses(path, WALL_CLOCK)

    assert not found or path == PACKAGE / "core" / "clock.py"


@each(MODULES)
def test_only_the_clock_module_draws_randomness(path: Path) -> None:
    """Entropy is handed in as a function, so that there is one source and tests can choose it."""
    found = uses(path, CHANCE)

    assert not found or path == PACKAGE / "core" / "clock.py"


@each(MODULES)
def test_nothing_that_runs_data_or_guesses(path: Path) -> None:
    """No pickle and its kin, no eval, no exec, and no ``random``, which an attacker can predict (ASVS 5.0 1.3.2)."""
    tree = tree_of(path)

    imports = {name.split(".")[0] for name in imported_names(tree).values()} & FORBIDDEN_IMPORTS
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS
    }

    assert not imports
    assert not calls


@each(MODULES)
def test_no_check_is_an_assert(path: Path) -> None:
    """``python -O`` drops assert statements, so they only tell the type checker what holds anyway, and say why."""
    lines = path.read_text(encoding="utf-8").splitlines()

    found = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert) and not re.search(r"# noqa: S101 - \w{2}", lines[node.lineno - 1])
    ]

    assert not found


@each(MODULES)
def test_module_is_short_and_says_what_it_is(path: Path) -> None:
    """A module over 350 lines hides a second noun; its first paragraph and its name say what it decides."""
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= MAX_LINES
    assert path.stem not in EVASIVE_NAMES
    assert ast.get_docstring(tree_of(path)) or not text.strip()


def public_definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Public classes and functions, and those in public classes; a protocol's bare signatures are read as one text."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            is_signature = ast.unparse(node.body[-1]) == "..." and len(node.body) == 1
            if not is_signature:
                yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


@each(MODULES)
def test_public_names_have_docstrings(path: Path) -> None:
    """Whatever does not start with an underscore says when to use it."""
    bare = [node.name for node in public_definitions(tree_of(path).body) if not ast.get_docstring(node)]

    assert not bare


@each(MODULES)
def test_nothing_is_left_unfinished(path: Path) -> None:
    """Marks of unfinished work belong in an issue."""
    found = UNFINISHED.findall(path.read_text(encoding="utf-8"))

    assert not found


@each([*MODULES, *TESTS])
def test_exclusions_from_coverage_carry_a_reason(path: Path) -> None:
    """``pragma: no cover`` is followed by words that say why nothing can run the line."""
    pragma = "pragma: " + "no cover"
    bare = [
        number
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pragma in line and len(line.partition(pragma)[2].strip(" -:")) < 10 and '"' not in line.partition(pragma)[0]
    ]

    assert not bare


@each([*MODULES, *TESTS, *CODE])
def test_no_machine_and_no_registry_is_named(path: Path) -> None:
    """Paths of one machine and hosts of package registries have no place in the repository."""
    text = path.read_text(encoding="utf-8")

    assert not MACHINE_PATHS.findall(text)
    assert not REGISTRY_HOSTS.findall(text)


@each(TESTS)
def test_tests_are_sentences(path: Path) -> None:
    """Every test has a docstring, so that a failure reads as a broken promise."""
    bare = [
        node.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert not bare


@each(TESTS)
def test_tests_wait_for_conditions(path: Path) -> None:
    """A fixed sleep is either too short or too long."""
    found = uses(path, {"time.sleep"})

    assert not found
