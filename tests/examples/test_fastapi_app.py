"""The example, end to end: a server process started as its README says, and a real client over real HTTPS."""

import asyncio
import runpy
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn
from click.testing import CliRunner

from doorward.cli.main import doorward
from doorward.core.clock import system_clock
from doorward.serving.certificates import development_certificate
from tests.serving.client import ROOT, context, free_port
from tests.support.waiting import until
from tests.tutorial.walk import Walk, blocks_of, walking

EXAMPLE = ROOT / "examples" / "fastapi_app"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
PASSWORD = "seven otters paint a bridge"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Follow the README up to the running server, which offers HTTP/2 as well, and lend the walk."""
    home = tmp_path_factory.mktemp("example")
    with walking(home, DOORWARD_SERVING__HTTP2="true", DOORWARD_ACCOUNTS__EMAIL_VERIFICATION="off") as walk:
        folder = home / "fastapi_app"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", ".env", "__pycache__"))
        walk.shell.run(f"cd {folder}")
        walk.follow(f"```sh\n{blocks_of(README)[0].body}```\n")
        yield walk


@asynccontextmanager
async def client_of(walk: Walk, *, http2: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that trusts the development authority and nothing else."""
    origin = walk.local("https://localhost:8443")
    trusted = context(walk.folder / "data" / "certificates" / "authority.pem")
    async with httpx2.AsyncClient(base_url=origin, verify=trusted, http2=http2) as client:
        yield client


@asynccontextmanager
async def running(config: uvicorn.Config) -> AsyncIterator[None]:
    """Run uvicorn in this process until the block is over."""
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or serving.done())
        yield
    finally:
        server.should_exit = True
        await serving


async def enter(client: httpx2.AsyncClient, email: str, **members: str) -> httpx2.Response:
    """Register, if need be, and log in."""
    await client.post("/auth/v1/accounts", json={"email": email, "password": PASSWORD})
    answer = await client.post("/auth/v1/login", json={"login": email, "password": PASSWORD, **members})
    assert answer.status_code == 200, answer.text
    return answer


def bearer(token: str) -> dict[str, str]:
    """The header of an access token."""
    return {"Authorization": f"Bearer {token}"}


async def test_everybody_may_see_the_public_page_and_its_assets(served: Walk) -> None:
    """With a policy that lets nothing else run."""
    async with client_of(served, http2=True) as client:
        pages = [await client.get(path) for path in ("/", "/login", "/assets/style.css", "/assets/forms.js")]

    assert [page.status_code for page in pages] == [200] * 4
    assert {page.http_version for page in pages} == {"HTTP/2"}
    assert all("default-src 'none'" in page.headers["content-security-policy"] for page in pages[:2])
    assert "<script>" not in pages[1].text


@pytest.mark.parametrize("http2", [False, True])
async def test_a_browser_is_led_to_the_log_in_page_and_back(http2: bool, served: Walk) -> None:
    """The cookie of the log-in opens the page, and what is shown on it is escaped."""
    async with client_of(served, http2=http2) as client:
        led = await client.get("/notes", headers=PAGE)
        target = httpx2.URL(led.headers["location"])
        form = await client.get(target)
        entered = await enter(client, "o'hara&co@example.org", transport="cookie")
        same_origin = {"Origin": str(client.base_url).rstrip("/")}
        kept = await client.post("/api/notes", json={"text": "<script>x</script>"}, headers=same_origin)
        back = await client.get(target.params["return_to"], headers=PAGE)

    assert (led.status_code, target.path, target.params["return_to"]) == (302, "/login", "/notes")
    assert "autocomplete='current-password'" in form.text
    assert "access_token" not in entered.text
    assert kept.status_code == 201
    assert back.status_code == 200
    assert "o&#x27;hara&amp;co@example.org" in back.text
    assert "<li>&lt;script&gt;x&lt;/script&gt;</li>" in back.text


async def test_a_note_of_a_foreign_page_is_refused(served: Walk) -> None:
    """The cookie alone is not enough to write: cross-site request forgery."""
    async with client_of(served) as client:
        await enter(client, "eve@example.org", transport="cookie")
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

        answers = [await client.post("/api/notes", json={"text": "x"}, headers=each) for each in ({}, foreign)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert {answer.json()["code"] for answer in answers} == {"cross_site_request"}


async def test_a_program_without_a_token_is_challenged(served: Walk) -> None:
    """In the words of RFC 6750, also where it asks for a page as a program does."""
    async with client_of(served) as client:
        answers = [await client.get(path) for path in ("/api/notes", "/notes", "/nowhere")]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert all(answer.headers["www-authenticate"] == 'Bearer realm="doorward"' for answer in answers)


@pytest.mark.parametrize("http2", [False, True])
async def test_a_program_logs_in_calls_refreshes_and_logs_out(http2: bool, served: Walk) -> None:
    """After the log-out the access token is refused at once, by doorward and by the example's own API."""
    async with client_of(served, http2=http2) as client:
        first = (await enter(client, "ada@example.org")).json()
        kept = await client.post("/api/notes", json={"text": "tea"}, headers=bearer(first["access_token"]))
        second = (await client.post("/auth/v1/token/refresh", json={"refresh_token": first["refresh_token"]})).json()
        listed = await client.get("/api/notes", headers=bearer(second["access_token"]))
        left = await client.post("/auth/v1/logout", json={}, headers=bearer(second["access_token"]))
        after = [
            await client.get(path, headers=bearer(token["access_token"]))
            for path in ("/api/notes", "/auth/v1/me")
            for token in (first, second)
        ]

    assert kept.status_code == 201
    assert "tea" in listed.json()
    assert left.status_code == 204
    assert [answer.status_code for answer in after] == [401] * 4
    assert all('error="invalid_token"' in answer.headers["www-authenticate"] for answer in after)


async def test_a_role_opens_the_statistics(served: Walk) -> None:
    """The next log-in has it; the tokens before do not."""
    async with client_of(served) as client:
        before = (await enter(client, "grace@example.org")).json()["access_token"]
        refused = await client.get("/api/statistics", headers=bearer(before))
        served.shell.run("doorward account set-role grace@example.org admin")
        after = (await enter(client, "grace@example.org")).json()["access_token"]

        allowed = await client.get("/api/statistics", headers=bearer(after))
        still_refused = await client.get("/api/statistics", headers=bearer(before))

    assert [answer.status_code for answer in (refused, allowed, still_refused)] == [403, 200, 403]
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


async def test_the_plain_listener_knows_the_mount_path(served: Walk) -> None:
    """Pages are led to HTTPS; the API below the mount path is refused, and so is everything with a credential."""
    origin = served.local("https://localhost:8443")
    async with httpx2.AsyncClient(base_url=served.local("http://localhost:8080")) as client:
        page = await client.get("/notes")
        answers = [await client.get("/auth/v1/me"), await client.get("/api/notes", headers=bearer("x"))]

    assert (page.status_code, page.headers["location"]) == (308, f"{origin}/notes")
    assert [answer.json()["code"] for answer in answers] == ["https_required"] * 2


def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    """All of them, in their order; the last is a second way to serve, tried once the first has ended."""
    with walking(tmp_path) as walk:
        folder = tmp_path / "fastapi_app"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", ".env", "__pycache__"))
        walk.shell.run(f"cd {folder}")
        serve, call, again = (f"```sh\n{block.body}```\n" for block in blocks_of(README))
        walk.follow(serve)

        walk.follow(call + '```text\n…\n["Water the fig tree"]\n…admin…\n```\n')
        walk.servers.pop().stop()
        walk.follow(again)
        listed = walk.shell.run(walk.local('ask https://localhost:8443/api/notes -H "Authorization: Bearer $token"'))

    assert listed.strip() == "[]"


async def test_it_runs_in_uvicorn_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported as it stands, over TLS: register, log in, call, log out, be refused at once."""
    port = free_port()
    for name in ("main.py", "doorward.toml"):
        shutil.copy(EXAMPLE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOORWARD_ORIGIN", f"https://localhost:{port}")
    monkeypatch.setenv("DOORWARD_ACCOUNTS__EMAIL_VERIFICATION", "off")
    CliRunner().invoke(doorward, ["init"])
    files = development_certificate(tmp_path / "data" / "certificates", "localhost", now=system_clock())
    names = runpy.run_path("main.py")
    pair = {"ssl_certfile": files.certificate, "ssl_keyfile": files.private_key}

    async with (
        running(uvicorn.Config(names["app"], port=port, log_config=None, **pair)),
        httpx2.AsyncClient(base_url=f"https://localhost:{port}", verify=context(files.authority)) as client,
    ):
        token = (await enter(client, "ada@example.org")).json()["access_token"]
        listed = await client.get("/api/notes", headers=bearer(token))
        await client.post("/auth/v1/logout", json={}, headers=bearer(token))
        after = await client.get("/api/notes", headers=bearer(token))

    assert names["auth"].settings.issuer == f"https://localhost:{port}/auth"
    assert (listed.status_code, listed.json()) == (200, [])
    assert after.status_code == 401
