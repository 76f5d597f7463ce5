"""Single templates can be replaced, and a wrong one is found at start."""

import re
from pathlib import Path

import pytest

from doorward.app import Doorward
from doorward.errors import Misconfigured
from doorward.settings import Pages, Settings
from tests.support.house import open_house, settings_for


def with_templates(settings: Settings, folder: Path, **templates: str) -> Settings:
    """Settings with a folder of templates."""
    folder.mkdir()
    for name, text in templates.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return settings_for(settings.database_url, settings.data_dir, pages=Pages(templates=folder))


async def test_a_template_extends_the_one_it_replaces(settings: Settings, tmp_path: Path) -> None:
    """One block is another, the rest is as it was; other pages do not change."""
    own = (
        "{% extends 'doorward/login.html' %}{% block title %}{{ _('Log in') }} at the {{ service_name }}{% endblock %}"
    )
    changed = with_templates(settings, tmp_path / "own", login=own)

    async with open_house(changed) as house:
        page = await house.browser.get("/login?lang=de")
        other = await house.browser.get("/register")

    assert "<title>Anmelden at the doorward · doorward</title>" in page.text
    assert 'name="form_token"' in page.text
    assert "at the" not in other.text


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("login", "{% if %}", "is no template: Expected an expression"),
        ("login", "{% extends 'nothing.html' %}", "is no template: "),
        ("login", "{{ passwort }}", "uses passwort, which that page does not have"),
        ("log-in", "Hello", "replaces no page"),
    ],
)
def test_a_wrong_template_is_found_at_start(
    settings: Settings, tmp_path: Path, name: str, text: str, what: str
) -> None:
    """With its file and what is wrong with it; not when somebody asks for the page."""
    changed = with_templates(settings, tmp_path / "own", **{name: text})

    with pytest.raises(Misconfigured) as refused:
        Doorward(changed)

    assert what in str(refused.value)
    assert f"{name}.html" in str(refused.value)


def test_a_template_is_text_in_utf_8(settings: Settings, tmp_path: Path) -> None:
    """Other bytes are found too."""
    changed = with_templates(settings, tmp_path / "own")
    (tmp_path / "own" / "login.html").write_bytes(b"\xff")

    with pytest.raises(Misconfigured):
        Doorward(changed)


async def test_a_template_that_fails_all_the_same_gives_way_to_ours(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """People can still log in, and the operator reads why the page looks like ours."""
    changed = with_templates(settings, tmp_path / "own", login="{{ visit.nothing_like_that }}")

    async with open_house(changed) as house:
        page = await house.browser.get("/login")

    assert 'name="form_token"' in page.text
    assert "the template login.html of pages.templates failed" in caplog.text


async def test_every_template_says_which_variables_it_gets(settings: Settings) -> None:
    """The check at start, and the how-to page, rest on it."""
    from doorward.pages import VARIABLES

    names = Doorward(settings).pages.templates.names()

    assert {name for name in names if not name.startswith("doorward/")} - {"reference.html"} == set(VARIABLES)


def test_the_how_to_page_lists_every_template_with_its_variables() -> None:
    """Who replaces one reads there what it gets."""
    from doorward.pages import VARIABLES

    page = (Path(__file__).resolve().parents[2] / "docs/how-to/replace-a-template.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+\.html)` \| (.+) \|$", page, re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", text.partition("(")[0])) for name, text in rows} == VARIABLES
