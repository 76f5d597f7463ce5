"""The language of a page is chosen, and all its texts are there in it."""

import gettext
import re

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import CODES
from doorward.web import messages
from doorward.web.ages import age
from doorward.web.translation import LANGUAGES, accepted, choose_language, translations
from scripts import translations as script
from scripts.generate_reference import FIELD_CODES

PLACES = re.compile(r"%\(\w+\)[sd]|<[^>]+>")
FOR_PROGRAMS = {
    "https_required", "invalid_grant", "keys_unavailable", "proxy_required", "unsupported_media_type",
}  # fmt: skip
"""Codes that nobody gets in a browser, or that say nothing to a person."""


@pytest.fixture(scope="module")
def template() -> Catalog:
    """Every text of the code and the templates."""
    return script.extract()


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("de", ["de"]),
        ("de-AT, en;q=0.5", ["de", "en"]),
        ("en;q=0.5, fr;q=0.9,ar", ["ar", "fr", "en"]),
        ("es;q=0, de;q=0.001", ["de"]),
        ("de ; q=0.8 , *;q=0.1", ["de", "*"]),
        ("zh-Hant-TW", ["zh"]),
        ("", []),
        ("de;q=1.5", []),
        ("de;q=0.1234", []),
        ("de;quality=1", []),
        ("de,,en", []),
        ("d\u0435", []),
        ("de_DE", []),
        ("a" * 513, []),
    ],
)
def test_accept_language_is_read_strictly(header: str, codes: list[str]) -> None:
    """With its weights; a malformed header says nothing."""
    assert accepted(header) == codes


@given(st.text(max_size=80))
def test_no_accept_language_is_a_defect(header: str) -> None:
    """Whatever is sent."""
    assert choose_language(asked=None, kept=None, accepts=header, default="fr").code in LANGUAGES


@pytest.mark.parametrize(
    ("asked", "kept", "accepts", "chosen"),
    [("ar", "de", "es", "ar"), (None, "de", "es", "de"), ("xx", "", "es", "es"), (None, "", "ja", "fr")],
)
def test_the_strongest_wish_wins(asked: str | None, kept: str, accepts: str, chosen: str) -> None:
    """The address, the cookie, the browser, the setting; a language that is not there is no wish."""
    assert choose_language(asked=asked, kept=kept, accepts=accepts, default="fr").code == chosen


@pytest.mark.parametrize("language", script.LANGUAGES)
def test_catalogues_are_complete_and_agree_with_the_code(language: str, template: Catalog) -> None:
    """Nothing is missing, fuzzy or left over, and the compiled file is that of the text; ``make translations``."""
    catalog = script.merged(language, template)
    kept = script.read(language)

    missing = [message.id for message in kept if message.id and not script.message_is_there(message.string)]
    assert missing == []
    assert [message.id for message in kept if message.id and message.fuzzy] == []
    assert script.path_of(language, ".po").read_bytes() == script.written(catalog)
    assert script.path_of(language, ".mo").read_bytes() == script.compiled(catalog)


@pytest.mark.parametrize("language", script.LANGUAGES)
def test_a_translation_has_the_same_places_and_elements(language: str) -> None:
    """A translation that lacks ``%(email)s``, or has an element of its own, would break a page."""
    for message in script.read(language):
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        allowed = set(PLACES.findall("".join(originals)))
        for string in strings:
            found = set(PLACES.findall(string))
            assert found <= allowed
            assert found == allowed or len(strings) > 1, string


def test_the_languages_are_those_with_catalogues() -> None:
    """English is what stands in the code."""
    assert set(LANGUAGES) == {"en", *script.LANGUAGES}
    assert translations("en").gettext("Log in") == "Log in"
    assert translations("de").gettext("Log in") == "Anmelden"
    assert [code for code, each in LANGUAGES.items() if each.direction == "rtl"] == ["ar"]


def test_what_a_person_can_meet_has_words_of_its_own() -> None:
    """Codes of fields all; codes of problems but for those that only programs get. Others show what came with them."""
    assert set(messages.FIELDS) == set(FIELD_CODES) - {"unknown_field"}
    assert set(messages.PROBLEMS) <= set(CODES)
    assert not set(messages.PROBLEMS) & FOR_PROGRAMS


@pytest.mark.parametrize(
    ("seconds", "english", "arabic"),
    [
        (-5, "just now", "الآن"),
        (59, "just now", "الآن"),
        (60, "1 minute ago", "منذ دقيقة"),
        (150, "2 minutes ago", "منذ دقيقتين"),
        (3 * 3600, "3 hours ago", "منذ 3 ساعات"),
        (11 * 86400, "11 days ago", "منذ 11 يومًا"),
    ],
)
def test_an_age_is_said_as_people_say_it(seconds: int, english: str, arabic: str) -> None:
    """In a language with six plurals, too."""
    assert age(seconds, gettext.NullTranslations()) == english
    assert age(seconds, translations("ar")) == arabic
