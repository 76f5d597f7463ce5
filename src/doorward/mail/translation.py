"""The languages of the letters: which one somebody reads, and where its sentences are."""

import gettext
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

RIGHT_TO_LEFT: Final = frozenset({"ar"})


def translate(sentence: str, language: str) -> str:
    """Return the sentence in a language."""
    return _catalogue(language).gettext(sentence)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    folder = resources.files("doorward.mail") / "locale"
    return gettext.translation("mail", Path(str(folder)), [language], fallback=True)
