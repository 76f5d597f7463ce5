"""The looks that settings may choose: a handful of CSS variables, from values that cannot be anything but values. Pure.

Each value is parsed and written anew, so nothing of a setting reaches the stylesheet as it was written. One accent is
enough: what stands on it, and the shade that is legible on dark paper, are computed to the contrast of WCAG 2.2
(§1.4.3: 4.5 to 1), so that a theme cannot make a page illegible.
"""

import re
from collections.abc import Iterator
from typing import Final

from doorward.errors import Finding
from doorward.settings import Pages

Colour = tuple[int, int, int]

LIGHT_PAPER: Final[Colour] = (0xFF, 0xFF, 0xFF)
DARK_PAPER: Final[Colour] = (0x1B, 0x21, 0x1E)
CONTRAST: Final = 4.5

_HEX: Final = re.compile(r"#([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})")
_FAMILY: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 -]{0,38}[A-Za-z0-9])?")
_WHITE: Final[Colour] = (0xFF, 0xFF, 0xFF)
_BLACK: Final[Colour] = (0, 0, 0)


def check_theme(pages: Pages) -> Iterator[Finding]:
    """Find values that are no colour or no name of a font."""
    if pages.accent and _HEX.fullmatch(pages.accent) is None:
        yield Finding("pages.accent is no colour.", "Write it with six hexadecimal digits, like #1d5b4f")
    if not all(map(_FAMILY.fullmatch, pages.font)):
        yield Finding("pages.font lists something else than names of fonts.", "Write it like: Inter, Segoe UI")


def stylesheet(pages: Pages) -> str:
    """Write the variables that differ from the default as CSS; empty where nothing differs."""
    always: list[str] = []
    dark: list[str] = []
    if pages.accent:
        light = legible_on(LIGHT_PAPER, parse_colour(pages.accent))
        always += [f"--accent:{_written(light)}", f"--on-accent:{_written(text_on(light))}"]
        bright = legible_on(DARK_PAPER, parse_colour(pages.accent))
        dark += [f"--accent:{_written(bright)}", f"--on-accent:{_written(text_on(bright))}"]
    if pages.radius is not None:
        always.append(f"--radius:{int(pages.radius)}px")
    if pages.font:
        families = ",".join(f'"{family}"' for family in pages.font)
        always.append(f"--font:{families},system-ui,sans-serif")
    css = f":root{{{';'.join(always)}}}" if always else ""
    return css + (f"@media (prefers-color-scheme:dark){{:root{{{';'.join(dark)}}}}}" if dark else "")


def parse_colour(text: str) -> Colour:
    """Read ``#rrggbb``. Raises ``ValueError``."""
    match = _HEX.fullmatch(text)
    if match is None:
        raise ValueError("not a colour")
    return int(match[1], 16), int(match[2], 16), int(match[3], 16)


def legible_on(paper: Colour, colour: Colour) -> Colour:
    """Return the colour, mixed with so much black or white as it takes to be legible on the paper."""
    target = _WHITE if luminance(paper) < 0.2 else _BLACK
    mixtures = (_mix(colour, target, percent) for percent in range(0, 101, 4))
    return next(mixed for mixed in mixtures if contrast(mixed, paper) >= CONTRAST)


def text_on(colour: Colour) -> Colour:
    """Return black or white, whichever is easier to read on the colour; one of them always has 4.5 to 1."""
    return _WHITE if contrast(_WHITE, colour) >= CONTRAST else _BLACK


def contrast(one: Colour, other: Colour) -> float:
    """Compute the contrast ratio of WCAG 2.2: 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    """Compute the relative luminance of WCAG 2.2: 0 for black, 1 for white."""
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _mix(colour: Colour, target: Colour, percent: int) -> Colour:
    red, green, blue = (round(one + (other - one) * percent / 100) for one, other in zip(colour, target, strict=True))
    return red, green, blue


def _written(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
