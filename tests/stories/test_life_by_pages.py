"""The same life, by pages and without JavaScript: the code from the mail is typed."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.life import ADA, NEW, OTHER_PASSWORD, sign_up
from tests.support.mailbox import letter, letters
from tests.support.visitor import Visitor


@pytest.fixture
def visitor(mailing_house: House) -> Visitor:
    """Somebody with a browser."""
    return Visitor(mailing_house)


async def test_somebody_registers_and_types_the_code(mailing_house: House, visitor: Visitor) -> None:
    """A wrong code is said beside the field; the right one leads to the log-in."""
    sent = await visitor.fill("/register", {"email": ADA, "password": PASSWORD})
    await visitor.open(sent.headers["location"])
    wrong = await visitor.send("/verify", {"code": "1234 5678"})
    text = visitor.text

    right = await visitor.send("/verify", {"code": (await letter(mailing_house)).digits})
    await visitor.open(right.headers["location"])

    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/verify?challenge=chl_")
    assert (wrong.status_code, right.status_code) == (422, 303)
    assert "This link or code does not work any more." in text
    assert "Your e-mail address is confirmed. You can log in now." in visitor.text
    assert (await visitor.log_in()).status_code == 303


async def test_a_mail_is_sent_again_from_the_page(mailing_house: House, visitor: Visitor) -> None:
    """The page stays where it is, and the newer code works."""
    sent = await visitor.fill("/register", {"email": ADA, "password": PASSWORD})
    await visitor.open(sent.headers["location"])

    again = await visitor.send("/verify/again", {})
    await visitor.open(again.headers["location"])
    mail = await letter(mailing_house)

    assert "The mail is on its way." in visitor.text
    assert (
        await visitor.fill(again.headers["location"], {"code": mail.digits, "challenge": mail.challenge})
    ).status_code


async def test_a_known_address_is_led_the_same_way(mailing_house: House, visitor: Visitor) -> None:
    """The page does not tell; the owner's mail does."""
    await sign_up(mailing_house)

    sent = await visitor.fill("/register", {"email": ADA, "password": OTHER_PASSWORD})

    assert sent.headers["location"].startswith("/verify?challenge=chl_")
    assert (await letters(mailing_house, ADA))[-1].subject == "You already have an account"


async def test_opening_a_link_uses_nothing_up(mailing_house: House, visitor: Visitor) -> None:
    """Mail scanners open every link, and some of them several times; only the button does something."""
    await sign_up(mailing_house)
    await mailing_house.client.post("/v1/password/forgot", json={"login": ADA})
    mail = await letter(mailing_house)
    path = mail.link.removeprefix("https://auth.example.test").partition("#")[0]

    opened = [await mailing_house.client.request(method, path) for method in ("GET", "HEAD", "GET")]
    done = await visitor.fill(path, {"token": mail.token["token"], "new_password": OTHER_PASSWORD})

    assert [answer.status_code for answer in opened] == [200, 200, 200]
    assert opened[0].headers["cache-control"] == "no-store"
    assert done.status_code == 303
    await mailing_house.log_in(password=OTHER_PASSWORD)


async def test_somebody_forgets_the_password(mailing_house: House, visitor: Visitor) -> None:
    """A weak wish keeps the code good; nobody is logged in by it."""
    await sign_up(mailing_house)
    asked = await visitor.fill("/forgot", {"login": ADA})
    code = (await letter(mailing_house)).digits
    await visitor.open(asked.headers["location"])

    missing = await visitor.send("/reset", {"code": "", "new_password": OTHER_PASSWORD})
    weak = await visitor.send("/reset", {"code": code, "new_password": "password"})
    done = await visitor.send("/reset", {"code": code, "new_password": OTHER_PASSWORD})

    assert [answer.status_code for answer in (missing, weak, done)] == [422, 422, 303]
    assert done.headers["location"] == "/login"
    assert (await visitor.open("/account")).status_code == 303


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/forgot", {"login": ""}), ("/sign-in/send", {"login": ""}), ("/account/email", {"new_email": ""})],
)
async def test_an_empty_form_comes_back(
    mailing_house: House, visitor: Visitor, path: str, fields: dict[str, str]
) -> None:
    """With the field that is missing."""
    await sign_up(mailing_house)
    await visitor.log_in()
    await visitor.open("/sign-in" if path == "/sign-in/send" else path)

    answer = await visitor.send(path, fields)

    assert answer.status_code == 422
    assert "Fill this in." in visitor.text


async def test_somebody_logs_in_by_mail(mailing_house: House, visitor: Visitor) -> None:
    """And arrives where they wanted to go."""
    await sign_up(mailing_house)
    await visitor.open("/sign-in?return_to=/account/sessions")
    asked = await visitor.send("/sign-in/send", {"login": ADA})
    await visitor.open(asked.headers["location"])

    wrong = await visitor.send("/sign-in", {"code": "00000000"})
    entered = await visitor.send("/sign-in", {"code": (await letter(mailing_house)).digits})

    assert wrong.status_code == 422
    assert entered.headers["location"] == "/account/sessions"
    assert (await visitor.open("/account/sessions")).status_code == 200


async def test_the_log_in_page_offers_what_there_is(mailing_house: House, house: House) -> None:
    """A forgotten password and a link where mail is sent, neither where it is not."""
    with_mail, without = Visitor(mailing_house), Visitor(house)

    await with_mail.open("/login")
    await without.open("/login")

    assert "Forgotten your password?" in with_mail.text
    assert "Log in by mail" in with_mail.text
    assert "Forgotten your password?" not in without.text
    assert "Log in by mail" not in without.text


async def test_a_page_that_is_not_offered_is_not_found(house: House) -> None:
    """Where no mail is sent, and where no links are."""
    visitor = Visitor(house)

    forgot = await visitor.fill("/forgot", {"login": ADA})
    await visitor.open("/sign-in")
    link = await visitor.send("/sign-in/send", {"login": ADA})

    assert (forgot.status_code, link.status_code) == (403, 404)


async def test_somebody_accepts_an_invitation(mailing_house: House, visitor: Visitor) -> None:
    """By the code in the mail."""
    await mailing_house.auth.life.recovery.invite(ADA)
    mail = await letter(mailing_house)
    await visitor.open(f"/invitation?challenge={mail.challenge}")

    refused = await visitor.send("/invitation", {"code": "00000000", "password": PASSWORD})
    accepted = await visitor.send("/invitation", {"code": mail.digits, "password": PASSWORD})

    assert (refused.status_code, accepted.status_code) == (422, 303)
    assert (await visitor.log_in()).status_code == 303


async def test_somebody_changes_the_address_and_the_old_one_takes_it_back(
    mailing_house: House, visitor: Visitor
) -> None:
    """Right after a log-in no password is asked for; later it is."""
    await sign_up(mailing_house)
    await visitor.log_in()
    await visitor.open("/account/email")
    fresh = "Current password" not in visitor.text
    mailing_house.clock.advance(mailing_house.auth.settings.sessions.fresh_lifetime + 1)
    await visitor.open("/account/email")
    stale = "Current password" in visitor.text

    missing = await visitor.send("/account/email", {"new_email": NEW, "password": ""})
    wrong = await visitor.send("/account/email", {"new_email": NEW, "password": "wrong"})
    nonsense = await visitor.send("/account/email", {"new_email": "nonsense", "password": PASSWORD})
    asked = await visitor.send("/account/email", {"new_email": NEW, "password": ""})  # proved a moment ago
    await visitor.open(asked.headers["location"])
    moved = await visitor.send("/verify", {"code": (await letter(mailing_house, NEW)).digits})
    mail = await letter(mailing_house, ADA)
    await visitor.open(f"/undo?challenge={mail.challenge}")
    refused = await visitor.send("/undo", {"code": "00000000"})
    undone = await visitor.send("/undo", {"code": mail.digits})
    await visitor.open("/login")

    assert (fresh, stale) == (True, True)
    assert [answer.status_code for answer in (missing, wrong, nonsense, asked, moved)] == [422, 422, 422, 303, 303]
    assert (refused.status_code, undone.status_code) == (422, 303)
    assert (await mailing_house.auth.accounts.find_by_email(ADA)).email_verified


async def test_somebody_takes_the_data_along_and_leaves(mailing_house: House, visitor: Visitor) -> None:
    """The file is downloaded; after the second button there is nobody any more."""
    await sign_up(mailing_house)
    await visitor.log_in()
    await visitor.open("/account/leave")

    copy = await visitor.browser.post("/account/leave", data={**visitor.hidden, "wish": "export", "password": ""})
    neither = await visitor.browser.post("/account/leave", data={**visitor.hidden, "wish": "x", "password": ""})
    unsure = await visitor.browser.post("/account/leave", data={**visitor.hidden, "wish": "delete", "password": ""})
    sure = {**visitor.hidden, "wish": "delete", "password": "", "sure": "on"}
    left = await visitor.browser.post("/account/leave", data=sure)
    await visitor.open("/login")

    assert copy.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert copy.json()["account"]["email"] == ADA
    assert (neither.status_code, unsure.status_code) == (422, 422)
    assert (left.status_code, left.headers["clear-site-data"]) == (303, '"cache", "storage"')
    assert (await mailing_house.client.post("/v1/login", json={"login": ADA, "password": PASSWORD})).status_code == 401


async def test_a_copy_after_a_while_costs_the_password_and_renews_the_cookie(
    mailing_house: House, visitor: Visitor
) -> None:
    """The old cookie value is dead after it was proved."""
    await sign_up(mailing_house)
    await visitor.log_in()
    mailing_house.clock.advance(mailing_house.auth.settings.sessions.fresh_lifetime + 1)
    await visitor.open("/account/leave")

    wrong = await visitor.browser.post("/account/leave", data={**visitor.hidden, "wish": "export", "password": "x"})
    copy = await visitor.browser.post("/account/leave", data={**visitor.hidden, "wish": "export", "password": PASSWORD})

    assert wrong.status_code == 422
    assert copy.headers["set-cookie"].startswith("__Host-doorward=dws_")
    assert copy.json()["account"]["email"] == ADA
