"""The language of a page: which ones there are, which one somebody gets, and where its texts are.

``?lang=`` beats the cookie that it leaves behind, the cookie beats ``Accept-Language`` (RFC 9110 §12.5.4, read
strictly: a header that is malformed says nothing), and that beats the setting. Texts are gettext catalogues in
``locale/``; English is what stands in the code and in the templates.
"""

import gettext
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

DOMAIN: Final = "doorward"
MAX_ACCEPT_LANGUAGE: Final = 512
MAX_RANGES: Final = 32

_RANGE: Final = re.compile(
    r"(?P<tag>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}|\*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language that all texts are there in. ``name`` is its own name for itself."""

    code: str
    name: str
    direction: Literal["ltr", "rtl"] = "ltr"


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language("en", "English"),
        Language("de", "Deutsch"),
        Language("es", "Español"),
        Language("fr", "Français"),
        Language("ar", "العربية", "rtl"),
    )
}


def translatable(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is shown, because it is made before anybody asks."""
    return text


def choose_language(*, asked: str | None, kept: str | None, accepts: str, default: str) -> Language:
    """Choose a language: what is asked for by name, what was chosen before, what the browser wants, the setting."""
    for code in (asked, kept, *accepted(accepts)):
        if code in LANGUAGES:
            return LANGUAGES[code]
    return LANGUAGES[default]


def accepted(header: str) -> list[str]:
    """List the primary subtags of ``Accept-Language``, the most wanted first; nothing for a malformed header."""
    if len(header) > MAX_ACCEPT_LANGUAGE:
        return []
    wanted: list[tuple[float, str]] = []
    for part in header.split(",", MAX_RANGES)[:MAX_RANGES]:
        match = _RANGE.fullmatch(part.strip(" \t"))
        if match is None:
            return []
        quality = float(match["quality"] or 1)
        if quality > 0:
            wanted.append((quality, match["tag"].partition("-")[0].lower()))
    wanted.sort(key=lambda each: -each[0])
    return [code for _, code in wanted]


@cache
def translations(code: str) -> gettext.NullTranslations:
    """Return the catalogue of a language, read once; English has none and needs none."""
    if code == "en":
        return gettext.NullTranslations()
    with files("doorward.web").joinpath(f"locale/{code}/LC_MESSAGES/{DOMAIN}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)
