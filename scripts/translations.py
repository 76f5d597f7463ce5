"""Extract the texts of pages, merge them into the catalogues of every language, and compile those.

``make translations`` runs it: it writes ``locale/LANGUAGE/LC_MESSAGES/doorward.po`` and ``.mo`` below ``doorward.web``.
A new text then stands untranslated in every ``.po``; translate it there and run the target again. Nothing is guessed:
a text that has changed is a new one. ``tests/web/test_translations.py`` compares.
"""

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "doorward"
LOCALE = PACKAGE / "web" / "locale"
LANGUAGES = ("de", "es", "fr", "ar")
DOMAIN = "doorward"

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**/templates/**.html": {"trimmed": "false", "silent": "false"}}
VOLATILE = (
    "# ",
    *(
        f'"{name}:'
        for name in ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Language-Team")
    ),
)
"""Lines of a head that say who and when, or an address that nobody reads."""
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "translatable": None}


def extract() -> Catalog:
    """Collect every text of the code and the templates."""
    catalog = Catalog(project="doorward", fuzzy=False)
    found = extract_from_dir(PACKAGE, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",))
    for name, _line, message, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalog.add(message, locations=[(f"doorward/{name}", None)], auto_comments=comments, context=context)
    return catalog


def path_of(language: str, suffix: str) -> Path:
    """Where a catalogue is."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}{suffix}"


def read(language: str) -> Catalog:
    """Read the catalogue of a language; an empty one if there is none yet."""
    path = path_of(language, ".po")
    if not path.exists():
        return Catalog(locale=language, domain=DOMAIN, project="doorward", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def merged(language: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with exactly the texts of the template."""
    catalog = read(language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    return catalog


def written(catalog: Catalog) -> bytes:
    """Write a catalogue as a ``.po``: without dates and line numbers, so that it changes only with its texts."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=116, include_lineno=False, sort_output=False, omit_header=False)
    lines = buffer.getvalue().decode("utf-8").splitlines(keepends=True)
    volatile = (
        '"POT-Creation-Date',
        '"PO-Revision-Date',
        '"Generated-By',
        '"Last-Translator',
        '"Language-Team',
        '"Report-Msgid',
    )
    return "".join(line for line in lines if not line.startswith((*volatile, "# "))).encode("utf-8")


def compiled(catalog: Catalog) -> bytes:
    """Write a catalogue as a ``.mo``, from its ``.po`` alone."""
    buffer = io.BytesIO()
    dated = read_po(io.BytesIO(written(catalog)), locale=catalog.locale, domain=DOMAIN)
    dated.creation_date = dated.revision_date = NO_DATE
    write_mo(buffer, dated)
    return buffer.getvalue()


def main() -> None:
    """Write both files of every language, and say what is still to be translated."""
    template = extract()
    for language in LANGUAGES:
        catalog = merged(language, template)
        path_of(language, ".po").parent.mkdir(parents=True, exist_ok=True)
        path_of(language, ".po").write_bytes(written(catalog))
        path_of(language, ".mo").write_bytes(compiled(catalog))
        missing = [message.id for message in catalog if message.id and not message_is_there(message.string)]
        print(f"{language}: {len(catalog)} texts, {len(missing)} still to be translated")


def message_is_there(string: object) -> bool:
    """Tell whether a text is translated, in all its plural forms."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    main()
