"""Plain HTTP for development: a real browser takes the cookie that it would not take under its real name."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Cookie

from tests.support.served import Served, serving

PASSWORD = "seven otters paint a bridge"


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an instance without TLS."""
    with serving(
        tmp_path_factory.mktemp("clear"), scheme="http", DOORWARD_SERVING__INSECURE_LOOPBACK="true"
    ) as started:
        started.run("account", "create", "ada@example.org", typed=PASSWORD)
        yield started


def _of_the_session(context: BrowserContext) -> list[Cookie]:
    """Every cookie but that of the device, which browsers may keep here and which opens nothing."""
    return [cookie for cookie in context.cookies() if cookie["name"] != "__Host-doorward-device"]


def test_somebody_logs_in_and_out_over_plain_http(chromium: Browser, clear: Served) -> None:
    """With doorward.js, the cookie out of reach of scripts, and no word of HSTS."""
    with chromium.new_context(base_url=clear.origin) as context:
        context.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page = context.new_page()
        page.goto("/blank")
        journey = f"""async () => {{
            const {{ Doorward }} = await import("/v1/doorward.js");
            const auth = new Doorward();
            await auth.logIn({{ login: "ada@example.org", password: "{PASSWORD}" }});
            const seen = [(await auth.account()).email, document.cookie, (await auth.accessToken()).slice(0, 2)];
            await fetch("/v1/me", {{ method: "PATCH", body: '{{"profile": {{}}}}',
                headers: {{ "Content-Type": "application/json" }} }}).then((it) => seen.push(it.status));
            return seen;
        }}"""

        seen = page.evaluate(journey)
        (cookie,) = _of_the_session(context)
        page.evaluate("import('/v1/doorward.js').then(({Doorward}) => new Doorward().logOut())")

        assert seen == ["ada@example.org", "", "ey", 200]
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == ("doorward-insecure-loopback", False, True)
        assert _of_the_session(context) == []
        assert "strict-transport-security" not in page.request.get("/health/live").headers
