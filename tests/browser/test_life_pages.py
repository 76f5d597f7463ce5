"""The pages behind the links of mails, in a real Chromium in front of a real server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.house import PASSWORD
from tests.support.life import OTHER_PASSWORD
from tests.support.served import Served, serving

MAILED = {"DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "required", "DOORWARD_VERIFICATION__SIGN_IN_LINKS": "true"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a fresh instance that proves addresses, with mail in files."""
    with serving(tmp_path_factory.mktemp("mailed"), **MAILED) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    """A fresh window."""
    context = chromium.new_context(base_url=served.origin)
    yield context.new_page()
    context.close()


def newest(served: Served, page: Page, count: int, to: str = "ada@example.test") -> dict[str, str]:
    """Wait for somebody's ``count``-th mail, and return it."""
    folder = served.folder / "data" / "mail"
    for _ in range(200):
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        mails = [dict(json.loads(file.read_text("utf-8"))) for file in files]
        theirs = [mail for mail in mails if mail["recipient"] == to]
        if len(theirs) >= count:
            return theirs[-1]
        page.wait_for_timeout(50)
    raise AssertionError("no mail came")


def link_of(mail: dict[str, str]) -> str:
    """The address behind the button."""
    return next(line for line in mail["text"].splitlines() if line.startswith("https://"))


def test_a_life_in_the_browser(served: Served, page: Page) -> None:
    """Register, follow the link, forget, follow the link, log in: the secret never reaches the server's logs."""
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))

    page.goto("/register")
    page.fill("#email", "ada@example.test")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/verify?challenge=*")
    page.goto(link_of(newest(served, page, 1)))
    assert page.locator("#code").count() == 0
    assert "#" not in page.url
    page.click("main form button[type=submit] >> nth=0")
    page.wait_for_url("**/login")
    assert "confirmed" in page.inner_text("main")

    page.click("text=Forgotten your password?")
    page.fill("#login", "ada@example.test")
    page.click("main button[type=submit]")
    page.wait_for_url("**/reset?challenge=*")
    page.goto(link_of(newest(served, page, 2)))
    page.fill("#new_password", OTHER_PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/login")
    page.fill("#login", "ada@example.test")
    page.fill("#password", OTHER_PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/account")

    assert not [url for url in requested if "dwv_" in url.partition("#")[0] or "dwp_" in url.partition("#")[0]]


@pytest.mark.parametrize("path", ["/verify?challenge=chl_x", "/forgot", "/reset?challenge=chl_x", "/sign-in", "/undo"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_page_has_no_violation_of_accessibility(page: Page, path: str, language: str, tmp_path: Path) -> None:
    """axe-core finds nothing, in both directions of writing."""
    from axe_playwright_python.sync_playwright import Axe

    page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


def test_the_development_page_shows_mails(served: Served, page: Page) -> None:
    """With their links to follow."""
    page.goto("/register")
    page.fill("#email", "eve@example.test")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/verify?challenge=*")
    newest(served, page, 1, "eve@example.test")

    page.goto("/dev/mail")

    assert page.inner_text("h1") == "Mail of this machine"
