"""Cross-site request forgery against the forms of pages: logging in, registering and logging out as well."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.visitor import ADA, Visitor

pytestmark = pytest.mark.usefixtures("quick")

FORMS = {
    "/login": {"login": ADA, "password": PASSWORD},
    "/register": {"email": "new@example.test", "password": PASSWORD},
    "/account": {"name": "Mallory", "username": "mallory"},
    "/account/password": {"current_password": PASSWORD, "new_password": "mallory knows this one"},
    "/account/sessions": {"end": "all"},
    "/logout": {},
}


@pytest.fixture
async def ada(house: House) -> Visitor:
    """Somebody registered."""
    await house.register()
    return Visitor(house)


async def ready(ada: Visitor, path: str) -> dict[str, str]:
    """Open the page of a form, logged in where it needs that, and return the form's hidden fields."""
    if path not in ("/login", "/register"):
        await ada.log_in()
    await ada.open(path)
    return ada.hidden


async def unchanged(ada: Visitor, house: House) -> bool:
    """Tell whether nothing at all has happened."""
    account = (await house.log_in())["account"]
    return bool(account["username"] is None and account["profile"] == {})


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "", None])
async def test_a_form_from_elsewhere_does_nothing(ada: Visitor, house: House, path: str, site: str | None) -> None:
    """Whatever it carries: Fetch Metadata decides first, and where nothing tells the origin it is refused."""
    fields = {**await ready(ada, path), **FORMS[path]}
    for name in ("Origin", "Sec-Fetch-Site"):
        ada.browser.headers.pop(name, None)
    headers = {} if site is None else {"Sec-Fetch-Site": site, "Origin": "https://evil.example"}

    answer = await ada.browser.post(path, data=fields, headers=headers)

    assert answer.status_code == 403
    assert not any(cookie.startswith("__Host-doorward=") for cookie in answer.headers.get_list("set-cookie"))
    assert await unchanged(ada, house)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["", "x", "AAAAAAAA", None])
async def test_a_form_without_its_token_does_nothing(ada: Visitor, house: House, path: str, token: str | None) -> None:
    """Even from this origin; the form comes back, filled in, and says that nothing was done."""
    hidden = await ready(ada, path)
    hidden.pop("form_token")
    fields = {**hidden, **FORMS[path], **({} if token is None else {"form_token": token})}

    answer = await ada.browser.post(path, data=fields)

    assert answer.status_code == 403
    assert "This form was too old" in answer.text
    assert not any(cookie.startswith("__Host-doorward=") for cookie in answer.headers.get_list("set-cookie"))
    assert await unchanged(ada, house)


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/sessions", "/logout"])
async def test_a_token_of_another_session_does_nothing(ada: Visitor, house: House, path: str) -> None:
    """An attacker has a session, and so tokens, of their own; one of the same account is another session too."""
    hidden = await ready(ada, path)
    ada.browser.cookies.clear()
    await ada.log_in()

    answer = await ada.browser.post(path, data={**hidden, **FORMS[path]})

    assert answer.status_code == 403
    assert (await ada.open("/account")).status_code == 200
    assert await unchanged(ada, house)


@pytest.mark.parametrize("path", ["/login", "/register"])
async def test_a_token_of_another_browser_logs_nobody_in(ada: Visitor, path: str) -> None:
    """Log-in CSRF: the attacker's own form, with the attacker's own token, in somebody else's browser."""
    hidden = await ready(ada, path)
    ada.browser.cookies.clear()
    await ada.open(path)

    answer = await ada.browser.post(path, data={**hidden, **FORMS[path]})

    assert answer.status_code == 403


async def test_a_token_from_before_a_log_in_is_none_afterwards(ada: Visitor) -> None:
    """A visitor's token and a session's are different things, whichever cookies are there."""
    hidden = await ready(ada, "/login")
    await ada.send("/login", FORMS["/login"])

    answer = await ada.browser.post("/account", data={**hidden, **FORMS["/account"]})

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/sessions", "/logout"])
async def test_a_visitor_who_claims_to_be_a_session_gets_no_token_of_it(ada: Visitor, house: House, path: str) -> None:
    """The id of a session is no secret: services see it. As the visitor's cookie it must not buy a good token."""
    await ready(ada, path)
    session_id = (await ada.browser.get("/v1/me/sessions")).json()["sessions"][0]["id"]
    mallory = Visitor(house)
    mallory.browser = house.client
    await mallory.open("/login", headers={"Cookie": f"__Host-doorward-visitor={session_id}"})

    answer = await ada.browser.post(path, data={**mallory.hidden, **FORMS[path]})

    assert answer.status_code == 403
    assert await unchanged(ada, house)


async def test_a_doubled_visitor_cookie_is_none(ada: Visitor) -> None:
    """Tossed in by a sibling domain, it would make the attacker's token good."""
    hidden = await ready(ada, "/login")
    value = ada.browser.cookies["__Host-doorward-visitor"]
    ada.browser.cookies.clear()

    answer = await ada.browser.post(
        "/login",
        data={**hidden, **FORMS["/login"]},
        headers={"Cookie": f"__Host-doorward-visitor={value}; __Host-doorward-visitor={value}"},
    )

    assert answer.status_code == 403


@pytest.mark.parametrize("path", FORMS)
async def test_a_get_changes_nothing(ada: Visitor, house: House, path: str) -> None:
    """With everything in the address that the form would send (Flask-Security-Too CVE-2021-21241)."""
    fields = {**await ready(ada, path), **FORMS[path]}

    answer = await ada.open(path, params=fields)

    assert answer.status_code == 200
    assert not any(cookie.startswith("__Host-doorward=") for cookie in answer.headers.get_list("set-cookie"))
    assert PASSWORD not in answer.text
    assert await unchanged(ada, house)


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_from_elsewhere_that_comes_without_the_cookie_clears_nothing(ada: Visitor, path: str) -> None:
    """``SameSite=Lax`` keeps the cookie from another site's form; the answer must not take it out of the browser."""
    ada.browser.cookies.clear()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    answer = await ada.browser.post(path, data=FORMS[path], headers=headers)

    assert answer.status_code == 403
    assert "clear-site-data" not in answer.headers
    assert not any(cookie.startswith("__Host-doorward=") for cookie in answer.headers.get_list("set-cookie"))
