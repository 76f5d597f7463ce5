"""The log-in page, the registration page, and the way back."""

import dataclasses

import httpx2
import pytest
from msgspec.structs import replace

from doorward.accounts import pages as account_pages
from doorward.errors import Overloaded
from doorward.passwords import pages as password_pages
from doorward.sessions import pages as session_pages
from doorward.settings import Accounts, Pages, Serving, Settings
from doorward.web.pages import FormKind
from tests.support.house import ORIGIN, PASSWORD, House, open_house
from tests.support.visitor import ADA, Visitor


async def test_somebody_logs_in_and_comes_back(ada: Visitor) -> None:
    """From a page of ours that needs a log-in, by way of the log-in page, with the address that was asked for."""
    sent_off = await ada.open("/account/sessions?cursor=x")
    page = await ada.open(sent_off.headers["location"])
    answer = await ada.send("/login", {"login": ADA, "password": PASSWORD})
    there = await ada.open(answer.headers["location"])

    assert (sent_off.status_code, sent_off.headers["location"]) == (
        303,
        "/login?return_to=/account/sessions%3Fcursor%3Dx",
    )
    assert page.status_code == 200
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sessions?cursor=x")
    assert there.status_code == 200
    assert "Sessions" in ada.text


@pytest.mark.parametrize(("tick", "age"), [({}, None), ({"remember": "on"}, "Max-Age=2592000")])
async def test_remember_me_is_a_tick(ada: Visitor, tick: dict[str, str], age: str | None) -> None:
    """Without it the browser forgets the cookie when it is closed."""
    answer = await ada.fill("/login", {"login": ADA, "password": PASSWORD, **tick})
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-doorward="))

    assert cookie.endswith(age or "SameSite=Lax")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"login": ADA, "password": "wrong"}, "do not belong together"),
        ({"login": "nobody@example.test", "password": "wrong"}, "do not belong together"),
        ({"login": ADA, "password": ""}, "Fill this in."),
        ({"login": "x" * 255, "password": "y"}, "This is too long."),
    ],
)
async def test_after_a_mistake_the_form_comes_back(ada: Visitor, fields: dict[str, str], said: str) -> None:
    """With 422, with what is wrong, with what was typed, and without the password."""
    answer = await ada.fill("/login?return_to=/there", fields)

    assert answer.status_code == 422
    assert said in ada.text
    assert ada.value("login") == fields["login"]
    assert f'value="{fields["password"] or PASSWORD}"' not in answer.text
    assert ada.hidden["return_to"] == "/there"
    assert "Attention: Log in" in ada.text


async def test_errors_are_tied_to_their_fields(ada: Visitor) -> None:
    """``aria-invalid``, ``aria-describedby`` and a summary that gets the focus and leads to the field."""
    await ada.fill("/login", {"login": "", "password": "x"})

    assert 'aria-invalid="true" aria-describedby="login-error"' in ada.text
    assert '<p class="error" id="login-error">Fill this in.</p>' in ada.text
    assert 'role="alert" tabindex="-1" autofocus' in ada.text
    assert '<a href="#login">' in ada.text


async def test_who_is_logged_in_may_go_on_or_be_somebody_else(ada: Visitor, house: House) -> None:
    """The page never sends on by itself: where a service refuses the same person, that would turn in circles."""
    await house.register("grace@example.test")
    await ada.log_in()
    before = ada.browser.cookies["__Host-doorward"]

    await ada.open("/login?return_to=/there")
    assert "You are logged in as" in ada.text
    assert '<a class="button secondary" href="/there">' in ada.text
    await ada.send("/login", {"login": "grace@example.test", "password": PASSWORD})
    await ada.open("/account")

    assert "grace@example.test" in ada.text
    ada.browser.cookies.set("__Host-doorward", before)
    assert (await ada.open("/account")).status_code == 303  # the session of before has ended


async def test_registering_logs_in(house: House) -> None:
    """And says so on the account page."""
    somebody = Visitor(house)

    await somebody.open("/login?return_to=/there")
    assert 'href="/register?return_to=%2Fthere"' in somebody.text
    answer = await somebody.fill("/register", {"email": " New@example.test ", "password": PASSWORD})
    await somebody.open(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Your account is ready. Welcome!" in somebody.text
    assert "New@example.test" in somebody.text
    assert "Welcome" not in (await somebody.open("/account")).text


async def test_an_account_that_is_made_is_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log-in after it fails, the log-in page says so, and nobody is told that the address is taken."""

    async def busy(**_: object) -> None:
        raise Overloaded("queue is full")

    somebody = Visitor(house)
    await somebody.open("/register")
    monkeypatch.setattr(house.auth.passwords, "log_in", busy)

    answer = await somebody.send("/register", {"email": ADA, "password": PASSWORD})
    await somebody.open(answer.headers["location"])

    assert answer.headers["location"] == "/login"
    assert "Your account is ready. Please log in." in somebody.text


async def test_registering_comes_back(house: House) -> None:
    """With nothing left to be said on a later page."""
    somebody = Visitor(house)

    answer = await somebody.fill("/register?return_to=/there", {"email": ADA, "password": PASSWORD})

    assert answer.headers["location"] == "/there"
    assert "Welcome" not in (await somebody.open("/account")).text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "nonsense", "password": PASSWORD}, "Enter an e-mail address"),
        ({"email": "new@example.test", "password": "short"}, "Use at least 8 characters."),
        ({"email": "new@example.test", "password": "password123"}, "easy to guess"),
        ({"email": "amazingly@example.test", "password": "amazingly1"}, "too close to your name"),
        ({"email": ADA, "password": PASSWORD}, "There is an account with this address already."),
    ],
)
async def test_mistakes_in_a_registration_are_said_beside_the_field(
    ada: Visitor, fields: dict[str, str], said: str
) -> None:
    """In the words of pages, not of the API."""
    answer = await ada.fill("/register", fields)

    assert answer.status_code == 422
    assert said in ada.text
    assert ada.value("email") == fields["email"]


async def test_registration_can_be_closed(settings: Settings) -> None:
    """Then no page offers it, and its address says so."""
    closed = replace(settings, accounts=Accounts(email_verification="off", registration="closed"))
    async with open_house(closed) as house:
        somebody = Visitor(house)

        await somebody.open("/login")
        assert "/register" not in somebody.text
        assert (await somebody.open("/register")).status_code == 403
        assert "Registration is closed" in somebody.text
        assert (await somebody.send("/register", {"email": ADA, "password": PASSWORD})).status_code == 403


async def test_home_is_a_setting(settings: Settings) -> None:
    """Where a log-in leads that came from nowhere."""
    async with open_house(replace(settings, pages=Pages(home="/app"))) as house:
        await house.register()

        assert (await Visitor(house).log_in()).headers["location"] == "/app"


async def test_who_tries_too_often_is_told_to_wait(settings: Settings) -> None:
    """With 429 and how long, and the form is there for afterwards."""
    tight = replace(settings, limits=replace(settings.limits, per_account=1))
    async with open_house(tight) as house:
        await house.register()
        ada = Visitor(house)
        await ada.log_in(password="wrong")

        answer = await ada.log_in(password="wrong")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Too many attempts" in ada.text
    assert ada.value("login") == ADA


async def test_a_disabled_account_is_told_after_the_right_password(ada: Visitor, house: House) -> None:
    """With 403, as by the API."""
    account = (await house.log_in())["account"]
    await house.auth.accounts.disable(account["id"])

    assert (await ada.log_in()).status_code == 403
    assert "This account is disabled" in ada.text


async def test_the_front_door_leads_to_the_account(ada: Visitor) -> None:
    """And so to the log-in page."""
    assert (await ada.open("/")).headers["location"] == "/account"
    assert (await ada.open("/account")).headers["location"] == "/login?return_to=/account"


async def test_links_and_name_of_the_service_are_settings(settings: Settings) -> None:
    """They are on every page, translated where they are ours."""
    pages = Pages(imprint_url="https://example.com/imprint", support_url="mailto:help@example.com", language="fr")
    async with open_house(replace(settings, pages=pages, service_name="The <Club>")) as house:
        somebody = Visitor(house)

        answer = await somebody.open("/login")

    assert '<a href="https://example.com/imprint">Mentions légales</a>' in somebody.text
    assert '<a href="mailto:help@example.com">Aide</a>' in somebody.text
    assert "The &lt;Club&gt;</span>" in answer.text


async def test_the_origin_of_an_older_browser_is_enough(ada: Visitor, house: House) -> None:
    """One without Fetch Metadata; its referrer policy lets it say where it is."""
    assert (await ada.open("/login")).headers["referrer-policy"] == "same-origin"
    del ada.browser.headers["Sec-Fetch-Site"]

    answer = await ada.send("/login", {"login": ADA, "password": PASSWORD}, headers={"Origin": ORIGIN})

    assert answer.status_code == 303


def test_no_form_shows_a_password_again() -> None:
    """Neither after a mistake nor in a draft."""
    kinds = [value for module in (account_pages, password_pages, session_pages) for value in vars(module).values()
             if isinstance(value, FormKind)]  # fmt: skip

    assert len(kinds) == 6
    assert not [name for kind in kinds for name in kind.kept if "password" in name]
    assert all(set(kind.kept) <= set(kind.fields) for kind in kinds)


async def test_over_plain_http_on_this_machine_the_pages_work_too(settings: Settings) -> None:
    """With cookies of other names, which say what they are."""
    origin = "http://localhost:8080"
    plain = replace(settings, origin=origin, serving=Serving(insecure_loopback=True))
    async with open_house(plain) as house:
        transport = httpx2.ASGITransport(app=house.auth, client=("127.0.0.1", 50000))
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        async with httpx2.AsyncClient(transport=transport, base_url=origin, headers=headers) as browser:
            somebody = Visitor(dataclasses.replace(house, browser=browser))

            answer = await somebody.fill("/register", {"email": ADA, "password": PASSWORD})
            await somebody.open("/account")

    assert answer.status_code == 303
    assert set(browser.cookies) == {"doorward-insecure-loopback"}
    assert "Welcome!" in somebody.text
