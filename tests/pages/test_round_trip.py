"""A page of a host that needs a log-in, the log-in page, and back: mounted in the host, and beside it."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from doorward.settings import Settings
from doorward.verify import Guard
from doorward.verify.asgi import principal_of
from tests.support.house import House, clients, open_house
from tests.support.quick import QuickHasher
from tests.support.visitor import Visitor


@pytest.fixture(params=["", "/auth"])
async def host(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[tuple[Visitor, str]]:
    """Lend a visitor of a host that mounts doorward at ``/auth``, or that stands behind the same origin at ``/app``."""
    mount: str = request.param
    async with open_house(replace(settings, mount_path=mount)) as house:
        house.auth.pool.hasher = QuickHasher(settings.passwords)
        await house.register()
        app = Starlette(routes=[
            Route("/app/{page}", lambda request: PlainTextResponse(f"for {principal_of(request.scope).subject}")),
            Mount(mount or "/", house.auth),
        ])  # fmt: skip
        guarded = Guard(app, house.auth, protected=["/app"], public=["/*"], login_url=f"{mount}/login")
        async with clients(guarded) as (_, browser):
            yield Visitor(House(house.auth, house.clock, house.client, browser)), mount


async def test_a_guarded_page_is_reached_by_way_of_the_log_in_page(host: tuple[Visitor, str]) -> None:
    """With its query, and whether the session had never been, or has ended."""
    ada, mount = host
    for _ in range(2):
        sent_off = await ada.open("/app/reports?year=2026&q=caf%C3%A9")
        await ada.open(sent_off.headers["location"])
        answer = await ada.send(
            f"{mount}/login", {"login": "ada@example.test", "password": "correct horse battery staple"}
        )
        there = await ada.open(answer.headers["location"])

        assert sent_off.status_code == 302
        assert answer.headers["location"] == "/app/reports?year=2026&q=caf%C3%A9"
        assert there.text.startswith("for acc_")
        await ada.open(f"{mount}/logout")
        await ada.send(f"{mount}/logout", {})
        assert (await ada.open("/app/reports")).status_code == 302


async def test_a_program_at_the_same_page_gets_a_401(host: tuple[Visitor, str]) -> None:
    """It could do nothing with a page."""
    ada, _ = host

    answer = await ada.browser.get("/app/reports")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_pages_are_for_cookies(host: tuple[Visitor, str]) -> None:
    """An access token opens the API and no page: pages are for people."""
    ada, mount = host
    credentials = {"login": "ada@example.test", "password": "correct horse battery staple"}
    pair = (await ada.browser.post(f"{mount}/v1/login", json=credentials)).json()

    answer = await ada.browser.get(f"{mount}/account", headers={"Authorization": f"Bearer {pair['access_token']}"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{mount}/login?return_to={mount}/account")
