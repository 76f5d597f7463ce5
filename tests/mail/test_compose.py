"""What letters say, in every language, in both parts."""

import pytest

from doorward.mail.compose import compose
from doorward.mail.letters import LETTERS
from doorward.web.translation import LANGUAGES

FACTS = {
    "at": 1_800_000_000,
    "until": 1_800_001_800,
    "device": "Firefox, Linux",
    "network": "203.0.113.0/24",
    "address": "n…@b.test",
}
LINK = "https://auth.example.test/reset?challenge=chl_x#token=dwp_y"


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_is_whole_in_every_language(letter: str, language: str) -> None:
    """No placeholder is left over, no sentence is missing, and both parts carry link and code."""
    composed = compose(letter, language=language, service="The Door", facts=FACTS, link=LINK, code="12345678")

    for part in (composed.text, composed.html):
        assert "{" not in part.replace("{color", "")
        assert "The Door" in part
        assert LINK in part.replace("&amp;", "&")
        assert "1234 5678" in part
        assert "2027-01-15 08:30 UTC" in part
    assert "\n" not in composed.subject
    assert f'lang="{language}"' in composed.html
    if language != "en":
        assert composed.subject != compose(letter, language="en", service="The Door", facts=FACTS).subject


def test_arabic_is_written_from_right_to_left() -> None:
    """And the code is not."""
    html = compose("reset_password", language="ar", service="Door", facts=FACTS, link=LINK, code="12345678").html

    assert '<html lang="ar" dir="rtl">' in html
    assert '<bdi dir="ltr">1234 5678</bdi>' in html


def test_a_language_that_is_not_spoken_is_english() -> None:
    """A row of a newer version must not keep a mail from being sent."""
    assert compose("test", language="tlh", service="Door", facts={}).subject == "A test from Door"


def test_a_device_that_nobody_knows_is_called_so() -> None:
    """An empty row would look like a mistake."""
    assert "Device: unknown" in compose("new_device", language="en", service="Door", facts={"device": ""}).text
