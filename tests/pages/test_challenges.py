"""Forms that come back with a challenge: the work, the waiting, the kept password, and the browser that is known."""

import html
import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec.structs import replace

from doorward.challenges.model import solve
from doorward.settings import Challenges, Limits, Settings
from tests.support.house import PASSWORD, House, open_house
from tests.support.life import OTHER_PASSWORD
from tests.support.mailbox import Mailbox, letter, mailing
from tests.support.quick import QuickHasher
from tests.support.visitor import ADA, Visitor

TIGHT = Limits(per_account=1, registrations=1, per_recovery=1)
EASY = Challenges(difficulty=4)
DEVICE = "__Host-doorward-device"
LOGIN = {"login": ADA, "password": PASSWORD}


@pytest.fixture
async def guarded(settings: Settings) -> AsyncIterator[House]:
    """An instance that asks for a challenge at the second try, with Ada's account; she has not been here yet."""
    async with open_house(replace(settings, limits=TIGHT, challenges=EASY)) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        await house.auth.accounts.register(email=ADA, password=PASSWORD)
        yield house


@pytest.fixture
async def posting(settings: Settings) -> AsyncIterator[House]:
    """The same, with mail and with logging in by mail."""
    tight = replace(mailing(settings, sign_in_links=True), limits=TIGHT, challenges=EASY)
    async with open_house(tight, mailer=Mailbox()) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        yield house


async def attacked(house: House) -> None:
    """Let a stranger use up what is free for Ada's login."""
    await house.client.post("/v1/login", json={"login": ADA, "password": "wrong"})


def proof_of(visitor: Visitor) -> str:
    """Do the work of the page's form, as its script does."""
    found = re.search(
        r'data-challenge-token="([^"]+)" data-challenge-bits="(\d+)" data-challenge-parts="(\d+)"', visitor.text
    )
    assert found, visitor.text
    return solve(found[1], bits=int(found[2]), parts=int(found[3]))


def another_browser(house: House) -> Visitor:
    """Somebody on a browser that no account knows."""
    house.browser.cookies.clear()
    return Visitor(house)


async def test_the_work_opens_the_door_without_typing_the_password_again(guarded: House) -> None:
    """It is kept, sealed: it stands nowhere on the page, and the field may stay empty."""
    await attacked(guarded)
    ada = Visitor(guarded)

    asked = await ada.log_in(return_to="/there")
    text = asked.text
    answer = await ada.send("/login", {"login": ada.value("login"), "password": "", "proof": proof_of(ada)})

    assert asked.status_code == 429
    assert PASSWORD not in html.unescape(text)
    assert "data-challenge-resend" in text
    assert "What you have typed is kept." in text
    assert (answer.status_code, answer.headers["location"]) == (303, "/there")


async def test_waiting_opens_it_too(guarded: House) -> None:
    """The page says for how long; sent too early it asks again, and then in time it lets in."""
    await attacked(guarded)
    ada = Visitor(guarded)

    await ada.log_in()
    assert 'Wait for <b dir="ltr">0:30</b> minutes' in ada.text
    early = await ada.send("/login", {"login": ADA, "password": ""})
    assert early.status_code == 429
    assert "data-challenge-resend" not in early.text
    guarded.clock.advance(30)
    answer = await ada.send("/login", {"login": ADA, "password": ""})

    assert answer.status_code == 303


async def test_another_password_may_be_typed_meanwhile(guarded: House) -> None:
    """It is the one that counts, and after a mistake the field is an ordinary one again."""
    await attacked(guarded)
    ada = Visitor(guarded)

    await ada.log_in()
    answer = await ada.send("/login", {"login": ADA, "password": "wrong", "proof": proof_of(ada)})

    assert answer.status_code == 422
    assert "is kept" not in answer.text
    assert "proof" not in ada.hidden


async def test_a_kept_password_of_another_browser_is_none(guarded: House) -> None:
    """What was sealed for one browser is an empty field in another."""
    await attacked(guarded)
    ada = Visitor(guarded)
    await ada.log_in()
    proof, kept = proof_of(ada), ada.hidden["kept"]

    answer = await another_browser(guarded).fill("/login", {"login": ADA, "password": "", "proof": proof, "kept": kept})

    assert answer.status_code == 422
    assert "Fill this in." in answer.text


async def test_only_a_page_with_a_challenge_may_run_workers(guarded: House) -> None:
    """The policy of every other page stays as narrow as it was."""
    await attacked(guarded)
    ada = Visitor(guarded)

    plain = await ada.open("/login")
    asked = await ada.send("/login", LOGIN)

    assert "worker-src" not in plain.headers["content-security-policy"]
    assert asked.headers["content-security-policy"].endswith("; worker-src 'self'")
    assert '<script src="/challenge/solve.js" defer></script>' in asked.text
    assert int(asked.headers["retry-after"]) > 0


@pytest.mark.parametrize("form", ["/v1/none", "proof", "kept"])
async def test_a_form_that_knows_no_challenge_has_no_such_fields(guarded: House, form: str) -> None:
    """They are as unknown there as any other."""
    ada = Visitor(guarded)
    await ada.log_in()
    await ada.open("/account/password")

    answer = await ada.send("/account/password", {form: "x", "current_password": "a", "new_password": "b"})

    assert answer.status_code == 400


async def test_registering_is_asked_too_and_logs_in(guarded: House) -> None:
    """With the chosen password kept; the account is made once, and the browser is known from then on."""
    await guarded.client.post("/v1/accounts", json={"email": "first@example.test", "password": PASSWORD})
    somebody = Visitor(guarded)

    asked = await somebody.fill("/register", {"email": "new@example.test", "password": PASSWORD})
    answer = await somebody.send(
        "/register", {"email": somebody.value("email"), "password": "", "proof": proof_of(somebody)}
    )

    assert asked.status_code == 429
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert DEVICE in guarded.browser.cookies


async def test_registering_where_addresses_are_proved_leads_to_the_mail(posting: House) -> None:
    """Also after a challenge."""
    await posting.client.post("/v1/accounts", json={"email": "first@example.test", "password": PASSWORD})
    somebody = Visitor(posting)

    asked = await somebody.fill("/register", {"email": "new@example.test", "password": PASSWORD})
    answer = await somebody.send(
        "/register", {"email": "new@example.test", "password": "", "proof": proof_of(somebody)}
    )

    assert asked.status_code == 429
    assert answer.headers["location"].startswith("/verify?challenge=chl_")


@pytest.mark.parametrize(("page", "goal"), [("/forgot", "/forgot"), ("/sign-in", "/sign-in/send")])
async def test_a_page_that_sends_a_mail_is_asked_too(posting: House, page: str, goal: str) -> None:
    """Nothing is left to be typed there, so the script sends the form again by itself."""
    somebody = Visitor(posting)
    await somebody.open(page)
    first = await somebody.send(goal, {"login": ADA})
    await somebody.open(page)

    asked = await somebody.send(goal, {"login": ADA})
    answer = await somebody.send(goal, {"login": somebody.value("login"), "proof": proof_of(somebody)})

    assert (first.status_code, asked.status_code, answer.status_code) == (303, 429, 303)
    assert "data-challenge-resend" in asked.text
    assert "kept" not in asked.text


async def test_sending_the_mail_again_is_asked_too(posting: House) -> None:
    """In the small form below the other one, which keeps its own fields."""
    somebody = Visitor(posting)
    sent = await somebody.fill("/register", {"email": ADA, "password": PASSWORD})
    await somebody.open(sent.headers["location"])

    asked = await somebody.send("/verify/again", {})  # the mail of the registration was the one that is free
    answer = await somebody.send("/verify/again", {"proof": proof_of(somebody)})

    assert asked.status_code == 429
    assert (answer.status_code, answer.headers["location"]) == (303, sent.headers["location"])


async def test_where_waiting_is_no_answer_the_page_asks_for_scripts(settings: Settings) -> None:
    """To people whose browser runs none."""
    strict = replace(settings, limits=TIGHT, challenges=Challenges(difficulty=4, waiting=False))
    async with open_house(strict) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        await attacked(house)
        ada = Visitor(house)
        await ada.log_in()

    assert "Switch JavaScript on" in ada.text


class Pictures:
    """A provider of the host's own."""

    name = "pictures"

    def present(self, *, token: str, level: int) -> dict[str, str]:
        """Say which."""
        return {"site_key": "k"}

    async def verify(self, answer: str, *, token: str, level: int, network: str) -> bool:
        """Let everything pass."""
        return True


@pytest.mark.parametrize("waiting", [True, False])
async def test_with_a_provider_of_the_hosts_the_built_in_page_offers_to_wait(settings: Settings, waiting: bool) -> None:
    """Its own answer needs a template of the operator's; there is no work for our script."""
    tight = replace(settings, limits=TIGHT, challenges=Challenges(waiting=waiting))
    async with open_house(tight, challenge_provider=Pictures()) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        await house.auth.accounts.register(email=ADA, password=PASSWORD)
        await attacked(house)
        ada = Visitor(house)
        asked = await ada.log_in()
        answer = await ada.send("/login", {"login": ADA, "password": "", "proof": ada.hidden["proof"] + "~yes"})

    assert "solve.js" not in asked.text
    assert ("Wait for" in asked.text) is waiting
    assert answer.status_code == 303


# -- the browser that the account knows --------------------------------------------------------------------------------


def devices(answer: httpx2.Response) -> list[str]:
    """The cookies of an answer by which an account knows the browser."""
    return [each for each in answer.headers.get_list("set-cookie") if each.startswith(DEVICE)]


async def test_a_log_in_and_a_change_of_password_make_the_browser_known(guarded: House) -> None:
    """For as long as the setting says; the changed password has a token of its own."""
    ada = Visitor(guarded)

    entered = await ada.log_in()
    await ada.open("/account/password")
    changed = await ada.send("/account/password", {"current_password": PASSWORD, "new_password": OTHER_PASSWORD})

    assert [cookie.rpartition("; ")[2] for cookie in devices(entered)] == ["Max-Age=15552000"]
    assert devices(changed)
    assert devices(changed) != devices(entered)


async def test_logging_in_by_mail_makes_the_browser_known(posting: House) -> None:
    """Like any other log-in."""
    await posting.auth.accounts.register(email=ADA, password=PASSWORD)
    somebody = Visitor(posting)
    await somebody.open("/sign-in")
    sent = await somebody.send("/sign-in/send", {"login": ADA})
    await somebody.open(sent.headers["location"])

    answer = await somebody.send("/sign-in", {"code": (await letter(posting)).digits})

    assert answer.status_code == 303
    assert devices(answer)


async def test_an_owner_on_a_known_browser_gets_in_by_the_page_while_an_attack_runs(guarded: House) -> None:
    """Also after logging out; a browser that is not known is asked for a challenge, and gets in with it."""
    ada = Visitor(guarded)
    await ada.log_in()
    await ada.open("/logout")
    await ada.send("/logout", {})
    for _ in range(20):
        await attacked(guarded)

    known = await ada.log_in()
    strange = another_browser(guarded)
    asked = await strange.log_in()
    answer = await strange.send("/login", {**LOGIN, "proof": proof_of(strange)})

    assert known.status_code == 303
    assert (asked.status_code, answer.status_code) == (429, 303)
