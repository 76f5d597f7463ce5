"""The example with rules of its own: each gate refuses or adds over HTTP, and the trail remembers it."""

from collections.abc import AsyncIterator

import pytest
from examples.company_policy import main

from doorward.gates import BeforeLogin, ClaimsForToken, Refusal
from doorward.settings import Settings
from tests.support.house import PASSWORD, FakeClock, House, bearer, clients

OTHER = "another correct horse battery staple"


@pytest.fixture
async def policy() -> main.Policy:
    """Lend the rules."""
    return main.Policy()


@pytest.fixture
async def company(settings: Settings, policy: main.Policy) -> AsyncIterator[House]:
    """Lend the host's instance."""
    auth = main.build(settings, policy)
    clock = FakeClock(auth._clock())
    async with auth.lifespan(), clients(auth) as (client, browser):
        yield House(auth, clock, client, browser)


async def _trail(company: House) -> list[tuple[str, str]]:
    lines = (await company.auth.audit.page(None)).lines
    return [(line.event, line.detail) for line in lines if line.event == "gate.refused"]


async def test_nobody_from_outside_registers(company: House) -> None:
    """The refusal is public and is in the trail; nothing else is written."""
    body = {"email": "eve@elsewhere.test", "password": PASSWORD}
    answer = await company.client.post("/v1/accounts", json=body)

    assert answer.status_code == 403
    told = answer.json()
    assert (told["code"], told["reason"]) == ("refused_by_policy", "wrong_domain")
    assert told["detail"] == "Register with your address at example.test."
    assert await _trail(company) == [("gate.refused", '{"gate":"before_registration","reason":"wrong_domain"}')]


async def test_a_gate_before_log_in_is_no_oracle(company: House, policy: main.Policy) -> None:
    """Who does not know the password hears what everybody hears; who knows it hears the reason, and has no session."""
    await company.register()
    policy.closed = True
    wrong = await company.client.post("/v1/login", json={"login": "ada@example.test", "password": "wrong one"})
    right = await company.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})
    nobody = await company.client.post("/v1/login", json={"login": "nobody@example.test", "password": PASSWORD})

    assert (wrong.json()["code"], nobody.json()["code"]) == ("invalid_credentials",) * 2
    assert (right.status_code, right.json()["reason"]) == (403, "maintenance")
    assert len(await _trail(company)) == 1
    account = await company.auth.accounts.find_by_email("ada@example.test")
    assert (await company.auth.sessions.page(account.id)).sessions == ()


async def test_a_refused_log_in_uses_up_no_tries(company: House, policy: main.Policy) -> None:
    """The password was right: nobody is kept out afterwards because of the policy."""
    await company.register()
    policy.closed = True
    await company.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})

    rows = await company.auth._database.fetch_all("SELECT tries FROM allowance")

    assert 0 in [row["tries"] for row in rows]


async def test_a_shared_account_keeps_its_password(company: House, policy: main.Policy) -> None:
    """Nothing changes, and the old password still counts."""
    entered = await company.enter()
    policy.shared_accounts = frozenset({entered["account"]["id"]})
    answer = await company.client.post(
        "/v1/me/password",
        json={"current_password": PASSWORD, "new_password": OTHER},
        headers=bearer(entered["access_token"]),
    )

    assert (answer.status_code, answer.json()["reason"]) == (403, "shared_account")
    await company.log_in()


def _plan(company: House, token: str) -> object:
    from doorward.jose import jws, jwt

    return jwt.parse_strict(jws.split(token).payload).get("https://example.test/plan")


async def test_tokens_say_which_plan_an_account_has(company: House, policy: main.Policy) -> None:
    """At log-in, at every refresh anew, at a step-up, and for a page that exchanges its cookie."""
    entered = await company.enter()
    policy.plans[entered["account"]["id"]] = "paid"
    refreshed = (await company.refresh(entered["refresh_token"])).json()
    again = (await company.refresh(entered["refresh_token"])).json()
    stepped = await company.client.post(
        "/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(refreshed["access_token"])
    )
    await company.browser.post(
        "/v1/login", json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    exchanged = (await company.browser.post("/v1/token/exchange")).json()

    assert _plan(company, entered["access_token"]) == "free"
    assert _plan(company, refreshed["access_token"]) == "paid"
    assert _plan(company, again["access_token"]) == "paid"
    assert _plan(company, stepped.json()["access_token"]) == "paid"
    assert _plan(company, exchanged["access_token"]) == "paid"


async def test_a_refresh_that_is_refused_can_be_tried_again(company: House) -> None:
    """The token is not spent by it."""
    entered = await company.enter()
    closed = [True]
    company.auth.gates.add(ClaimsForToken, lambda _: Refusal("Not now.") if closed else None)
    refused = await company.refresh(entered["refresh_token"])
    closed.clear()
    refreshed = await company.refresh(entered["refresh_token"])

    assert (refused.status_code, refreshed.status_code) == (403, 200)


async def test_theft_is_noticed_whatever_a_gate_says(settings: Settings) -> None:
    """A spent token ends its session, and no gate is asked about it; a dead one is refused as ever."""
    from tests.support.house import open_house

    async with open_house(settings) as house:
        entered = await house.enter()
        await house.refresh(entered["refresh_token"])
        house.auth.gates.add(ClaimsForToken, lambda _: Refusal("No."))
        house.clock.advance(60)

        stolen = await house.refresh(entered["refresh_token"])
        dead = await house.refresh(entered["refresh_token"])

        assert stolen.json()["code"] == dead.json()["code"] == "invalid_grant"
        assert (await house.auth.audit.page(None)).lines[0].event == "token.reused"


def test_the_application_is_made_when_it_is_asked_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """``doorward serve --app main:app`` finds it, and nothing else is there."""
    monkeypatch.setattr(Settings, "load", lambda: settings)

    assert main.app.gates.has(BeforeLogin)
    with pytest.raises(AttributeError):
        main.other  # noqa: B018 - asking is the point


async def test_a_page_that_may_not_exchange_its_cookie_is_refused_under_its_own_name(company: House) -> None:
    """The trail says that the owner asked, and from which network."""
    await company.register()
    await company.browser.post(
        "/v1/login", json={"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    company.auth.gates.add(ClaimsForToken, lambda _: Refusal("No.", reason="no_tokens"))

    answer = await company.browser.post("/v1/token/exchange")

    line = (await company.auth.audit.page(None)).lines[0]
    assert (answer.status_code, answer.json()["reason"]) == (403, "no_tokens")
    assert (line.event, line.actor, line.ip_prefix) == ("gate.refused", line.account_id, "203.0.113.0/24")
