"""The page that explains the contract, as a person's browser shows it."""

from playwright.sync_api import Browser

from tests.support.served import Served


def test_the_contract_is_shown_without_a_complaint_of_the_browser(chromium: Browser, served: Served) -> None:
    """With its style, and nothing that the content policy had to refuse."""
    complaints: list[str] = []
    with chromium.new_context(base_url=served.origin) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))

        page.goto("/docs")

        assert page.locator("h1").inner_text() == "doorward"
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "992px"
    assert complaints == []
