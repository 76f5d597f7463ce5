"""A session that ends in the middle of a form does not lose what was typed."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.visitor import Visitor

TYPED = {"name": "Augusta Ada ☕", "username": "countess"}


async def typing(ada: Visitor) -> dict[str, str]:
    """Log in, open the profile and return its hidden fields."""
    await ada.log_in()
    await ada.open("/account")
    return ada.hidden


@pytest.mark.parametrize("how", ["expired", "ended", "logged out"])
async def test_what_was_typed_is_there_after_logging_in_again(ada: Visitor, house: House, how: str) -> None:
    """It is filled in, not saved, and said to be so; the next time it is gone."""
    hidden = await typing(ada)
    if how == "expired":
        house.clock.advance(13 * 3600)
    elif how == "ended":
        await house.auth.sessions.end_all((await house.log_in())["account"]["id"], why="test")
    else:
        ada.browser.cookies.clear()

    sent_off = await ada.browser.post("/account", data={**hidden, **TYPED})
    assert (sent_off.status_code, sent_off.headers["location"]) == (303, "/login?return_to=/account")
    answer = await ada.log_in(return_to="/account")
    await ada.open(answer.headers["location"])

    assert {name: ada.value(name) for name in TYPED} == TYPED
    assert "nothing has been saved yet" in ada.text
    await ada.open("/account")
    assert ada.value("name") == ""


async def test_somebody_else_does_not_see_it(ada: Visitor, house: House) -> None:
    """At the same browser, after the first one's session had ended."""
    hidden = await typing(ada)
    await house.register("grace@example.test")
    ada.browser.cookies.clear()
    await ada.browser.post("/account", data={**hidden, **TYPED})

    await ada.fill("/login", {"login": "grace@example.test", "password": PASSWORD})
    await ada.open("/account")

    assert ada.value("name") == ""
    assert "Augusta" not in ada.text


async def test_a_password_is_never_kept(ada: Visitor) -> None:
    """The form of the password is simply empty."""
    await ada.log_in()
    await ada.open("/account/password")
    hidden = ada.hidden
    ada.browser.cookies.clear()

    answer = await ada.browser.post(
        "/account/password", data={**hidden, "current_password": PASSWORD, "new_password": "a new long secret"}
    )

    assert answer.headers["location"] == "/login?return_to=/account/password"
    assert not any("draft" in cookie for cookie in answer.headers.get_list("set-cookie"))


async def test_without_a_sign_of_its_owner_nothing_is_kept(ada: Visitor) -> None:
    """Nobody could tell whom it may be shown to."""
    ada.browser.cookies.clear()

    answer = await ada.browser.post("/account", data=TYPED)

    assert answer.headers["location"] == "/login?return_to=/account"
    assert "set-cookie" not in answer.headers


async def test_a_session_that_ends_while_the_form_is_taken_is_the_same(
    ada: Visitor, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is lost like the others."""
    from doorward.errors import SessionEnded

    hidden = await typing(ada)

    async def ended(*_: object, **__: object) -> None:
        raise SessionEnded("just now")

    monkeypatch.setattr(house.auth.accounts, "update", ended)
    answer = await ada.browser.post("/account", data={**hidden, **TYPED})

    assert answer.headers["location"] == "/login?return_to=/account"
