"""The layering rule holds, and the contracts that hold it can see a breach."""

import subprocess
import sys
from pathlib import Path

import pytest
from grimp import ImportGraph

from tests.architecture.contracts import Closed, Reserved, Slices

ROOT = Path(__file__).resolve().parents[2]


def graph_of(*imports: tuple[str, str]) -> ImportGraph:
    """Build a small graph of modules; every parent package is in it."""
    graph = ImportGraph()
    for name in {part for pair in imports for part in pair}:
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            graph.add_module(".".join(parts[:length]))
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


def slices() -> Slices:
    """Build the slice contract as it is configured, with one wiring module."""
    return Slices("slices", {}, {"wiring": ["doorward.app"]})


def test_contracts_are_kept() -> None:
    """Every contract of pyproject.toml is kept by the package as it is; the output names each breach.

    In a process of its own, because import-linter configures logging for the whole process it runs in.
    """
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("doorward.gates.model", "doorward.gates.store"),
        ("doorward.gates.store", "doorward.gates.flows"),
        ("doorward.gates.flows", "doorward.gates.routes"),
        ("doorward.doors.flows", "doorward.gates.store"),
        ("doorward.doors.routes", "doorward.gates.routes"),
        ("doorward.app", "doorward.gates.store"),
        ("doorward.web.pages", "doorward.gates.locks"),
        ("doorward.gates.flows", "doorward.gates.views"),
        ("doorward.doors.flows", "doorward.gates.views"),
        ("doorward.gates.flows", "doorward.gates.pages"),
        ("doorward.gates.pages", "doorward.gates.routes"),
        ("doorward.doors.pages", "doorward.gates.pages"),
    ],
)
def test_slice_contract_sees_a_breach(importer: str, imported: str) -> None:
    """An import against the rule is reported, with both ends named."""
    graph = graph_of(("doorward.gates.routes", "doorward.gates.flows"), (importer, imported))

    lines = slices().violations(graph)

    assert [line for line in lines if importer.split(".")[-1] in line and imported.split(".")[-1] in line]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("doorward.gates.routes", "doorward.gates.store"),
        ("doorward.gates.flows", "doorward.gates.locks"),
        ("doorward.doors.flows", "doorward.gates.flows"),
        ("doorward.doors.model", "doorward.gates.model"),
        ("doorward.doors.routes", "doorward.gates.views"),
        ("doorward.app", "doorward.gates.routes"),
    ],
)
def test_slice_contract_lets_the_rest_pass(importer: str, imported: str) -> None:
    """Imports along the rule are nobody's business."""
    graph = graph_of(("doorward.gates.flows", "doorward.gates.store"), (importer, imported))

    lines = slices().violations(graph)

    assert lines == []


def test_slice_contract_sees_a_breach_round_a_corner() -> None:
    """A store that reaches its flows through a third module is reported."""
    graph = graph_of(("doorward.gates.store", "doorward.gates.locks"), ("doorward.gates.locks", "doorward.gates.flows"))

    lines = slices().violations(graph)

    assert lines == ["store must not reach flows: doorward.gates.store → doorward.gates.locks → doorward.gates.flows"]


def test_closed_contract_sees_what_is_not_listed() -> None:
    """Whatever is not on the list is reported, also when nobody has thought of it."""
    graph = graph_of(("doorward.gates.model", "json"), ("doorward.gates.model", "telnetlib"))
    contract = Closed("pure", {}, {"modules": ["doorward.*.model"], "allowed": ["json"]})

    lines = contract.violations(graph)

    assert len(lines) == 1
    assert "telnetlib" in lines[0]


def test_reserved_contract_sees_a_library_out_of_its_place() -> None:
    """A driver imported outside the database package is reported, and so is a library without a user."""
    graph = graph_of(("doorward.db.sqlite", "sqlite3"), ("doorward.gates.flows", "sqlite3"))
    contract = Reserved("places", {}, {"places": ["sqlite3 -> doorward.db", "asyncpg -> doorward.db"]})

    lines = contract.violations(graph)

    assert [line.split()[0] for line in lines] == ["doorward.gates.flows", "nothing"]
