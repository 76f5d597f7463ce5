"""The pages in a real browser: the way through them, their access, their looks, and what is left after a log-out."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.house import PASSWORD
from tests.support.served import Served

ADA = "ada@example.com"
EXPECTED = ("the server responded with a status of 4", "Clear-Site-Data header")
"""What Chromium says about a refusal and about a log-out, which are as they should be."""
PUBLIC = ("/login", "/register", "/logout", "/nowhere")
PRIVATE = ("/account", "/account/password", "/account/sessions", "/logout")


@pytest.fixture(scope="module")
def ada(served: Served) -> str:
    """Register somebody, once."""
    with served.client() as client:
        client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD}).raise_for_status()
    return ADA


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: content policy, failed files, errors of scripts."""
    return []


@pytest.fixture
def context(chromium: Browser, served: Served, complaints: list[str]) -> Iterator[BrowserContext]:
    """Lend a fresh browser profile."""
    with new_context(chromium, served, complaints) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Lend a page of it."""
    return context.new_page()


def new_context(chromium: Browser, served: Served, complaints: list[str], **options: object) -> BrowserContext:
    """Open a profile that writes down what the browser complains of."""
    opened = chromium.new_context(base_url=served.origin, locale="en-GB", **options)  # type: ignore[arg-type]
    opened.set_default_timeout(10_000)

    def complain(text: str) -> None:
        if not any(word in text for word in EXPECTED):
            complaints.append(text)

    opened.on("console", lambda message: complain(message.text))
    opened.on("weberror", lambda error: complain(str(error.error)))
    return opened


def send(page: Page) -> None:
    """Press the button of the page's form."""
    page.locator("main button[type=submit]").first.click()


def log_in(page: Page, login: str = ADA, password: str = PASSWORD, path: str = "/login") -> None:
    """Log in by the page."""
    page.goto(path)
    page.locator("#login").fill(login)
    page.locator("#password").fill(password)
    send(page)
    page.wait_for_url("**/account**")


def violations_of(page: Page) -> list[str]:
    """What axe-core has against a page, by the rules of WCAG 2.2 AA and its own good practice."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_life_with_the_pages(chromium: Browser, served: Served, complaints: list[str], scripts: bool) -> None:
    """Registering, the account, another password, other sessions, logging out, and nothing behind the back button."""
    email = f"life{scripts}@example.com".lower()
    with (
        new_context(chromium, served, complaints, java_script_enabled=scripts) as mine,
        new_context(chromium, served, complaints, java_script_enabled=scripts) as other,
    ):
        page, elsewhere = mine.new_page(), other.new_page()
        page.goto("/account")
        page.get_by_role("link", name="Register").click()
        page.get_by_label("E-mail address").fill(email)
        page.locator("#password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url("**/account")
        expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
        expect(page.locator("main")).to_contain_text(email)

        page.get_by_label("Name", exact=False).first.fill("Ada Lovelace")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Your profile has been saved.")

        log_in(elsewhere, email)
        page.get_by_role("link", name="Sessions").click()
        expect(page.locator(".sessions-list li")).to_have_count(2)
        expect(page.locator(".sessions-list li").first).to_contain_text("this device")
        page.get_by_role("button", name="End", exact=True).click()
        expect(page.locator(".sessions-list li")).to_have_count(1)
        elsewhere.goto("/account")
        expect(elsewhere).to_have_url(re.compile("/login"))
        log_in(elsewhere, email)

        page.get_by_role("link", name="Password").click()
        page.locator("#current_password").fill(PASSWORD)
        page.locator("#new_password").fill("another long enough phrase")
        page.get_by_role("button", name="Change password").click()
        expect(page.locator(".notice")).to_contain_text("Your password has been changed.")
        elsewhere.goto("/account")
        expect(elsewhere).to_have_url(re.compile("/login"))

        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
        page.go_back()
        page.wait_for_load_state()
        expect(page.locator("body")).not_to_contain_text("Change password")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing(
    chromium: Browser, served: Served, complaints: list[str], ada: str, scheme: str, language: str
) -> None:
    """On no page, in no scheme, in no direction, and not in a form that comes back."""
    with new_context(chromium, served, complaints, color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        found = {}
        for path in PUBLIC:
            page.goto(f"{path}?lang={language}")
            found[path] = violations_of(page)
        page.goto("/login")
        page.locator("#login").fill(ada)
        page.locator("#password").fill("wrong")
        send(page)
        found["mistake"] = violations_of(page)
        page.goto("/register")
        page.locator("#email").fill("new@example.com")
        page.locator("#password").fill("aaaaaaaa")
        page.locator("[data-score='0'], [data-score='1']").wait_for()
        send(page)
        found["mistakes"] = violations_of(page)
        log_in(page)
        for path in PRIVATE:
            page.goto(path)
            found[path] = violations_of(page)

    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_nothing_scrolls_sideways_on_a_narrow_screen(
    chromium: Browser, served: Served, complaints: list[str], ada: str, language: str
) -> None:
    """At 320 pixels (WCAG 2.2 §1.4.10), in the language with the longest words and in the other direction too."""
    wide = {}
    with new_context(chromium, served, complaints, viewport={"width": 320, "height": 568}) as context:
        page = context.new_page()
        for path in PUBLIC:
            page.goto(f"{path}?lang={language}")
            wide[path] = page.evaluate("document.documentElement.scrollWidth")
        log_in(page)
        for path in PRIVATE:
            page.goto(path)
            wide[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: width for path, width in wide.items() if width > 320} == {}


def test_the_keyboard_is_enough(page: Page, ada: str) -> None:
    """The skip link first, then field by field; every stop is visible; a mistake moves the focus to its summary."""
    page.goto("/login")
    assert page.evaluate("document.activeElement.id") == "login"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    stops = []
    for _ in range(5):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert stops[:4] == ["login", "password", "reveal", "remember"]

    page.locator("#login").focus()
    page.keyboard.type(ada)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".alert")).to_be_focused()
    page.locator("#password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")


def test_a_password_can_be_shown(page: Page) -> None:
    """By a button that says its state, with the mark of a password again when it is sent."""
    page.goto("/login")
    button = page.get_by_role("button", name="Show password")
    page.locator("#password").fill("secret")

    button.click()

    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#password")).to_have_attribute("type", "text")
    expect(page.locator("#password")).to_be_focused()
    button.click()
    expect(page.locator("#password")).to_have_attribute("type", "password")


def test_the_strength_is_told_while_typing(page: Page, complaints: list[str]) -> None:
    """Once a pause, not once a key; a password like the address is weak, a few words are good."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/check") else None)
    page.goto("/register")
    page.locator("#email").fill("wonderland@example.com")
    page.locator("#password").press_sequentially("wonderland", delay=10)
    expect(page.locator(".verdict")).to_have_text(re.compile("eak"))
    assert len(asked) <= 2

    page.locator("#password").fill(PASSWORD)
    expect(page.locator(".verdict")).to_have_text("Strong")
    page.locator("#password").fill("")

    expect(page.locator(".strength")).to_have_attribute("data-score", "")
    assert complaints == []


def test_without_scripts_there_is_no_button_that_does_nothing(
    chromium: Browser, served: Served, complaints: list[str]
) -> None:
    """Neither the button that shows a password nor the meter."""
    with new_context(chromium, served, complaints, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/register")

        expect(page.locator(".reveal")).to_be_hidden()
        expect(page.locator(".strength")).to_be_hidden()


def test_times_are_those_of_the_visitor(page: Page, ada: str) -> None:
    """In the page's language, with the exact time to point at."""
    log_in(page)

    page.goto("/account?lang=de")
    expect(page.locator("time")).to_have_text(re.compile(r"^\d+\. \w+ 20\d\d$"))
    page.goto("/account/sessions")
    expect(page.locator("time").first).to_have_attribute("title", re.compile(r"um \d\d:\d\d"))


def test_what_was_typed_survives_the_end_of_the_session(page: Page, ada: str) -> None:
    """In another tab somebody logs out; the form is sent, the log-in asked for, and then the form is there, filled."""
    log_in(page)
    page.locator("#name").fill("Typed for a long time")
    page.context.clear_cookies(name="__Host-doorward")

    page.get_by_role("button", name="Save").click()
    page.locator("#login").fill(ada)
    page.locator("#password").fill(PASSWORD)
    send(page)
    page.wait_for_url("**/account")

    expect(page.locator("#name")).to_have_value("Typed for a long time")


def test_the_language_is_switched_where_one_is(page: Page) -> None:
    """And the choice stays."""
    page.goto("/login?return_to=/account/sessions")
    page.get_by_role("link", name="Deutsch").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert "return_to=" in page.url
    page.goto("/register")
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_targets_are_large_enough(page: Page, ada: str) -> None:
    """Everything to press is at least 24 pixels each way (WCAG 2.2 §2.5.8), or a link within a sentence."""
    small = {}
    for path in ("/login", "/register"):
        page.goto(path)
        small[path] = small_targets(page)
    log_in(page)
    for path in PRIVATE:
        page.goto(path)
        small[path] = small_targets(page)

    assert {path: found for path, found in small.items() if found} == {}


def small_targets(page: Page) -> list[str]:
    """Controls that are shown and smaller than 24 pixels."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
            .filter((each) => !each.closest("p, .skip, label") && !each.matches(".skip, .away"))
            .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
    )
    return found
