"""The kinds of import-linter contract that the layering rule of ``docs/explanation/architecture.md`` needs.

Both discover what they apply to, so a new slice or module is held to the rule from its first line. They are registered
in ``[tool.importlinter]`` of pyproject.toml and run by ``lint-imports`` and by ``test_contracts.py``.
"""

import re
from itertools import product
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = "doorward"
LAYERS = {"model": 0, "store": 1, "flows": 2, "views": 3, "routes": 4, "pages": 4}
"""The files of a slice with their height. Further modules of a slice stand where their imports put them."""

FACES = ("routes", "pages", "views")
SHARED = ("model", "flows")
"""What a slice shows to other slices. Its ``views``, the shapes of its answers, are for routes and views only."""


def matches(module: str, patterns: list[str]) -> bool:
    """Tell whether a module, or a package around it, is named; ``*`` stands for one part of a name."""
    return any(re.match(re.escape(one).replace(r"\*", r"[^.]+") + r"(\.|$)", module) for one in patterns)


class Listed(Contract):
    """A contract whose check yields one line a violation."""

    def violations(self, graph: ImportGraph) -> list[str]:
        """Every violation as a line for people."""
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Keep the lines; none means that the contract is kept."""
        lines = sorted(set(self.violations(graph)))
        return ContractCheck(kept=not lines, metadata={"lines": lines})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the lines."""
        for line in check.metadata["lines"]:
            output.print_error(f"- {line}")


class Closed(Listed):
    """``modules`` import nothing but themselves and what is ``allowed``; indirect imports are not looked at.

    An allow-list, because a list of what is forbidden is never complete. ``except_modules`` are left out.
    """

    modules: Any = fields.ListField(subfield=fields.StringField())
    allowed: Any = fields.ListField(subfield=fields.StringField())
    except_modules: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def violations(self, graph: ImportGraph) -> list[str]:
        """Direct imports that are not on the list."""
        inside = [
            module
            for module in graph.modules
            if matches(module, self.modules) and not matches(module, self.except_modules)
        ]
        return [
            f"{module} imports {imported}, which is not among what {' and '.join(self.modules)} may import"
            for module in inside
            for imported in graph.find_modules_directly_imported_by(module)
            if not matches(imported, [*self.modules, *self.allowed])
        ]


class Reserved(Listed):
    """Each library has its place: ``places`` says ``library -> package, package`` and nobody else imports it."""

    places: Any = fields.ListField(subfield=fields.StringField())

    def violations(self, graph: ImportGraph) -> list[str]:
        """Imports of a library outside its place; a library that nobody imports is a leftover and reported too."""
        lines = []
        for entry in self.places:
            library, _, homes = (part.strip() for part in entry.partition("->"))
            importers = graph.find_modules_that_directly_import(library) if library in graph.modules else set()
            allowed = [home.strip() for home in homes.split(",")]
            lines += [
                f"{one} imports {library}, which belongs to {homes}" for one in importers if not matches(one, allowed)
            ]
            if not importers:
                lines.append(f"nothing imports {library}: drop it, here and from the dependencies")
        return lines


class Slices(Listed):
    """Inside a slice imports run ``routes → flows → store, model``; other slices see its ``flows`` and ``model`` only.

    Between ``flows`` and ``routes`` may stand ``views``, the shapes of answers, which the routes of others may use too.
    ``pages`` are the other face of a slice, as high as its ``routes``; neither imports the other.

    A slice is a package directly below the root with a ``store``, ``flows`` or ``routes``. ``wiring`` are the modules
    that put slices together: they, and nobody else outside, may import ``routes`` and the further modules of a slice.
    """

    wiring: Any = fields.ListField(subfield=fields.StringField())

    def violations(self, graph: ImportGraph) -> list[str]:
        """Imports that run upwards inside a slice, and imports from outside of what is not shown.

        The root package names what is public and loads it when asked, so a path through it is no path.
        """
        for public in graph.find_modules_directly_imported_by(ROOT):
            graph.remove_import(importer=ROOT, imported=public)
        slices = [
            package
            for package in graph.find_children(ROOT)
            if {f"{package}.{name}" for name in ("store", "flows", "routes", "views")} & graph.find_children(package)
        ]
        return [line for package in slices for line in (*self._upwards(graph, package), *self._into(graph, package))]

    def _upwards(self, graph: ImportGraph, package: str) -> list[str]:
        present = [name for name in LAYERS if f"{package}.{name}" in graph.modules]
        lines = []
        for low, high in product(present, present):
            if low != high and LAYERS[low] <= LAYERS[high]:
                chain = graph.find_shortest_chain(f"{package}.{low}", f"{package}.{high}")
                if chain:
                    lines.append(f"{low} must not reach {high}: {' → '.join(chain)}")
        return lines

    def _into(self, graph: ImportGraph, package: str) -> list[str]:
        lines = []
        for module in graph.find_descendants(package):
            name = module.removeprefix(f"{package}.").split(".")[0]
            for importer in graph.find_modules_that_directly_import(module):
                is_own = importer == package or importer.startswith(f"{package}.")
                is_wired = name != "store" and matches(importer, self.wiring)
                is_face = name == "views" and importer.split(".")[-1] in FACES
                if not (is_own or is_wired or is_face or name in SHARED):
                    lines.append(f"{importer} imports {module}; others see {' and '.join(SHARED)} of a slice only")
        return lines
