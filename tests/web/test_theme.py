"""A theme is legible, and cannot be anything but a theme."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.settings import Pages
from doorward.web.theme import (
    CONTRAST,
    DARK_PAPER,
    LIGHT_PAPER,
    check_theme,
    contrast,
    legible_on,
    parse_colour,
    stylesheet,
    text_on,
)

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def test_nothing_set_is_nothing_said() -> None:
    """The design stands in the shipped stylesheet."""
    assert stylesheet(Pages()) == ""
    assert list(check_theme(Pages())) == []


def test_a_theme_is_a_handful_of_variables() -> None:
    """Of both schemes, from one accent."""
    css = stylesheet(Pages(accent="#FF8800", radius=0, font=("Inter", "Segoe UI")))

    assert css == (
        ':root{--accent:#ad5c00;--on-accent:#ffffff;--radius:0px;--font:"Inter","Segoe UI",system-ui,sans-serif}'
        "@media (prefers-color-scheme:dark){:root{--accent:#ff8800;--on-accent:#000000}}"
    )
    assert stylesheet(Pages(radius=4)) == ":root{--radius:4px}"


@given(COLOURS)
def test_every_accent_is_legible(colour: tuple[int, int, int]) -> None:
    """On both papers, and so is what stands on it (WCAG 2.2 §1.4.3)."""
    for paper in (LIGHT_PAPER, DARK_PAPER):
        accent = legible_on(paper, colour)

        assert contrast(accent, paper) >= CONTRAST
        assert contrast(text_on(accent), accent) >= CONTRAST


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21 to 1; grey #767676 on white is the known 4.54."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(parse_colour("#767676"), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("text", ["red", "#fff", "#12345g", "#123456;}", "url(x)", "#123456\n"])
def test_what_is_no_colour_is_found_at_start(text: str) -> None:
    """And never written."""
    assert [finding.what for finding in check_theme(Pages(accent=text))] == ["pages.accent is no colour."]
    with pytest.raises(ValueError, match="not a colour"):
        parse_colour(text)


@pytest.mark.parametrize("name", ['x"', "x;y", "url(//evil)", "x}y", "@import", "x\\", "", " Inter", "x" * 60, "Ünter"])
def test_what_is_no_name_of_a_font_is_found_at_start(name: str) -> None:
    """Nothing gets out of the quotes."""
    assert [finding.what for finding in check_theme(Pages(font=("Inter", name)))]


def test_the_shipped_papers_are_those_that_themes_are_made_for() -> None:
    """The contrast is computed against the card of the stylesheet."""
    from importlib.resources import files

    css = files("doorward.web").joinpath("static/pages.css").read_text(encoding="utf-8")

    assert re.findall(r"--card: (#\w+);", css) == ["#fff", "#" + bytes(DARK_PAPER).hex()]
