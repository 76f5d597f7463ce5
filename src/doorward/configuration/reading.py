"""Reading settings from where people keep them, and remembering which place won.

Strongest first: arguments, ``DOORWARD_…`` variables, ``.env`` (only where a file is named: the command line does),
``doorward.toml``, defaults. Everything that cannot be understood becomes a finding, all of them at once; nothing is
raised, nothing is decided about safety, and a misspelled name is never passed over in silence.
"""

import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, Final

from dotenv.parser import parse_stream

from doorward.configuration.catalogue import PREFIX, Entry, entries
from doorward.configuration.urls import has_password
from doorward.configuration.values import convert
from doorward.errors import Finding
from doorward.settings import Settings

TOML_FILE: Final = Path("doorward.toml")
"""Read from the working directory when it is there and no other file is named."""

RESERVED: Final = (f"{PREFIX}TEST_", f"{PREFIX}BENCH_")
"""Variables of our own test suite and benchmarks, which a server started by them inherits."""

_LARGEST_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. A setting with a finding keeps its default in ``settings`` and is named in ``unread``."""

    settings: Settings
    sources: Mapping[str, str]
    findings: tuple[Finding, ...]
    unread: frozenset[str]


@dataclass(slots=True)
class _Layer:
    """One source: what it says by dotted name, and the files it names for secrets."""

    label: str
    values: dict[str, object] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


def read(
    *,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    env_file: Path | None = None,
    toml_file: Path | None = None,
) -> Reading:
    """Read all sources. ``arguments`` is nested by section, like ``doorward.toml``; a named file must exist."""
    findings: list[Finding] = []
    layers = [
        _from_tables("argument", arguments, findings),
        _from_variables("environment", environ, findings),
        _from_env_file(env_file, findings),
        _from_toml(toml_file, findings),
    ]
    sources, unread = {}, set()
    sections: dict[str, dict[str, object]] = {}
    for entry in entries().values():
        layer = next((each for each in layers if entry.dotted in each.values or entry.dotted in each.files), None)
        sources[entry.dotted] = layer.label if layer else "default"
        if layer is not None:
            problem, value = _value(entry, layer)
            if problem:
                findings.extend(problem)
                unread.add(entry.dotted)
            if value is not None or not problem:
                sections.setdefault(entry.section, {})[entry.attribute] = value
    return Reading(build(sections), sources, tuple(findings), frozenset(unread))


def build(sections: dict[str, dict[str, object]]) -> Settings:
    """Make settings of typed values by section and attribute; what is missing has its default."""
    top: dict[str, Any] = dict(sections.pop("", {}))
    for name, values in sections.items():
        top[name] = type(getattr(Settings(), name))(**values)
    return Settings(**top)


def _value(entry: Entry, layer: _Layer) -> tuple[list[Finding], object]:
    """Return the findings and the value of a setting that a layer has; the value may be usable in spite of them."""
    findings: list[Finding] = []
    if entry.dotted in layer.files:
        path = layer.files[entry.dotted]
        if entry.dotted in layer.values:
            what = f"{entry.dotted} is given twice in {layer.label}, as a value and as the file {path}."
            return [Finding(what, f"Keep one of {entry.variable} and {entry.file_variable}.")], None
        text, findings = read_private_file(path, f"The file of {entry.dotted}")
        value: object = text
    else:
        value = layer.values[entry.dotted]
    try:
        return findings, convert(entry, value) if value is not None or entry.optional else None
    except ValueError as wrong:
        how = f"Correct {entry.variable} (here from: {layer.label}), or remove it to get the default."
        return [*findings, Finding(f"{entry.dotted} {wrong}.", how)], None


def read_private_file(path: Path, name: str) -> tuple[str | None, list[Finding]]:
    """Read a file that holds a secret. Whoever else may read it is a finding; the text is returned all the same."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = file.read(_LARGEST_FILE).decode()
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        return None, [Finding(f"{name}, {path}, cannot be read: {reason}.", "Correct the path or the file.")]
    if mode & 0o077:
        what = f"{name}, {path}, can be read or written by others (mode {mode:04o})."
        return text, [Finding(what, f"Run: chmod 600 {path}")]
    return text, []


def _from_variables(label: str, environ: Mapping[str, str], findings: list[Finding]) -> _Layer:
    layer = _Layer(label)
    known = {entry.variable: entry for entry in entries().values()}
    known_files = {entry.file_variable: entry for entry in entries().values() if entry.file_variable}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable.startswith(RESERVED):
            continue
        if variable in known:
            layer.values[known[variable].dotted] = value
        elif variable not in known_files:
            findings.append(_unknown(variable, [*known, *known_files], label))
        elif value:
            layer.files[known_files[variable].dotted] = Path(value)
    return layer


def _from_env_file(env_file: Path | None, findings: list[Finding]) -> _Layer:
    if env_file is None:
        return _Layer(".env")
    text, problems = read_private_file(env_file, "The settings file")
    findings.extend(problems)
    variables = {}
    for binding in parse_stream(StringIO(text or "")):
        if binding.error:
            what = f"{env_file}, line {binding.original.line}, cannot be understood."
            findings.append(Finding(what, "Write NAME=value, one on a line."))
        elif binding.key is not None:
            variables[binding.key] = binding.value or ""
    return _from_variables(str(env_file), variables, findings)


def _from_toml(toml_file: Path | None, findings: list[Finding]) -> _Layer:
    path = toml_file or TOML_FILE
    if toml_file is None and not path.exists():
        return _Layer(str(path))
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as problem:
        findings.append(Finding(f"{path} cannot be read: {problem.strerror}.", "Correct the path or the permissions."))
        return _Layer(str(path))
    except ValueError as problem:
        findings.append(Finding(f"{path} is not valid TOML: {problem}.", "Correct the line that is named."))
        return _Layer(str(path))
    layer = _from_tables(str(path), tables, findings)
    if mode & 0o077 and any(_is_secret(entries()[dotted], value) for dotted, value in layer.values.items()):
        what = f"{path} holds a secret and can be read or written by others (mode {mode:04o})."
        findings.append(Finding(what, f"Run: chmod 600 {path}"))
    return layer


def _is_secret(entry: Entry, value: object) -> bool:
    return entry.kind == "secrets" or (isinstance(value, str) and has_password(value))


def _from_tables(label: str, tables: Mapping[str, Any], findings: list[Finding]) -> _Layer:
    layer = _Layer(label)
    known = entries()
    known_files = {f"{entry.dotted}_file": entry for entry in known.values() if entry.kind == "secrets"}
    for dotted, value in _flatten(tables):
        if dotted in known:
            layer.values[dotted] = value
        elif dotted in known_files:
            layer.files[known_files[dotted].dotted] = Path(str(value))
        else:
            findings.append(_unknown(dotted, [*known, *known_files], label))
    return layer


def _flatten(tables: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            for inner, inner_value in value.items():
                yield f"{name}.{str(inner).rstrip('_')}", inner_value
        else:
            yield name, value


def _unknown(name: str, known: list[str], label: str) -> Finding:
    close = get_close_matches(name, known, n=1)
    meant = f"Did you mean {close[0]}?" if close else "'doorward settings' lists every name."
    return Finding(f"There is no setting {name!r} (from: {label}).", meant)
