"""The script that answers a challenge, and the cookie by which an account knows a browser, in a real one."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.support.house import PASSWORD
from tests.support.served import Served, serving

POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; form-action 'self'"
LOGIN = {"login": "ada@example.test", "password": "wrong"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an instance that asks for a challenge at once."""
    limits = {"DOORWARD_LIMITS__PER_ACCOUNT": "1", "DOORWARD_LIMITS__REGISTRATIONS": "1"}
    with serving(tmp_path_factory.mktemp("served"), **limits) as started:
        yield started


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    """Lend an empty page of the server's origin, with the policy that our own pages have."""
    with chromium.new_context(base_url=served.origin) as context:
        page = context.new_page()
        page.route("**/empty", lambda route: _answer(route, "<!doctype html><title>empty</title>"))
        page.goto("/empty")
        yield page


def _answer(route: Route, html: str) -> None:
    route.fulfill(status=200, content_type="text/html", body=html, headers={"Content-Security-Policy": POLICY})


def _challenge(served: Served) -> dict[str, Any]:
    with served.client() as client:
        answers = [client.post("/v1/login", json=LOGIN) for _ in range(2)]
    assert answers[1].status_code == 429
    return dict(answers[1].json()["challenge"])


def test_a_form_answers_its_challenge_by_itself(page: Page, served: Served) -> None:
    """Who sends it before the work is done waits for that moment, and what is sent is good once."""
    challenge = _challenge(served)
    sent: list[str] = []
    page.route("**/goal", lambda route: (sent.append(route.request.post_data or ""), _answer(route, "thanks")))
    form = (
        f'<form method="post" action="/goal" data-challenge-token="{challenge["token"]}"'
        f' data-challenge-bits="{challenge["bits"]}" data-challenge-parts="{challenge["parts"]}">'
        f'<input type="hidden" name="proof" value="{challenge["token"]}"><button name="go" value="1">Go</button></form>'
    )
    html = f'<!doctype html><script src="/challenge/solve.js" defer></script>{form}'
    page.route("**/asks", lambda route: _answer(route, html))
    page.goto("/asks")

    page.get_by_role("button").click()
    page.wait_for_url("**/goal")

    fields = parse_qs(sent[0])
    proof = fields["proof"][0]
    with served.client() as client:
        codes = [
            client.post("/v1/login", json=LOGIN, headers={"Doorward-Proof": proof}).json()["code"] for _ in range(2)
        ]
    assert fields["go"] == ["1"]
    assert proof.startswith(challenge["token"] + "~")
    assert codes == ["invalid_credentials", "too_many_attempts"]


def test_a_script_of_an_application_answers_one(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """With the promise that the script offers; the time it took is printed."""
    page.add_script_tag(url="/challenge/solve.js")
    register = """async ([email, proof]) => {
        const headers = {"Content-Type": "application/json", ...(proof ? {"Doorward-Proof": proof} : {})};
        const answer = await fetch("/v1/accounts", {method: "POST", headers,
            body: JSON.stringify({email, password: "correct horse battery staple"})});
        return [answer.status, await answer.json()];
    }"""

    page.evaluate(register, ["one@example.test", ""])
    status, refused = page.evaluate(register, ["two@example.test", ""])
    begun = time.perf_counter()
    proof = page.evaluate("challenge => doorwardSolve(challenge)", refused["challenge"])
    took = time.perf_counter() - begun
    again, _ = page.evaluate(register, ["two@example.test", proof])

    with capsys.disabled():
        sys.stdout.write(f"\nChromium: {8 << refused['challenge']['bits']} hashes on average, done in {took:.2f} s\n")
    assert (status, again) == (429, 201)


def test_a_browser_is_still_known_after_logging_out(page: Page, served: Served) -> None:
    """Otherwise whoever logs out in good order would be a stranger the next time."""
    served.run("account", "create", "grace@example.test", typed=PASSWORD)
    call = """async ([path, body]) => (await fetch(path, {method: "POST", body,
        headers: {"Content-Type": "application/json"}})).status"""
    body = json.dumps({"login": "grace@example.test", "password": PASSWORD, "transport": "cookie"})

    entered = page.evaluate(call, ["/v1/login", body])
    during = {cookie.get("name") for cookie in page.context.cookies()}
    left = page.evaluate(call, ["/v1/logout", "{}"])
    after = {cookie.get("name") for cookie in page.context.cookies()}

    assert (entered, left) == (200, 204)
    assert during == {"__Host-doorward", "__Host-doorward-device"}
    assert after == {"__Host-doorward-device"}
