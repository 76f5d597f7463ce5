"""What is set for pages can be shown, or the start is refused."""

from pathlib import Path

import pytest

from doorward.configuration import check_settings
from doorward.settings import Pages
from tests.support.house import settings_for


def findings_of(folder: Path, **changes: object) -> list[str]:
    """What a start has against pages that are set like this."""
    settings = settings_for(f"sqlite:///{folder}/x.db", folder, pages=Pages(**changes))  # type: ignore[arg-type]
    return [finding.what for finding in check_settings(settings)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"home": "/app", "return_origins": ("https://app.example.com", "https://b.example.com:8443")},
        {"home": "https://app.example.com/start?x=1", "return_origins": ("https://app.example.com",)},
        {"imprint_url": "https://example.com/imprint#contact", "privacy_url": "/privacy", "terms_url": "/t?a=b"},
        {"support_url": "mailto:help@example.com", "accent": "#1d5b4f", "radius": 0, "font": ("Inter",)},
    ],
)
def test_what_can_be_shown_is_fine(tmp_path: Path, changes: dict[str, object]) -> None:
    """Addresses, paths, colours and fonts."""
    assert findings_of(tmp_path, **changes) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"home": "//evil.example"}, "pages.home"),
        ({"home": "https://app.example.com/"}, "pages.home"),
        ({"return_origins": ("https://app.example.com/",)}, "pages.return_origins"),
        ({"return_origins": ("http://app.example.com",)}, "pages.return_origins"),
        ({"return_origins": ("https://*.example.com",)}, "pages.return_origins"),
        ({"imprint_url": "javascript:alert(1)"}, "pages.imprint_url"),
        ({"privacy_url": "http://example.com"}, "pages.privacy_url"),
        ({"terms_url": "//example.com"}, "pages.terms_url"),
        ({"privacy_url": "mailto:a@example.com"}, "pages.privacy_url"),
        ({"support_url": "mailto:a@example.com?subject=x y"}, "pages.support_url"),
        ({"accent": "red"}, "pages.accent"),
        ({"font": ("x;",)}, "pages.font"),
        ({"radius": 99}, "pages.radius"),
        ({"logo": Path("missing.svg")}, "pages.logo"),
        ({"templates": Path("missing")}, "pages.templates"),
    ],
)
def test_what_cannot_be_shown_is_found(tmp_path: Path, changes: dict[str, object], word: str) -> None:
    """By the name of its setting."""
    found = findings_of(tmp_path, **changes)

    assert len(found) == 1
    assert found[0].startswith(word)


@pytest.mark.parametrize(("name", "size", "what"), [("a.gif", 9, "no picture"), ("a.png", 300_000, "larger")])
def test_a_logo_is_a_small_picture(tmp_path: Path, name: str, size: int, what: str) -> None:
    """Of a kind that we serve."""
    logo = tmp_path / name
    logo.write_bytes(b"x" * size)

    assert what in findings_of(tmp_path, logo=logo)[0]
