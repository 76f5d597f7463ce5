"""After a log-out the back button shows nothing, also in a browser that keeps whole pages in memory (bfcache)."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.conftest import _FLAGS, _pin_of
from tests.support.house import PASSWORD
from tests.support.served import Served


@pytest.fixture
def remembering(playwright: Playwright, served: Served) -> Iterator[Browser]:
    """Lend a browser with the back-forward cache, which Playwright switches off."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=[
            *_FLAGS,
            f"--ignore-certificate-errors-spki-list={_pin_of(served)}",
            "--enable-features=BackForwardCache",
        ],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield browser
    browser.close()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["by the button", "ended elsewhere"])
def test_the_back_button_shows_nothing(remembering: Browser, served: Served, elsewhere: bool) -> None:
    """Whether the page's own button ended the session or somebody did elsewhere."""
    email = f"back{elsewhere}@example.com".lower()
    with served.client() as client:
        client.post("/v1/accounts", json={"email": email, "password": PASSWORD}).raise_for_status()
    with remembering.new_context(base_url=served.origin, locale="en-GB") as context:
        page = context.new_page()
        page.goto("/login")
        page.locator("#login").fill(email)
        page.locator("#password").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.wait_for_url("**/account")
        expect(page.locator("main")).to_contain_text(email)
        if elsewhere:
            page.goto("/docs")
            served.run("account", "end-sessions", email)
        else:
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")

        page.go_back()

        expect(page.locator("body")).not_to_contain_text(email)
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
