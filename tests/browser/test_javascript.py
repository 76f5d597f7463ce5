"""``doorward.js`` in a real browser, with a real server: one tab, several tabs, and pages of another origin."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, Route

from tests.support.served import Served, serving

PASSWORD = "seven otters paint a bridge"
APP = "https://app.example.com"
API = "https://api.example.com"
STRANGER = "https://stranger.example.com"
ROUNDS = 12
SOAK = float(os.environ.get("DOORWARD_SOAK_SECONDS", "0"))
"""Seconds for which the tabs go on; ``make soak-tabs`` says how many. Without it they do so many rounds."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an instance whose access tokens live for as short as is allowed, with one application on its list."""
    with serving(
        tmp_path_factory.mktemp("served"),
        DOORWARD_TOKENS__ACCESS_LIFETIME="31s",
        DOORWARD_BROWSER__ALLOWED_ORIGINS=APP,
    ) as started:
        for name in ("ada", "eve"):
            started.run("account", "create", f"{name}@example.org", typed=PASSWORD)
        yield started


@pytest.fixture
def context(chromium: Browser, served: Served) -> Iterator[BrowserContext]:
    """Lend a fresh profile in which every origin of these tests has an empty page."""
    with chromium.new_context(base_url=served.origin) as opened:
        with contextlib.suppress(Error):  # a Chromium that does not know it does not ask for it either
            opened.grant_permissions(["local-network-access"])  # the public origins of these tests call this machine
        opened.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        yield opened


class Tab:
    """A page with an ``auth`` of its own."""

    def __init__(self, context: BrowserContext, served: Served, origin: str = "", **options: Any) -> None:
        self.page: Page = context.new_page()
        self.page.goto(f"{origin or served.origin}/blank")
        self.page.evaluate(
            """async ([address, options]) => {
                const module = await import(address);
                Object.assign(window, module, {events: [], auth: new module.Doorward(options)});
                for (const name of ["signedin", "signedout"])
                    auth.addEventListener(name, () => events.push(name));
            }""",
            [f"{served.origin}/v1/doorward.js", options],
        )

    def run(self, code: str) -> Any:
        """Await an expression; what it rejects with is returned as the name, the code and the status."""
        return self.page.evaluate(
            f"(async () => {{ try {{ return await ({code}); }}"
            " catch (error) { return [error.name, error.code ?? '', error.status ?? 0]; } })()"
        )

    def begin(self, code: str) -> None:
        """Start something without waiting for it."""
        self.page.evaluate(f"() => {{ window.begun = (async () => {code})().then(() => 'done', String); }}")

    def end(self) -> str:
        """Wait for what was begun."""
        return str(self.page.evaluate("() => window.begun"))

    def log_in(self, name: str = "ada") -> Any:
        """Log in and return the account's address."""
        return self.run(f"auth.logIn({{login: '{name}@example.org', password: '{PASSWORD}'}}).then((it) => it.email)")

    @property
    def events(self) -> list[str]:
        """What the application was told."""
        return list(self.page.evaluate("events"))

    def wait_for(self, event: str) -> None:
        """Wait until the application was told."""
        self.page.wait_for_function(f"events.includes('{event}')")


def sent(method: str, **body: Any) -> str:
    """Write the second argument of a ``fetch`` that sends JSON."""
    init = {"method": method, "body": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    return json.dumps(init)


def service(context: BrowserContext, origin: str, *refusals: int) -> list[Request]:
    """Put a service at an address; its first answers are the refusals. Returns what it is asked, without preflights."""
    asked: list[Request] = []
    left = list(refusals)

    def answer(route: Route) -> None:
        permit = {
            "access-control-allow-origin": route.request.headers.get("origin", "*"),
            "access-control-allow-headers": "authorization, content-type",
            "access-control-allow-methods": "GET, POST",
        }
        if route.request.method == "OPTIONS":
            route.fulfill(status=204, headers=permit)
            return
        asked.append(route.request)
        body = json.dumps({"body": route.request.post_data or ""})
        route.fulfill(status=left.pop(0) if left else 200, headers=permit, body=body)

    context.route(f"{origin}/**", answer)
    return asked


def everything_stored(page: Page) -> str:
    """Read what a script could leave behind, and what it could see of the cookie."""
    return str(
        page.evaluate(
            """async () => JSON.stringify([
                {...localStorage}, {...sessionStorage}, document.cookie, await caches.keys(),
                await indexedDB.databases(), location.href, history.state, window.name])"""
        )
    )


def test_the_module_is_small_and_kept_for_a_while(served: Served) -> None:
    """Typed as what it is, with a validator, for pages of every origin, and a few kilobytes."""
    with served.client() as client:
        first = client.get("/v1/doorward.js")
        again = client.get("/v1/doorward.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert first.headers["access-control-allow-origin"] == "*"
    assert (again.status_code, again.content) == (304, b"")
    assert len(first.content) < 14_000
    assert "import " not in first.text.replace("*     import {", "")


def test_a_cookie_session_is_used_without_any_token_in_the_page(context: BrowserContext, served: Served) -> None:
    """Log in, call, log out: nothing is stored, nothing is visible, and the end is told."""
    tab = Tab(context, served)

    before = tab.run("auth.account()")
    entered = tab.log_in()
    stored = everything_stored(tab.page)
    me = tab.run("auth.fetch('/v1/me').then((it) => it.json()).then((it) => it.account.email)")
    changed = tab.run(f"auth.fetch('/v1/me', {sent('PATCH', profile={'tea': 1})}).then((it) => it.status)")
    left = tab.run("auth.logOut().then(() => 'left')")
    after = tab.run("auth.fetch('/v1/me').then((it) => it.status)")

    assert (before, entered, me, changed, left, after) == (None, "ada@example.org", "ada@example.org", 200, "left", 401)
    assert "dws_" not in stored
    assert "eyJ" not in stored
    assert tab.events == ["signedin", "signedout", "signedout"]


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_a_service_gets_a_token_and_no_cookie_and_is_asked_once_more_after_a_401(
    context: BrowserContext, served: Served, transport: str
) -> None:
    """With another token and the same body. A second refusal is the answer."""
    asked = service(context, API, 401, 200, 401, 401)
    tab = Tab(context, served, transport=transport, services=[API])
    tab.log_in()
    post = f"auth.fetch('{API}/orders', {{method: 'POST', body: 'tea'}})"

    met = tab.run(f"{post}.then(async (it) => [it.status, (await it.json()).body])")
    refused = tab.run(f"{post}.then((it) => it.status)")

    tokens = [request.headers["authorization"] for request in asked]
    assert (met, refused) == ([200, "tea"], 401)
    assert len(asked) == 4
    assert tokens[0] != tokens[1] == tokens[2] != tokens[3]
    assert all(token.startswith("Bearer eyJ") for token in tokens)
    assert not any("cookie" in request.all_headers() for request in asked)
    assert "eyJ" not in everything_stored(tab.page)
    assert "dwr_" not in everything_stored(tab.page)


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_no_other_address_gets_a_token(context: BrowserContext, served: Served, transport: str) -> None:
    """Only the listed services, by their whole origin; and a redirect leads nowhere."""
    asked = service(context, STRANGER)
    tab = Tab(context, served, transport=transport, services=[API])
    tab.log_in()
    permit = {"access-control-allow-origin": served.origin, "access-control-allow-headers": "authorization"}
    answers: dict[str, Any] = {
        "OPTIONS": {"status": 204},
        "GET": {"status": 302, "headers": {"location": f"{STRANGER}/x"}},
    }
    context.route(
        f"{API}/moved",
        lambda route: route.fulfill(
            status=answers[route.request.method]["status"],
            headers={**permit, **answers[route.request.method].get("headers", {})},
        ),
    )
    near = (f"{STRANGER}/x", f"{API}:8443/x", f"{API}.stranger.example.com/x", f"{API}/moved")

    refused = [tab.run(f"auth.fetch('{address}')") for address in near]

    assert [name for name, _, _ in refused] == ["TypeError"] * 4
    assert asked == []


def test_the_cookie_transport_is_for_pages_of_the_origin(context: BrowserContext, served: Served) -> None:
    """Elsewhere there is no cookie to be had, so it is refused when it is made and not when it fails."""
    tab = Tab(context, served, origin=APP, transport="bearer")

    assert tab.run(f"new Doorward({{base: '{served.origin}/v1/'}})")[0] == "TypeError"


def test_a_cookie_that_another_tab_has_renewed_costs_nobody_the_session(
    context: BrowserContext, served: Served
) -> None:
    """The request was on its way with the old one: it is refused, clears nothing, and is asked again with the new."""
    tab, other = Tab(context, served), Tab(context, served)
    tab.log_in()
    held: list[Route] = []
    context.route("**/v1/me/sessions", lambda route: held.append(route), times=1)
    tab.begin("{ const it = await auth.fetch('/v1/me/sessions'); if (!it.ok) throw it.status; }")
    _until(tab, held)
    late = held[0].request.all_headers()
    raised = other.run(f"fetch('/v1/reauthenticate', {sent('POST', password=PASSWORD)}).then((it) => it.status)")
    with served.client() as client:
        refused = client.get("/v1/me/sessions", headers={"Cookie": late["cookie"]})
    held[0].fulfill(status=refused.status_code, headers=dict(refused.headers), body=refused.text)

    assert (raised, refused.status_code) == (200, 401)
    assert tab.end() == "done"
    assert tab.events == ["signedin"]


def test_an_exchange_with_a_cookie_that_was_just_renewed_is_asked_for_again(
    context: BrowserContext, served: Served
) -> None:
    """The first refusal may be about the old one; the second is the answer."""
    tab = Tab(context, served)
    tab.log_in()
    left = [1]
    context.route(
        "**/v1/token/exchange",
        lambda route: route.fulfill(status=401, body="{}") if left and left.pop() else route.continue_(),
    )

    met = tab.run("auth.renew().then(() => 'renewed')")
    left += [1, 1]
    refused = tab.run("auth.renew()")

    assert (met, refused) == ("renewed", ["Refused", "", 401])
    assert tab.events == ["signedin", "signedout"]


def _until(tab: Tab, held: list[Route]) -> None:
    """Let the driver deliver what is on its way."""
    deadline = time.monotonic() + 20
    while not held:
        assert time.monotonic() < deadline
        tab.page.evaluate("1")


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_a_log_out_in_one_tab_ends_the_other(context: BrowserContext, served: Served, transport: str) -> None:
    """And its tokens are dead; a log-in is told as well."""
    one, other = (Tab(context, served, transport=transport) for _ in range(2))
    one.log_in()
    other.wait_for("signedin")
    there = other.run("auth.account().then((it) => it.email)")
    token = other.run("auth.accessToken()")

    one.run("auth.logOut()")
    other.wait_for("signedout")

    assert there == "ada@example.org"
    assert other.run("auth.account()") is None
    with served.client() as client:
        assert client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_new_tab_learns_from_the_others(context: BrowserContext, served: Served) -> None:
    """With the bearer transport the tokens are nowhere else; a reload of the only tab is a log-out."""
    one = Tab(context, served, transport="bearer")
    one.log_in()

    other = Tab(context, served, transport="bearer")
    there = other.run("auth.account().then((it) => it.email)")
    one.page.close()
    other.page.close()
    later = Tab(context, served, transport="bearer")

    assert there == "ada@example.org"
    assert later.run("auth.account()") is None
    assert later.run("auth.accessToken()") == ["Refused", "invalid_token", 401]


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_a_new_tab_does_not_take_over_a_token_that_is_over(
    context: BrowserContext, served: Served, transport: str
) -> None:
    """A tab that was left alone for long holds one; what is handed out must be good for some seconds at least."""
    one = Tab(context, served, transport=transport)
    one.log_in()
    old = one.run("auth.accessToken()")
    other = Tab(context, served, transport=transport)
    other.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 31_000; }")

    token = other.run("auth.accessToken()")

    assert isinstance(token, str)
    assert token != old


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_a_log_out_everywhere_ends_all(context: BrowserContext, served: Served, transport: str) -> None:
    """Another device, too."""
    tab = Tab(context, served, transport=transport)
    tab.log_in("eve")
    with served.client() as client:
        entered = client.post("/v1/login", json={"login": "eve@example.org", "password": PASSWORD}).json()
        tab.run("auth.logOut({everywhere: true})")
        after = client.get("/v1/me", headers={"Authorization": f"Bearer {entered['access_token']}"})

    assert after.status_code == 401


def test_a_wrong_password_is_refused_with_its_code(context: BrowserContext, served: Served) -> None:
    """The page shows the message; the code is stable."""
    tab = Tab(context, served)

    assert tab.run("auth.logIn({login: 'ada@example.org', password: 'wrong'})") == [
        "Refused", "invalid_credentials", 401,
    ]  # fmt: skip
    assert tab.events == []


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_nobody_is_logged_out_by_a_network_that_is_away(
    context: BrowserContext, served: Served, transport: str
) -> None:
    """Offline, and on again."""
    tab = Tab(context, served, transport=transport)
    tab.log_in()
    context.set_offline(True)

    away = [tab.run(code) for code in ("auth.renew()", "auth.account()", "auth.logOut()")]
    context.set_offline(False)
    back = tab.run("auth.account().then((it) => it.email)")

    assert [name for name, _, _ in away] == ["Unreachable"] * 3
    assert back == "ada@example.org"
    assert tab.events == ["signedin"]


def test_an_overloaded_server_is_asked_again_when_it_says_so(context: BrowserContext, served: Served) -> None:
    """For as long as one waits, and so often; a longer wait is told at once."""
    tab = Tab(context, served, transport="bearer")
    tab.log_in()
    waits = ["0", "0", "0", "0", "0", "60"]
    context.route(
        "**/v1/token/refresh",
        lambda route: (
            route.fulfill(status=503, headers={"retry-after": waits.pop(0)}, body="{}") if waits else route.continue_()
        ),
    )
    tab.page.evaluate("const real = setTimeout; window.setTimeout = (act, time) => real(act, time > 1000 ? time : 0)")

    tired = tab.run("auth.renew()")
    patient_then_told_to_wait = tab.run("auth.renew()")
    met = tab.run("auth.renew().then(() => 'renewed')")

    assert tired == ["Unreachable", "", 0]
    assert patient_then_told_to_wait == ["Unreachable", "", 0]
    assert met == "renewed"
    assert tab.events == ["signedin"]


@pytest.mark.parametrize("transport", ["cookie", "bearer"])
def test_two_tabs_that_renew_at_once_make_one_request(context: BrowserContext, served: Served, transport: str) -> None:
    """Again and again, each time with both waiting at the same moment; nobody is logged out."""
    tabs = [Tab(context, served, transport=transport) for _ in range(2)]
    tabs[0].log_in()
    tabs[1].wait_for("signedin")
    stopped: list[Route] = []
    context.route("**/v1/token/*", lambda route: stopped.append(route))
    until = time.monotonic() + SOAK
    rounds = requests = 0
    while rounds < ROUNDS or time.monotonic() < until:
        for tab in tabs:
            tab.begin("{ await auth.renew(); }")
        _until(tabs[rounds % 2], stopped)
        stopped.pop().continue_()
        assert [tab.end() for tab in tabs] == ["done", "done"]
        tokens = [tab.run("auth.accessToken()") for tab in tabs]
        assert tokens[0] == tokens[1]
        assert stopped == []
        rounds, requests = rounds + 1, requests + 1

    assert requests == rounds
    assert [tab.run("auth.account().then((it) => it.email)") for tab in tabs] == ["ada@example.org"] * 2
    assert all("signedout" not in tab.events for tab in tabs)


@pytest.mark.parametrize("missing", ["locks", "channel", "both"])
def test_tabs_that_cannot_agree_do_not_log_each_other_out(
    context: BrowserContext, served: Served, missing: str
) -> None:
    """Without Web Locks both ask at once with one token, and the server gives both the same successor."""
    gone = {"locks": "delete Navigator.prototype.locks;", "channel": "delete window.BroadcastChannel;"}
    context.add_init_script("".join(gone.values()) if missing == "both" else gone[missing])
    tabs = [Tab(context, served, transport="bearer") for _ in range(2)]
    tabs[0].log_in()
    if missing == "locks":
        tabs[1].wait_for("signedin")
    else:
        tabs[1].log_in()
    until = time.monotonic() + SOAK / 3
    rounds = 0
    while rounds < ROUNDS // 3 or time.monotonic() < until:
        for tab in tabs:
            tab.begin("{ await auth.renew(); }")
        assert [tab.end() for tab in tabs] == ["done", "done"]
        rounds += 1

    assert [tab.run("auth.account().then((it) => it.email)") for tab in tabs] == ["ada@example.org"] * 2


def test_a_listed_application_of_another_origin_works_with_tokens(context: BrowserContext, served: Served) -> None:
    """Its page loads the module from us, logs in, calls, renews and logs out; no cookie is set on the way."""
    tab = Tab(context, served, origin=APP, transport="bearer")

    entered = tab.log_in()
    me = tab.run("auth.account().then((it) => it.email)")
    renewed = tab.run("auth.renew().then(() => 'renewed')")
    left = tab.run("auth.logOut().then(() => 'left')")

    assert (entered, me, renewed, left) == ("ada@example.org", "ada@example.org", "renewed", "left")
    assert context.cookies() == []


def test_an_application_that_is_not_listed_reads_nothing(context: BrowserContext, served: Served) -> None:
    """The browser keeps the answers from it, and the preflight keeps its requests from us."""
    tab = Tab(context, served, origin=STRANGER, transport="bearer")

    assert tab.log_in() == ["Unreachable", "", 0]
    assert tab.run(f"fetch('{served.origin}/v1/me', {{credentials: 'include'}})")[0] == "TypeError"
    assert tab.run(f"fetch('{served.origin}/.well-known/jwks.json').then((it) => it.status)") == 200
