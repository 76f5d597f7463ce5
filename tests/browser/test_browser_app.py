"""The example of a browser application, as a person uses it: two tabs, a wrong password, a log-out."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving.client import ROOT
from tests.support.served import Served, serving

EXAMPLE = ROOT / "examples" / "browser_app"
PASSWORD = "seven otters paint a bridge"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the example as its README says."""
    folder = tmp_path_factory.mktemp("example") / "browser_app"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", ".env", "__pycache__"))
    with serving(folder, "--app", "main:app") as started:
        started.run("account", "create", "ada@example.org", typed=PASSWORD)
        yield started


def enter(page: Page, password: str) -> None:
    """Fill in the form."""
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_two_tabs_share_a_log_in_and_a_log_out(chromium: Browser, served: Served) -> None:
    """Nothing is complained about by the browser, nothing is stored, and what is behind the door is gone."""
    complaints: list[str] = []
    with chromium.new_context(base_url=served.origin) as context:
        one, other = context.new_page(), context.new_page()
        for page in (one, other):
            page.on("console", lambda message: complaints.append(message.text))
            page.goto("/")

        enter(one, "wrong otters paint a bridge")
        expect(one.get_by_role("alert")).to_have_text("The login or the password is not right.")
        complaints.clear()  # the browser lists every 401
        enter(one, PASSWORD)
        expect(other.get_by_text("Logged in as ada@example.org")).to_be_visible()
        one.get_by_role("button", name="Another cup").click()
        expect(one.locator("#cups")).to_have_text("1")
        stored = one.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert complaints == []
        other.get_by_role("button", name="Log out").click()
        expect(one.get_by_role("button", name="Log in")).to_be_visible()
        expect(one.get_by_text("ada@example.org")).to_be_hidden()

        assert stored == '[{},{},""]'
        assert one.evaluate("fetch('/api/cups').then((it) => it.status)") == 401
