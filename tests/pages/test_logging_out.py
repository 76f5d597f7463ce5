"""Logging out, visibly."""

from tests.support.house import House
from tests.support.visitor import Visitor


async def test_a_get_asks_and_a_post_does(ada: Visitor) -> None:
    """Nothing changes by GET; afterwards the page says what has happened."""
    await ada.log_in()

    await ada.open("/logout")
    assert "Log out?" in ada.text
    assert (await ada.open("/account")).status_code == 200
    await ada.open("/logout")
    answer = await ada.send("/logout", {})
    gone = await ada.open("/account")
    await ada.open("/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/logout")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert answer.headers["set-cookie"].startswith("__Host-doorward=;")
    assert gone.status_code == 303
    assert "You are logged out" in ada.text


async def test_the_button_of_every_account_page_logs_out(ada: Visitor) -> None:
    """Without another question."""
    await ada.log_in()
    page = await ada.open("/account")
    token = page.text.split('name="form_token" value="')[1].split('"')[0]

    answer = await ada.browser.post("/logout", data={"form_token": token})

    assert answer.headers["location"] == "/logout"
    assert (await ada.open("/account")).status_code == 303


async def test_logging_out_twice_is_no_mistake(ada: Visitor, house: House) -> None:
    """What is asked for is so already."""
    await ada.log_in()
    await ada.open("/logout")
    fields = ada.hidden
    cookie = ada.browser.cookies["__Host-doorward"]
    await ada.send("/logout", {})
    ada.browser.cookies.set("__Host-doorward", cookie, domain="auth.example.test")

    answer = await ada.browser.post("/logout", data=fields)

    assert (answer.status_code, answer.headers["location"]) == (303, "/logout")


async def test_pages_of_an_account_are_never_stored(ada: Visitor) -> None:
    """So the back button has nothing to show."""
    await ada.log_in()

    for path in ("/account", "/account/password", "/account/sessions", "/logout", "/login"):
        assert (await ada.open(path)).headers["cache-control"] == "no-store"


async def test_the_chosen_language_outlives_the_log_out(ada: Visitor) -> None:
    """Its cookie is cleared with the others, so the address hands it on."""
    await ada.log_in()
    await ada.open("/logout?lang=fr")

    answer = await ada.send("/logout", {})

    assert answer.headers["location"] == "/logout?lang=fr"
