"""The languages that doorward speaks, and which of them somebody reads."""

from typing import Final

LANGUAGES: Final = ("en", "de", "es", "fr", "ar")
"""English is what the sentences are written in; the others are complete, which a test holds."""


def choose_language(wanted: str) -> str:
    """Choose by ``Accept-Language`` (RFC 9110 §12.5.4), or by the name of a language; English for anything else."""
    ranked = []
    for place, part in enumerate(wanted.split(",")[:16]):
        tag, _, weight = part.strip().partition(";q=")
        primary = tag.strip().partition("-")[0].lower()
        if primary in LANGUAGES:
            ranked.append((-_weight(weight), place, primary))
    return min(ranked)[2] if ranked else LANGUAGES[0]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
