"""Markup in whatever others can get into a page: it is text there (cross-site scripting)."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.visitor import ADA, Visitor

MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{1234*4321}}${1234*4321}"


def is_harmless(text: str) -> bool:
    """Tell whether nothing of it became an element, and no template was run over it."""
    return "<script>" not in text and "<img src=x" not in text and "5332114" not in text


async def test_what_is_typed_comes_back_as_text(house: House) -> None:
    """In the fields of a form with a mistake."""
    somebody = Visitor(house)

    await somebody.fill("/login", {"login": MARKUP, "password": "x"})

    assert somebody.answer is not None
    assert is_harmless(somebody.answer.text)
    assert somebody.value("login") == MARKUP


async def test_what_is_stored_is_shown_as_text(house: House) -> None:
    """A name, an address, and the user agent and the notices of a session."""
    await house.register(profile={"name": MARKUP})
    await house.client.post("/v1/login", json={"login": ADA, "password": PASSWORD}, headers={"User-Agent": MARKUP})
    ada = Visitor(house)
    ada.browser.headers["User-Agent"] = "<b>Mozilla</b>/5.0"
    await ada.log_in()

    for path in ("/account", "/account/sessions", "/account/password"):
        assert is_harmless((await ada.open(path)).text)
        assert "<b>Mozilla" not in ada.answer.text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "path",
    ["/login?return_to={}", "/login?lang={}", "/register?{}", "/account/sessions?cursor={}", "/{}", "/static/{}"],
)
async def test_an_address_is_text(house: House, path: str) -> None:
    """Wherever it appears."""
    await house.register()
    ada = Visitor(house)
    await ada.log_in()

    answer = await ada.open(path.format(MARKUP))

    assert is_harmless(answer.text)


async def test_a_notice_is_one_of_ours(house: House) -> None:
    """A cookie names a sentence; it does not bring one."""
    house.browser.cookies.set("__Host-doorward-notice", "You-have-won", domain="auth.example.test")

    answer = await house.browser.get("/login")

    assert "won" not in answer.text
