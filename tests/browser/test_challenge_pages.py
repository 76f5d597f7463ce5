"""A log-in during an attack in a real browser: the page answers its challenge by itself, or says how long to wait."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_pages import new_context, send, violations_of
from tests.support.house import PASSWORD
from tests.support.served import Served, serving

ADA = "ada@example.com"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an instance with Ada's account, in which one stranger's failure is enough for a challenge."""
    limits = {"DOORWARD_LIMITS__PER_ACCOUNT": "1", "DOORWARD_LIMITS__REGISTRATIONS": "1"}
    with serving(tmp_path_factory.mktemp("attacked"), **limits) as started:
        started.run("account", "create", ADA, typed=PASSWORD)
        yield started


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of."""
    return []


@pytest.fixture
def page(chromium: Browser, served: Served, complaints: list[str]) -> Iterator[Page]:
    """Lend a page of a browser that nobody knows, while a stranger is trying Ada's login."""
    attack(served)
    with new_context(chromium, served, complaints) as context:
        yield context.new_page()


def attack(served: Served) -> None:
    """Fail as a stranger: Ada's successes give tries back."""
    with served.client() as client:
        client.post("/v1/login", json={"login": ADA, "password": "wrong"})


def fill_in(page: Page, path: str = "/login") -> None:
    """Open the log-in page, fill it in and send it."""
    page.goto(path)
    page.locator("#login").fill(ADA)
    page.locator("#password").fill(PASSWORD)
    send(page)


def test_the_challenge_is_answered_by_itself(page: Page, complaints: list[str]) -> None:
    """One press of the button: the owner is in, the browser is known from then on, and nothing was complained of."""
    answers: list[int] = []
    page.on("response", lambda got: answers.append(got.status) if got.request.method == "POST" else None)

    fill_in(page)
    page.wait_for_url("**/account")

    assert answers == [429, 303]
    assert complaints == []
    assert "__Host-doorward-device" in {cookie.get("name") for cookie in page.context.cookies()}


def test_a_known_browser_meets_no_challenge(page: Page, served: Served) -> None:
    """Although the attack goes on, and after a log-out."""
    fill_in(page)
    page.wait_for_url("**/account")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/logout")
    for _ in range(3):
        attack(served)
    answers: list[int] = []
    page.on("response", lambda got: answers.append(got.status) if got.request.method == "POST" else None)

    fill_in(page)
    page.wait_for_url("**/account")

    assert answers == [303]


def test_an_answer_that_was_refused_waits_for_a_person(page: Page, complaints: list[str]) -> None:
    """The work is done again and told, but nothing is sent in circles; the button sends it, with the kept password."""
    page.goto("/login")
    page.locator("main form").evaluate(
        """form => form.insertAdjacentHTML("beforeend", '<input type="hidden" name="proof" value="dwc_stale">')"""
    )
    page.locator("#login").fill(ADA)
    page.locator("#password").fill(PASSWORD)
    send(page)

    expect(page.locator(".working [role=status]")).to_have_text("Done. The form can be sent.")
    expect(page.locator(".working progress")).to_have_js_property("value", 8)
    expect(page.locator("#password")).to_have_value("")
    expect(page.locator(".waiting")).to_be_hidden()
    assert violations_of(page) == []
    send(page)
    page.wait_for_url("**/account")
    assert complaints == []


def test_whoever_is_quicker_than_the_work_is_sent_on_when_it_is_done(page: Page) -> None:
    """Pressing the button meanwhile is no second form, and is not lost."""
    held: list[Route] = []
    page.route("**/challenge/worker.js", lambda route: held.append(route))  # Playwright marks what it is given
    fill_in(page)
    expect(page.locator(".working [role=status]")).to_contain_text("One moment")
    send(page)
    assert page.url.endswith("/login")

    held[0].continue_()
    page.wait_for_url("**/account")

    assert len(held) == 1


@pytest.mark.parametrize("language", ["en", "ar"])
def test_where_the_worker_cannot_run_waiting_is_offered(page: Page, language: str) -> None:
    """Some networks filter scripts. The page says how long, and is as accessible as all others."""
    page.route("**/challenge/worker.js", lambda route: route.abort())
    fill_in(page, f"/login?lang={language}")

    expect(page.locator(".waiting")).to_be_visible()
    expect(page.locator(".waiting")).to_contain_text("0:30")
    expect(page.locator(".working")).to_be_hidden()
    assert violations_of(page) == []


def test_without_scripts_the_page_says_how_long_to_wait(
    chromium: Browser, served: Served, complaints: list[str]
) -> None:
    """And keeps login and password; sent too early, it says so again."""
    attack(served)
    with new_context(chromium, served, complaints, java_script_enabled=False) as context:
        page = context.new_page()
        fill_in(page)
        for _ in range(2):
            expect(page.locator(".waiting")).to_contain_text("0:30")
            expect(page.locator(".working")).to_be_hidden()
            expect(page.locator("#login")).to_have_value(ADA)
            expect(page.locator("#password")).to_have_value("")
            send(page)
        expect(page.locator(".waiting")).to_be_visible()


def test_registering_keeps_what_was_chosen(page: Page, served: Served, complaints: list[str]) -> None:
    """One press of the button there, too."""
    with served.client() as client:
        client.post("/v1/accounts", json={"email": "first@example.com", "password": PASSWORD})
    page.goto("/register")
    page.locator("#email").fill("new@example.com")
    page.locator("#password").fill(PASSWORD)
    send(page)
    page.wait_for_url("**/account")

    expect(page.locator("main")).to_contain_text("new@example.com")
    assert complaints == []
