"""Two instances in one process, or two mounts of one host: what one issues opens nothing at the other (row 22)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from doorward.app import Doorward
from tests.support.house import ORIGIN, PASSWORD, FakeClock, House, open_house, settings_for
from tests.support.quick import QuickHasher
from tests.support.raw import OURS, bearer, call, cookie, post

LOGIN = {"login": "ada@example.test", "password": PASSWORD}


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Lend two houses with different mount points, databases and secrets."""
    both = []
    for name in ("one", "two"):
        settings = settings_for(f"sqlite:///{tmp_path / name}.db", tmp_path)
        both.append(replace(settings, mount_path=f"/{name}"))
    clock = FakeClock()
    async with open_house(both[0], clock=clock) as one, open_house(both[1], clock=clock) as two:
        for house in (one, two):
            house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        yield one, two


async def test_nothing_that_one_instance_issued_opens_anything_at_the_other(pair: tuple[House, House]) -> None:
    """Access token, refresh token, cookie: same person, same password, another house."""
    one, two = pair
    held = {}
    for house in pair:
        tokens = await house.enter()
        entered = await post(house.auth, "/v1/login", {**LOGIN, "transport": "cookie"})
        held[house.auth] = tokens, cookie(entered.values(b"set-cookie")[0].partition(b";")[0])

    tokens, cookies = held[one.auth]
    statuses = [
        (await call(two.auth, "GET", "/v1/me", headers=[bearer(tokens["access_token"])])).status,
        (await call(two.auth, "GET", "/v1/me", headers=[cookies])).status,
        (await post(two.auth, "/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})).status,
        (await call(two.auth, "POST", "/v1/token/exchange", headers=[cookies, OURS])).status,
    ]

    assert statuses == [401] * 4


async def test_a_log_out_at_one_ends_nothing_at_the_other(pair: tuple[House, House]) -> None:
    """Two sets of revocations, two databases."""
    one, two = pair
    first, second = await one.enter(), await two.enter()

    await post(one.auth, "/v1/logout", {"refresh_token": second["refresh_token"]})
    await post(one.auth, "/v1/logout", {"everywhere": True}, bearer(first["access_token"]))

    assert (await two.me(second["access_token"])).status_code == 200


async def test_the_same_database_under_another_secret_believes_nothing(tmp_path: Path) -> None:
    """A stolen database lets nobody in: without the secret no key opens and no token has a right MAC."""
    url = f"sqlite:///{tmp_path / 'stolen'}.db"
    async with open_house(settings_for(url, tmp_path)) as house:
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        pair = await house.enter()

    async with open_house(settings_for(url, tmp_path)) as thief:
        called = await thief.me(pair["access_token"])
        refreshed = await thief.refresh(pair["refresh_token"])

    assert (called.status_code, refreshed.status_code) == (401, 401)


async def test_mounted_twice_each_answers_below_its_own_point(pair: tuple[House, House]) -> None:
    """The host's router decides which one is asked, and the issuer says which one has answered."""
    host = Starlette()
    for house in pair:
        host.mount(house.auth.settings.mount_path, house.auth)

    issuers = [
        (await call(host, "GET", f"/{name}/.well-known/oauth-authorization-server")).json["issuer"]
        for name in ("one", "two")
    ]
    crossed = await call(host, "GET", "/one/two/.well-known/oauth-authorization-server")

    assert issuers == [f"{ORIGIN}/one", f"{ORIGIN}/two"]
    assert crossed.status == 404


async def test_a_mount_without_its_lifespan_answers_nobody(tmp_path: Path) -> None:
    """Half open is closed: without the keys and the revocations nothing can be judged."""
    auth = Doorward(settings_for(f"sqlite:///{tmp_path / 'x'}.db", tmp_path))
    host = Starlette()
    host.mount("/auth", auth)

    with pytest.raises(Exception, match="lifespan"):
        await call(host, "GET", "/auth/v1/me")
