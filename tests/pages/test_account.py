"""The pages about one's own account."""

import pytest

from doorward.errors import FieldError
from doorward.settings import Settings
from tests.support.house import PASSWORD, House, bearer, open_house
from tests.support.visitor import ADA, Visitor

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile/15E148 Safari/604.1"
NEW = "another long enough phrase"


async def test_a_profile_is_changed(ada: Visitor, house: House) -> None:
    """Name and username; what else is in a profile stays."""
    token = (await house.log_in())["access_token"]
    await house.client.patch("/v1/me", json={"profile": {"team": "engines"}}, headers=bearer(token))
    await ada.log_in()

    answer = await ada.fill("/account", {"name": " Ada Lovelace ", "username": "ada"})
    await ada.open("/account")

    account = (await house.me(token)).json()["account"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert account["profile"] == {"team": "engines", "name": "Ada Lovelace"}
    assert account["username"] == "ada"
    assert "Your profile has been saved." in ada.text
    assert ada.value("name") == "Ada Lovelace"


async def test_name_and_username_can_be_taken_away(ada: Visitor, house: House) -> None:
    """An empty field is one."""
    await ada.log_in()
    await ada.fill("/account", {"name": "Ada", "username": "ada"})

    await ada.fill("/account", {"name": "", "username": ""})

    account = (await house.me((await house.log_in())["access_token"])).json()["account"]
    assert (account["profile"], account["username"]) == ({}, None)


async def test_a_name_that_is_no_text_is_not_shown(ada: Visitor, house: House) -> None:
    """A host may keep something else under that word."""
    token = (await house.log_in())["access_token"]
    await house.client.patch("/v1/me", json={"profile": {"name": ["a", "b"]}}, headers=bearer(token))
    await ada.log_in()

    await ada.open("/account")

    assert ada.value("name") == ""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": "x", "name": ""}, "Use 3 to 32 letters"),
        ({"username": "grace", "name": ""}, "This username is taken."),
        ({"username": "ada", "name": "x" * 101}, "This is too long."),
    ],
)
async def test_mistakes_in_a_profile_are_said_beside_the_field(
    ada: Visitor, house: House, fields: dict[str, str], said: str
) -> None:
    """And nothing is changed."""
    await house.register("grace@example.test", username="grace")
    await ada.log_in()

    answer = await ada.fill("/account", fields)

    assert answer.status_code == 422
    assert said in ada.text
    assert ada.value("username") == fields["username"]


async def test_the_password_is_changed(ada: Visitor, house: House) -> None:
    """Other sessions end, this one gets a new cookie and is told so; the new password is the one from then on."""
    token = (await house.log_in())["access_token"]
    await ada.log_in()
    before = ada.browser.cookies["__Host-doorward"]

    answer = await ada.fill("/account/password", {"current_password": PASSWORD, "new_password": NEW})
    await ada.open(answer.headers["location"])

    assert answer.status_code == 303
    assert "All your other sessions have ended." in ada.text
    assert ada.browser.cookies["__Host-doorward"] != before
    assert (await house.me(token)).status_code == 401
    assert (await ada.log_in(password=NEW)).status_code == 303


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current_password": "wrong", "new_password": NEW}, "This is not your current password."),
        ({"current_password": PASSWORD, "new_password": "short"}, "Use at least 8 characters."),
        ({"current_password": "", "new_password": ""}, "Fill this in."),
    ],
)
async def test_mistakes_in_a_change_of_password_are_said(ada: Visitor, fields: dict[str, str], said: str) -> None:
    """Nothing of what was typed comes back, for it is all passwords."""
    await ada.log_in()

    answer = await ada.fill("/account/password", fields)

    assert answer.status_code == 422
    assert said in ada.text
    assert not any(f'value="{typed}"' in answer.text for typed in fields.values() if typed)


async def test_password_managers_find_what_they_expect(ada: Visitor) -> None:
    """The tokens of ``autocomplete``, and the login beside a change of password."""
    pages = {path: (await ada.open(path)).text for path in ("/login", "/register")}
    await ada.log_in()
    change = (await ada.open("/account/password")).text

    assert 'autocomplete="username"' in pages["/login"]
    assert 'autocomplete="current-password"' in pages["/login"]
    assert 'autocomplete="email"' in pages["/register"]
    assert 'autocomplete="new-password"' in pages["/register"]
    assert change.index(f'value="{ADA}" autocomplete="username"') < change.index('autocomplete="current-password"')
    assert change.index('autocomplete="current-password"') < change.index('autocomplete="new-password"')


async def test_sessions_are_listed_with_the_names_of_devices(ada: Visitor, house: House) -> None:
    """The own one first and marked, apps too, with network and age."""
    await house.client.post(
        "/v1/login",
        json={"login": ADA, "password": PASSWORD, "transport": "cookie"},
        headers={"User-Agent": IPHONE, "Origin": "https://auth.example.test"},
    )
    await house.log_in()
    await ada.log_in()
    house.clock.advance(3600)
    await house.log_in()

    await ada.open("/account/sessions?lang=de")

    assert ada.text.index("dieses Gerät") < ada.text.index("<bdi>Safari</bdi> auf <bdi>iPhone</bdi>")
    assert ">App<" in ada.text
    assert "vor 1 Stunde" in ada.text
    assert "203.0.113.0/24" in ada.text


async def test_one_session_is_ended(ada: Visitor, house: House) -> None:
    """And only that one; a second time it is no mistake."""
    doomed, kept = (await house.log_in()), (await house.log_in())
    await ada.log_in()
    await ada.open("/account/sessions")

    answer = await ada.send("/account/sessions", {"end": doomed["session_id"]})
    await ada.open("/account/sessions")
    again = await ada.send("/account/sessions", {"end": doomed["session_id"]})

    assert answer.headers["location"] == again.headers["location"] == "/account/sessions"
    assert (await house.me(doomed["access_token"])).status_code == 401
    assert (await house.me(kept["access_token"])).status_code == 200


async def test_a_session_of_somebody_else_is_not_ended(ada: Visitor, house: House) -> None:
    """It looks as if it had been."""
    grace = await house.enter("grace@example.test")
    await ada.log_in()
    await ada.open("/account/sessions")

    await ada.send("/account/sessions", {"end": grace["session_id"]})

    assert (await house.me(grace["access_token"])).status_code == 200


async def test_all_other_sessions_are_ended(ada: Visitor, house: House) -> None:
    """This one stays."""
    other = await house.log_in()
    await ada.log_in()
    await ada.open("/account/sessions")

    answer = await ada.send("/account/sessions", {"end": "others"})
    await ada.open(answer.headers["location"])

    assert (await house.me(other["access_token"])).status_code == 401
    assert "All your other sessions have ended." in ada.text


@pytest.mark.parametrize("which", ["all", "own"])
async def test_ending_ones_own_session_is_a_log_out(ada: Visitor, house: House, which: str) -> None:
    """With everything that belongs to it."""
    other = await house.log_in()
    await ada.log_in()
    listed = (await house.client.get("/v1/me/sessions", headers=bearer(other["access_token"]))).json()["sessions"]
    own = next(each["id"] for each in listed if each["transport"] == "cookie")
    await ada.open("/account/sessions")

    answer = await ada.send("/account/sessions", {"end": "all" if which == "all" else own})
    await ada.open("/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/logout")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert set(ada.browser.cookies) == {"__Host-doorward-device"}
    assert "You are logged out" in ada.text
    assert (await house.me(other["access_token"])).status_code == (401 if which == "all" else 200)


async def test_ending_wants_to_know_what(ada: Visitor) -> None:
    """An empty form ends nothing."""
    await ada.log_in()
    await ada.open("/account/sessions")

    answer = await ada.send("/account/sessions", {"end": ""})

    assert answer.status_code == 422
    assert (await ada.open("/account")).status_code == 200


async def test_many_sessions_are_paged(ada: Visitor, house: House) -> None:
    """By the cursor of the API."""
    for _ in range(51):
        house.clock.advance(1)
        await house.log_in()
    await ada.log_in()

    first = await ada.open("/account/sessions")
    older = first.text.split('href="/account/sessions?cursor=')[1].split('"')[0]
    second = await ada.open(f"/account/sessions?cursor={older}")

    assert first.text.count("<li>\n      <div") == 50
    assert second.text.count("<li>\n      <div") == 2


async def test_the_rule_of_a_host_is_said_in_its_own_words(settings: Settings) -> None:
    """With a code that we do not know, and letters that mean something to a formatter."""

    def schema(profile: dict[str, object]) -> list[FieldError]:
        return [FieldError("/name", "unreal", "Use %(your) real name, 100%.")] if "name" in profile else []

    async with open_house(settings, profile_schema=schema) as house:
        ada = Visitor(house)
        await ada.fill("/register", {"email": ADA, "password": PASSWORD})

        await ada.fill("/account", {"name": "x", "username": ""})

    assert 'id="name-error">Use %(your) real name, 100%.<' in ada.text
