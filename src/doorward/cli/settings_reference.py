"""The reference page of the settings, rendered from ``settings/``. The committed page is tested to be this text."""

from typing import Final

from doorward.configuration.catalogue import Entry, Section, sections
from doorward.configuration.values import show_seconds

_HEAD: Final = """\
# Settings

This page is generated from `src/doorward/settings/`: `doorward settings --markdown > docs/reference/settings.md`.

Sources, strongest first: arguments, `DOORWARD_…` variables, `.env` (the command line reads it), `doorward.toml`, the
defaults below. A variable is `DOORWARD_SECTION__NAME`; in `doorward.toml` the sections are tables. Durations are
written `90` (seconds), `30s`, `10m`, `12h` or `30d`, lists with commas. A name that does not exist is refused, with the
one that was probably meant. `doorward settings` shows what is in force and where it comes from.

A secret is taken as the text that it is; make one with `openssl rand -base64 32`. Its `…_FILE` variable names a file of
mode 0600 instead. Several secrets are separated by commas, the newest last.
"""


def render() -> str:
    """Return the page as Markdown, ending with a line end."""
    return "\n".join([_HEAD, *(_section(section) for section in sections())])


def _section(section: Section) -> str:
    title = section.name.capitalize() or "Top level"
    rows = [_row(entry) for entry in section.entries]
    table = ["| setting | variable | may be | default | what it does |", "|---|---|---|---|---|", *rows]
    return "\n".join([f"## {title}", "", section.description.replace("``", "`"), "", *table, ""])


def _row(entry: Entry) -> str:
    variables = f"`{entry.variable}`" + (f"<br>`{entry.file_variable}`" if entry.file_variable else "")
    cells = [f"`{entry.dotted}`", variables, _domain(entry), _default(entry), entry.description.replace("|", "\\|")]
    return f"| {' | '.join(cells)} |"


def _domain(entry: Entry) -> str:
    if entry.kind == "choice":
        return " or ".join(f"`{choice}`" for choice in entry.choices)
    if entry.kind == "switch":
        return "`true` or `false`"
    words = entry.kind + (" or empty" if entry.optional else "")
    show = show_seconds if entry.kind == "duration" else str
    least = f"from {show(entry.least)}" if entry.least else ""
    most = f"up to {show(entry.most)}" if entry.most else ""
    bounds = " ".join(bound for bound in (least, most) if bound)
    unit = " characters" if entry.kind == "text" and bounds else ""
    return f"{words}, {bounds}{unit}" if bounds else words


def _default(entry: Entry) -> str:
    default = entry.default
    if default in (None, "", ()):
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{show_seconds(default)}`" if entry.kind == "duration" and isinstance(default, int) else f"`{default}`"
