"""A whole doorward in process: real database, real hashing, real routes; only the clock is ours."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx2
from msgspec.structs import replace

from doorward.app import Doorward
from doorward.core.secret import Secret
from doorward.db import Database as DatabasePort
from doorward.settings import Accounts, Database, Limits, Passwords, Settings

_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])
ORIGIN = "https://auth.example.test"
PASSWORD = "correct horse battery staple"
START = 1_800_000_000


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds


def settings_for(database_url: str, folder: Path, **changes: Any) -> Settings:
    """Make settings that are safe and leave tests alone: generous limits, a fresh secret."""
    base = Settings(
        origin=ORIGIN,
        data_dir=folder,
        secret=(Secret(secrets.token_urlsafe(32)),),
        database=Database(url=database_url, pool_size=4),
        accounts=Accounts(email_verification="off"),
        passwords=Passwords(hash_threads=2, hash_queue=500),
        limits=Limits(
            per_account=10_000,
            per_pair=10_000,
            per_network=100_000,
            per_wide_network=100_000,
            registrations=100_000,
            per_instance=1_000_000,
        ),
    )
    return replace(base, **changes)


@dataclass
class House:
    """One instance with a client that speaks to it like a program, and one like a page of its own origin."""

    auth: Doorward
    clock: FakeClock
    client: httpx2.AsyncClient
    browser: httpx2.AsyncClient
    people: dict[str, str] = field(default_factory=dict)
    """Credentials of who is in already, for a property that asks the same house many times."""

    async def register(self, email: str = "ada@example.test", **members: Any) -> dict[str, Any]:
        """Register somebody over HTTP and return the account."""
        answer = await self.client.post("/v1/accounts", json={"email": email, "password": PASSWORD, **members})
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["account"])

    async def log_in(self, login: str = "ada@example.test", **members: Any) -> dict[str, Any]:
        """Log in over HTTP and return the answer."""
        answer = await self.client.post("/v1/login", json={"login": login, "password": PASSWORD, **members})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def enter(self, email: str = "ada@example.test") -> dict[str, Any]:
        """Register and log in."""
        await self.register(email)
        return await self.log_in(email)

    async def refresh(self, token: str) -> httpx2.Response:
        """Spend a refresh token."""
        return await self.client.post("/v1/token/refresh", json={"refresh_token": token})

    async def me(self, token: str) -> httpx2.Response:
        """Call a protected route with an access token."""
        return await self.client.get("/v1/me", headers=bearer(token))


def bearer(token: str) -> dict[str, str]:
    """Make the header of an access token."""
    return {"Authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def open_house(
    settings: Settings, *, clock: FakeClock | None = None, database: DatabasePort | None = None, **arguments: Any
) -> AsyncIterator[House]:
    """Run an instance in this process."""
    clock = clock or FakeClock()
    auth = Doorward(settings, clock=clock, database=database, **arguments)
    async with auth.lifespan(), clients(auth) as (client, browser):
        yield House(auth, clock, client, browser)


@contextlib.asynccontextmanager
async def clients(app: Any) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Make a client without and one with cookies, the second saying like a browser that it comes from our origin."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.7", 50000))
    async with (
        httpx2.AsyncClient(transport=transport, base_url=ORIGIN, cookies=CookieJar(_NO_COOKIES)) as client,
        httpx2.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        ) as browser,
    ):
        yield client, browser
