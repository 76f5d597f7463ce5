"""The whole application: its life, mounted in a host, and several of them side by side."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from msgspec.structs import replace
from starlette.testclient import TestClient

import doorward
from doorward.app import Doorward
from doorward.db import open_database, statement
from doorward.errors import Misconfigured, StorageUnavailable
from doorward.hooks import Event, Registered
from doorward.settings import Settings
from tests.support.house import ORIGIN, PASSWORD, bearer, clients, open_house, settings_for
from tests.support.waiting import until


def test_the_public_names_are_there_and_no_others() -> None:
    """They are loaded when they are asked for."""
    assert {name: getattr(doorward, name) is not None for name in doorward.__all__}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = doorward.nothing


def test_unsafe_settings_refuse_the_start(tmp_path: Path) -> None:
    """With every finding at once."""
    with pytest.raises(Misconfigured) as refused:
        Doorward(Settings(data_dir=tmp_path, origin="http://insecure.test"))

    assert len(refused.value.findings) >= 3


async def test_mounted_in_a_host_everything_is_below_the_mount_point(settings: Settings) -> None:
    """Issuer, documentation and routes."""
    auth = Doorward(replace(settings, mount_path="/auth"))
    host = FastAPI(lifespan=auth.lifespan)
    host.mount("/auth", auth)

    with TestClient(host, base_url=ORIGIN) as client:
        client.post("/auth/v1/accounts", json={"email": "a@example.test", "password": PASSWORD})
        pair = client.post("/auth/v1/login", json={"login": "a@example.test", "password": PASSWORD}).json()
        me = client.get("/auth/v1/me", headers=bearer(pair["access_token"]))

    assert me.status_code == 200
    assert client.get("/v1/me").status_code == 404


async def test_without_its_lifespan_it_says_so(settings: Settings) -> None:
    """Loudly, and not as a failing request somewhere below."""
    host = FastAPI()
    host.mount("/auth", Doorward(settings))

    with TestClient(host, base_url=ORIGIN) as client, pytest.raises(Misconfigured, match="without its lifespan"):
        client.get("/auth/health/live")


async def test_two_instances_live_side_by_side(databases: Any, tmp_path: Path) -> None:
    """With databases, secrets and keys of their own: a token of one is nothing to the other."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with databases.fresh("sqlite", tmp_path / "one") as one, databases.fresh("sqlite", tmp_path / "two") as two:
        async with (
            open_house(settings_for(one, tmp_path)) as first,
            open_house(settings_for(two, tmp_path)) as second,
        ):
            pair = await first.enter()
            await second.enter()

            assert (await first.me(pair["access_token"])).status_code == 200
            assert (await second.me(pair["access_token"])).status_code == 401
            assert (await second.refresh(pair["refresh_token"])).status_code == 401


async def test_it_may_live_twice(settings: Settings) -> None:
    """A test client starts and stops the same object again and again."""
    auth = Doorward(settings)
    for number in range(2):
        async with auth.lifespan(), clients(auth) as (client, _):
            answer = await client.post("/v1/accounts", json={"email": f"a{number}@example.test", "password": PASSWORD})
            assert answer.status_code == 201


async def run_lifespan(auth: Doorward, sent: list[str], *messages: str) -> None:
    """Serve the lifespan protocol; what is sent is appended."""
    incoming = list(messages)

    async def receive() -> dict[str, str]:
        return {"type": incoming.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await auth({"type": "lifespan"}, receive, send)


async def test_served_as_the_whole_application_it_has_a_lifespan(settings: Settings) -> None:
    """Started and stopped by the server."""
    sent: list[str] = []
    await run_lifespan(Doorward(settings), sent, "lifespan.startup", "lifespan.shutdown")

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_database_that_is_not_there_fails_the_start(settings: Settings) -> None:
    """The server is told, and stops; the reason comes out for the operator."""
    gone = replace(settings, database=replace(settings.database, url="postgresql://nobody@127.0.0.1:1/none"))

    sent: list[str] = []

    with pytest.raises(StorageUnavailable):
        await run_lifespan(Doorward(gone), sent, "lifespan.startup")

    assert sent == ["lifespan.startup.failed"]


async def test_web_sockets_are_closed(settings: Settings) -> None:
    """There is nothing to talk about; other scopes are not answered."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    auth = Doorward(settings)
    await auth({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    await auth({"type": "something else"}, None, send)  # type: ignore[arg-type]

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]


async def test_sqlite_migrates_by_itself_and_postgresql_waits_for_the_operator(engine: str, settings: Settings) -> None:
    """Several programs may be running on PostgreSQL; a start does not change their tables."""
    database = open_database(settings.database_url, pool_size=1, timeout=5)
    await database.open()
    await database.write(statement("DROP TABLE import_run"), statement("DELETE FROM migration WHERE number = 62"))
    await database.close()

    if engine == "sqlite":
        async with open_house(settings) as house:
            await house.enter()
    else:
        with pytest.raises(Misconfigured, match="doorward migrate up"):
            async with Doorward(settings).lifespan():
                pass  # pragma: no cover - the start is refused


async def test_another_process_hears_of_a_log_out(settings: Settings) -> None:
    """Two instances on one database, as two workers are."""
    async with open_house(settings) as first, open_house(settings) as second:
        pair = await first.enter()
        assert (await second.me(pair["access_token"])).status_code == 200

        await first.client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))

        assert (await first.me(pair["access_token"])).status_code == 401

        async def refused() -> bool:
            return (await second.me(pair["access_token"])).status_code == 401

        await until(refused)


class Restless:
    """A database whose news fail in every way before they come."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def changes(self) -> AsyncIterator[None]:
        self.asked += 1
        if self.asked == 1:
            raise StorageUnavailable("gone for a moment")
        if self.asked == 2:
            raise RuntimeError("a defect")
        yield


async def test_following_goes_on_after_every_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that went away, and a defect, are logged and tried again."""
    monkeypatch.setattr("doorward.app.RETRY_INTERVAL", 0)
    restless = Restless(open_database(settings.database_url, pool_size=2, timeout=5))

    async with open_house(settings, database=restless):  # type: ignore[arg-type]
        await until(lambda: restless.asked >= 3)

    assert "does not answer" in caplog.text
    assert "a defect" in caplog.text


async def test_housekeeping_goes_on_after_a_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is only housekeeping."""
    monkeypatch.setattr("doorward.app.HOUSEKEEPING_INTERVAL", 0)
    rounds = 0

    async def fail_once(_: Doorward) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise StorageUnavailable("gone for a moment")

    monkeypatch.setattr(Doorward, "keep_house", fail_once)
    with caplog.at_level(logging.WARNING):
        async with open_house(settings):
            await until(lambda: rounds >= 3)

    assert "housekeeping: the database does not answer" in caplog.text


async def test_housekeeping_forgets_what_is_over(settings: Settings) -> None:
    """Sessions that ended long ago, revocations without a token but the newest, windows that have passed."""
    async with open_house(settings) as house:
        pair = await house.enter()
        await house.client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))
        house.clock.advance(61 * 86_400)
        await house.auth.keep_house()

        counts = {
            table: (await house.auth._database.fetch_all(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"]
            for table in ("session", "token_family", "revocation", "allowance", "account")
        }
    assert counts == {"session": 0, "token_family": 0, "revocation": 1, "allowance": 0, "account": 1}


async def test_a_subscriber_that_fails_disturbs_nobody(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """The act is done, and the next subscriber hears of it."""
    heard: list[Event] = []

    def fail(_: object) -> None:
        raise RuntimeError("subscriber")

    async with open_house(settings) as house:
        house.auth.events.subscribe(Registered, fail)
        house.auth.events.subscribe(Registered, heard.append)
        await house.register()

    assert len(heard) == 1
    assert "a subscriber of account.registered failed" in caplog.text


async def test_the_guard_of_a_host_knows_the_cookie(settings: Settings) -> None:
    """Pages of the host are protected by the same session."""
    async with open_house(settings) as house:
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await house.register()
        login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
        cookie = (await house.client.post("/v1/login", json=login)).headers["set-cookie"].split(";")[0]

        nobody = await house.auth.authenticate(scope)
        somebody = await house.auth.authenticate(scope | {"headers": [(b"cookie", cookie.encode())]})

    assert nobody is None
    assert somebody is not None
    assert somebody.amr == ("pwd",)
