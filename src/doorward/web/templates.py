"""Templates of pages: compiled once a language, always escaping, and replaceable by a folder of the operator's.

A template of the folder replaces the one of the same name, and may extend it as ``doorward/NAME``. What is wrong with
one is found at start. Should one fail all the same when it is shown, the built-in page is shown instead.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import Finding, Misconfigured
from doorward.web.translation import translations

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

_OWN: Final = "doorward/"
_ALWAYS_THERE: Final = frozenset({"visit", "form", "gettext", "ngettext", "_"})

_log = logging.getLogger("doorward.web")


class Templates:
    """The templates of some packages, and of a folder that comes before them. Jinja is imported when it is needed."""

    def __init__(self, packages: Sequence[str], *, variables: Mapping[str, Any], folder: Path | None = None) -> None:
        """``packages`` have a folder ``templates`` each; ``variables`` are there in every template."""
        self._packages = tuple(packages)
        self._variables = dict(variables)
        self._folder = folder
        self._environments: dict[tuple[str, bool], Environment] = {}

    def render(self, language: str, name: str, context: Mapping[str, Any]) -> str:
        """Render a page."""
        if self._folder is not None:
            try:
                return self._environment(language, replaced=True).get_template(name).render(context)
            except Exception:
                _log.exception("the template %s of pages.templates failed; the built-in one is shown", name)
        return self._environment(language, replaced=False).get_template(name).render(context)

    def check(self, known: Mapping[str, frozenset[str]]) -> None:
        """Look at every template of the folder; ``known`` are the variables that a page hands to each.

        Raises :class:`Misconfigured` with everything that is wrong with them.
        """
        findings = [] if self._folder is None else list(self._findings(self._folder, known))
        if findings:
            raise Misconfigured(*findings)

    def names(self) -> list[str]:
        """List the built-in templates."""
        return sorted(self._environment("en", replaced=False).list_templates(extensions=["html"]))

    def _findings(self, folder: Path, known: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
        from jinja2 import TemplateError, meta

        environment = self._environment("en", replaced=True)
        built_in = set(self.names())
        for path in sorted(folder.rglob("*.html")):
            name = path.relative_to(folder).as_posix()
            if name not in built_in:
                yield Finding(f"{path} replaces no page.", f"Name it like one: {', '.join(sorted(built_in))}")
                continue
            try:
                source = path.read_text(encoding="utf-8")
                tree = environment.parse(source, name)
                environment.from_string(source)
                for used in meta.find_referenced_templates(tree):
                    environment.get_template(used or "")
                unknown = meta.find_undeclared_variables(tree) - _ALWAYS_THERE - set(environment.globals)
            except (TemplateError, UnicodeDecodeError) as wrong:
                yield Finding(f"{path} is no template: {wrong}.", "Correct it; the line is that of the file.")
                continue
            unknown -= known.get(name, frozenset())
            if unknown:
                yield Finding(
                    f"{path} uses {', '.join(sorted(unknown))}, which that page does not have.",
                    "See the list of variables in 'Replace a template'.",
                )

    def _environment(self, language: str, *, replaced: bool) -> "Environment":
        found = self._environments.get((language, replaced))
        if found is None:
            found = self._environments[language, replaced] = self._build(language, replaced)
        return found

    def _build(self, language: str, replaced: bool) -> "Environment":
        from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined

        own = ChoiceLoader([PackageLoader(package) for package in self._packages])
        loaders: list[BaseLoader] = [PrefixLoader({_OWN.rstrip("/"): own}), own]
        if replaced and self._folder is not None:
            loaders.insert(0, FileSystemLoader(self._folder))
        environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(self._variables)
        environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
        return environment
