"""How a refusal looks: a page to a person, a problem to a program."""

import logging

import pytest
from msgspec.structs import replace

from doorward.errors import NotFound, StorageUnavailable
from doorward.settings import Settings
from tests.support.house import ORIGIN, House, open_house
from tests.support.visitor import PAGE, Visitor


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [("/nowhere", 404, "There is nothing here"), ("/v1/login", 405, "This page cannot be opened like that"),
     ("/v1/me", 401, "Please log in"), ("/static/x.css", 404, "There is nothing here")],
)  # fmt: skip
async def test_a_person_gets_a_page_and_a_program_a_problem(house: House, path: str, status: int, title: str) -> None:
    """By what they ask for; the status is the same."""
    page = await house.client.get(path, headers=PAGE)
    problem = await house.client.get(path)

    assert page.status_code == problem.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{title}</h1>" in page.text
    assert problem.headers["content-type"] == "application/problem+json"
    assert page.headers.get("allow") == problem.headers.get("allow")


async def test_a_defect_is_a_page_with_the_number_of_the_request(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing else of what happened."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret reason")

    await house.register()
    ada = Visitor(house)
    await ada.log_in()
    monkeypatch.setattr(house.auth.accounts, "find", broken)

    answer = await ada.open("/account")

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "secret reason" not in answer.text


async def test_a_database_that_is_down_is_said_with_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and ``Retry-After``."""

    async def down(*_: object, **__: object) -> None:
        raise StorageUnavailable("down")

    monkeypatch.setattr(house.auth.sessions, "resume", down)
    house.browser.cookies.set("__Host-doorward", "dws_x", domain="auth.example.test")

    answer = await house.browser.get("/account", headers=PAGE)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "Not available right now" in answer.text


async def test_what_no_form_can_mend_is_a_page_of_its_own(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here: the account is gone while its form is sent."""

    async def gone(*_: object, **__: object) -> None:
        raise NotFound("no such account")

    await house.register()
    ada = Visitor(house)
    await ada.log_in()
    await ada.open("/account")
    monkeypatch.setattr(house.auth.accounts, "update", gone)

    answer = await ada.send("/account", {"name": "Ada", "username": ""})

    assert answer.status_code == 404
    assert "<h1>There is nothing here</h1>" in answer.text


async def test_a_page_of_a_problem_that_fails_does_not_hide_the_problem(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The problem is said as to a program then, and the failure is logged."""

    def broken(*_: object) -> str:
        raise RuntimeError("template")

    monkeypatch.setattr(house.auth.pages.templates, "render", broken)
    with caplog.at_level(logging.ERROR):
        answer = await house.client.get("/nowhere", headers=PAGE)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "the page of a problem failed" in caplog.text


@pytest.mark.parametrize(("body", "status"), [(b"a", 400), (b"x" * 20_000, 413)])
async def test_a_form_that_is_none_gets_a_page(house: House, body: bytes, status: int) -> None:
    """What no browser sends is not shown in the form again."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await house.browser.post("/login", content=body, headers=headers)

    assert answer.status_code == status
    assert "<h1>" in answer.text


async def test_a_code_without_words_of_its_own_is_shown_as_it_is(house: House) -> None:
    """Better English than nothing."""
    answer = await house.browser.post("/login", content=b"{}", headers={"Content-Type": "application/json"})

    assert answer.status_code == 415
    assert "The content type is not supported" in answer.text


async def test_pages_say_what_they_are_in_every_header(house: House) -> None:
    """No inline code or style, no frame, no other origin, no referrer to others."""
    headers = (await house.browser.get("/login", headers=PAGE)).headers

    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'",
                 "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'"):  # fmt: skip
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_pages_have_nothing_inline(house: House) -> None:
    """Neither code nor style, nor an address of somebody else."""
    await house.register()
    ada = Visitor(house)
    pages = [(await ada.open(path)).text for path in ("/login", "/register", "/logout", "/nowhere")]
    await ada.log_in()
    pages += [(await ada.open(path)).text for path in ("/account", "/account/password", "/account/sessions")]

    for page in pages:
        assert "<style" not in page
        assert ' style="' not in page
        assert " on" not in "".join(part.split(">")[0] for part in page.split("<")[1:] if " on" in part.split(">")[0])
        assert page.count("<script") == page.count("<script src=")
        assert "://" not in page


async def test_a_language_is_chosen_and_kept(house: House) -> None:
    """By the address once, by the cookie from then on, with the way back in every link."""
    somebody = Visitor(house)

    first = await somebody.open("/login?lang=ar&return_to=/there")
    second = await somebody.open("/register")
    third = await somebody.open("/login?lang=xx", headers={"Accept-Language": "de"})

    assert '<html lang="ar" dir="rtl">' in first.text
    assert "return_to=%2Fthere&amp;lang=de" in first.text
    assert first.headers["content-language"] == "ar"
    assert '<html lang="ar" dir="rtl">' in second.text
    assert "set-cookie" not in third.headers or "language" not in third.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/verify", "/reset", "/undo", "/sign-in", "/invitation"])
async def test_the_challenge_of_a_mail_outlives_a_change_of_language(house: House, path: str) -> None:
    """Without it the code from the mail is good for nothing; after a mistake it stands in the form alone."""
    somebody = Visitor(house)

    first = await somebody.open(f"{path}?challenge=chl_1")
    again = await somebody.send(path, {"code": ""})

    assert f"{path}?challenge=chl_1&amp;lang=de" in first.text
    assert f"{path}?challenge=chl_1&amp;lang=de" in again.text


async def test_below_a_mount_every_address_respects_it(settings: Settings) -> None:
    """Links, forms, files, redirects and the way back."""
    async with open_house(replace(settings, mount_path="/auth")) as house:
        await house.register()
        ada = Visitor(house)

        sent_off = await ada.open("/account")
        page = await ada.open("/login")
        answer = await ada.send("/login", {"login": "ada@example.test", "password": "correct horse battery staple"})

    assert sent_off.headers["location"] == "/auth/login?return_to=/auth/account"
    addresses = {part.split('"')[0] for part in page.text.replace("action=", "href=").replace("src=", "href=")
                 .split('href="')[1:]}  # fmt: skip
    assert all(address.startswith("/auth/") or address == "#main" for address in addresses), addresses
    assert answer.headers["location"] == "/auth/account"


@pytest.mark.parametrize("mount", ["/auth", "/account", "/acc"])
async def test_the_way_back_begins_with_the_mount_whatever_that_is_called(settings: Settings, mount: str) -> None:
    """Also where a page of ours begins like the mount, and looks as if it stood below it already."""
    async with open_house(replace(settings, mount_path=mount)) as house:
        answer = await Visitor(house).open("/account/sessions")

    assert answer.headers["location"] == f"{mount}/login?return_to={mount}/account/sessions"


async def test_the_origin_is_that_of_the_settings(house: House) -> None:
    """Whatever Host a request has: no page is built from it."""
    answer = await house.browser.get(
        "/login", headers={**PAGE, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )

    assert "evil.example" not in answer.text
    assert ORIGIN.removeprefix("https://") not in answer.text
