"""Canaries: secrets that can be recognised are driven through everything, and then looked for everywhere.

Passwords, tokens, cookie values, the instance's secret, the pepper and the private keys, in each spelling that a leak
would have: plain, hex, base64, percent-encoded, as ``repr`` shows bytes. Looked into: every answer (but for the one
place where it belongs), every log line of every logger at DEBUG, every error, every column of every table.
"""

import asyncio
import base64
import contextlib
import functools
import gc
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from msgspec.structs import replace

from doorward.core.secret import Secret
from doorward.db import Database, open_database
from doorward.jose.keys import SigningKey
from doorward.settings import Database as DatabaseSettings
from doorward.settings import Mail, Passwords, Settings
from doorward.tokens.sealing import unseal_key
from tests.faults.failing import AimedDatabase
from tests.support.house import House, bearer, open_house, settings_for
from tests.support.life import KINDS, Kind

PASSWORD = "canary-Wachtel-7f3a pässword"
NEW_PASSWORD = "canary-Zeisig-91bc pässword"
WRONG_PASSWORD = "canary-Kuckuck-44d2 pässword"
INSTANCE_SECRET = "canary-secret-Wiedehopf-0123456789abcdefghij"
PEPPER = "canary-pepper-Steinkauz-0123456789abcdefghij"


@dataclass
class Watch(logging.Handler):
    """Keeps every line of every logger, with its arguments and its traceback."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@dataclass
class Journal:
    """What the client was told, and the secrets it learned on the way."""

    answers: list[tuple[str, httpx2.Response]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def take(self, where: str, answer: httpx2.Response) -> httpx2.Response:
        """Remember an answer and the secrets in it."""
        self.answers.append((where, answer))
        if answer.headers.get("content-type", "") == "application/json":
            for name in ("access_token", "refresh_token"):
                if name in answer.json():
                    self.secrets[f"{name} of {where}"] = answer.json()[name]
        value = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")[2]
        if value:
            self.secrets[f"cookie of {where}"] = value
        return answer


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Listen to every logger there is, drivers included, at DEBUG."""
    handler, root = Watch(), logging.getLogger()
    levels = {
        name: logging.getLogger(name).level for name in ("", "asyncio", "asyncpg", "httpx", "httpcore", "doorward")
    }
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def secretive(database_url: str, tmp_path: Path) -> Settings:
    """Settings with a secret and a pepper that can be recognised."""
    settings = settings_for(database_url, tmp_path, secret=(Secret(INSTANCE_SECRET),))
    return replace(settings, passwords=replace(settings.passwords, pepper=(Secret(PEPPER),)))


@contextlib.asynccontextmanager
async def _driven(settings: Settings) -> AsyncIterator[tuple[House, Journal]]:
    """Go through every flow, the refused and the failing ones too."""
    aimed = AimedDatabase(open_database(settings.database_url, pool_size=4, timeout=10))
    asyncio.get_running_loop().set_debug(True)
    async with open_house(settings, database=aimed) as house:
        journal = Journal()
        await _succeed(house, journal)
        await _be_refused(house, journal)
        await _fail(house, journal, aimed)
        yield house, journal


async def _succeed(house: House, journal: Journal) -> None:
    take, client, page = journal.take, house.client, house.browser
    take("register", await client.post("/v1/accounts", json={"email": "ada@example.test", "password": PASSWORD}))
    login = {"login": "ada@example.test", "password": PASSWORD}
    pair = take("log-in", await client.post("/v1/login", json=login)).json()
    take("me", await client.get("/v1/me", headers=bearer(pair["access_token"])))
    second = take("refresh", await house.refresh(pair["refresh_token"])).json()
    raised = take(
        "step-up",
        await client.post("/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(second["access_token"])),
    ).json()
    take("page log-in", await page.post("/v1/login", json={**login, "transport": "cookie", "remember": True}))
    take("page", await page.get("/v1/me"))
    take("exchange", await page.post("/v1/token/exchange"))
    take("sessions", await page.get("/v1/me/sessions"))
    take("page step-up", await page.post("/v1/reauthenticate", json={"password": PASSWORD}))
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    take("change", await page.post("/v1/me/password", json=change))
    take("check", await client.post("/v1/password/check", json={"password": PASSWORD}))
    take("log-out", await client.post("/v1/logout", json={"refresh_token": raised["refresh_token"]}))
    take("page log-out", await page.post("/v1/logout", json={}))
    for path in ("/.well-known/jwks.json", "/openapi.json", "/docs", "/health/ready"):
        take(path, await client.get(path))
    assert [where for where, answer in journal.answers if answer.status_code >= 400] == []


async def _be_refused(house: House, journal: Journal) -> None:
    take, client = journal.take, house.client
    for login in ("ada@example.test", "nobody@example.test", WRONG_PASSWORD):
        body = {"login": login, "password": WRONG_PASSWORD}
        assert take("wrong password", await client.post("/v1/login", json=body)).status_code == 401
    for secret in (*journal.secrets.values(), PASSWORD):
        # Every secret at every wrong place: as a token, as a cookie, as members, in a path, in a query, in a header.
        safe = quote(secret)
        take("as a token", await client.get("/v1/me", headers={"Authorization": f"Bearer {secret.split()[0]}"}))
        take("as a cookie", await client.get("/v1/me", headers=[(b"cookie", f"__Host-doorward={safe}".encode())]))
        take("as a refresh", await client.post("/v1/token/refresh", json={"refresh_token": secret[:256]}))
        wrong = {"login": 1, "password": [secret], "transport": secret}
        take("as a member", await client.post("/v1/login", json=wrong))
        take("as an address", await client.post("/v1/accounts", json={"email": secret, "password": WRONG_PASSWORD}))
        take("in a path", await client.get(f"/v1/{safe}"))
        take("in a query", await client.get(f"/v1/me?token={safe}"))
        take("as a type", await client.post("/v1/login", content=b"{}", headers={"Content-Type": safe}))
        take(
            "as rubbish",
            await client.post(
                "/v1/login", content=b'{"password": ' + secret.encode(), headers={"Content-Type": "application/json"}
            ),
        )
    short = {"email": "new@example.test", "password": WRONG_PASSWORD[:9], "username": WRONG_PASSWORD}
    assert take("policy", await client.post("/v1/accounts", json=short)).status_code == 422


async def _fail(house: House, journal: Journal, aimed: AimedDatabase) -> None:
    take, client = journal.take, house.client
    fresh = (await client.post("/v1/login", json={"login": "ada@example.test", "password": NEW_PASSWORD})).json()
    journal.secrets["refresh_token of fresh"] = fresh["refresh_token"]
    journal.secrets["access_token of fresh"] = fresh["access_token"]
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/v1/accounts", {"email": "new@example.test", "password": PASSWORD}),
        ("/v1/login", {"login": "ada@example.test", "password": NEW_PASSWORD}),
        ("/v1/login", {"login": "ada@example.test", "password": NEW_PASSWORD, "transport": "cookie"}),
        ("/v1/token/refresh", {"refresh_token": fresh["refresh_token"]}),
        ("/v1/logout", {"refresh_token": fresh["refresh_token"]}),
    ]
    for path, body in requests:
        for how in ("before", "after", "defect"):
            for fail_at in (1, 2, 3):
                with aimed.aim(fail_at, how):
                    answer = await client.post(path, json=body)
                if answer.status_code >= 500:
                    take(f"failing {path}", answer)


def _spellings(secret: str | bytes) -> set[str]:
    raw = secret.encode() if isinstance(secret, str) else secret
    encoded = base64.b64encode(raw).decode().rstrip("=")
    spelled = {
        raw.hex(),
        encoded,
        encoded.replace("+", "-").replace("/", "_"),
        quote(raw),
        repr(raw)[2:-1],
        ascii(raw.decode("latin-1"))[1:-1],
    }
    with contextlib.suppress(UnicodeDecodeError):
        spelled |= {raw.decode(), ascii(raw.decode())[1:-1], json.dumps(raw.decode())[1:-1]}
    return spelled


async def _private_halves(house: House) -> list[bytes]:
    """What is secret of the signing keys: the PKCS #8 and the bare number in it."""
    ring = house.auth.keys._ring
    halves = []
    for record in await house.auth.keys.records():
        pkcs8 = unseal_key(ring, record.kid, record.sealed)
        assert pkcs8 is not None
        halves += [pkcs8, pkcs8[36:68]]
        assert SigningKey.from_pkcs8(pkcs8, record.algorithm).kid == record.kid
    return halves


def _find(canaries: dict[str, str | bytes], text: str) -> list[str]:
    return [name for name, secret in canaries.items() if any(spelling in text for spelling in _spellings(secret))]


async def _canaries(house: House, journal: Journal) -> dict[str, str | bytes]:
    return {
        "password": PASSWORD,
        "new password": NEW_PASSWORD,
        "wrong password": WRONG_PASSWORD,
        "instance secret": INSTANCE_SECRET,
        "pepper": PEPPER,
        **journal.secrets,
        **{f"private half {number}": half for number, half in enumerate(await _private_halves(house))},
    }


BELONGS = {
    "access_token": {"log-in", "refresh", "step-up", "exchange", "page step-up"},
    "refresh_token": {"log-in", "refresh", "step-up"},
    "cookie": {"page log-in", "page step-up", "change"},
}


async def test_no_answer_holds_a_secret_but_where_it_belongs(secretive: Settings) -> None:
    """authentik CVE-2026-40166: every answer of every flow, head and body; a token is in the answer that issues it."""
    async with _driven(secretive) as (house, journal):
        canaries = await _canaries(house, journal)

    for where, answer in journal.answers:
        text = f"{answer.headers!r}\n{answer.text}"
        expected = {
            name
            for name in journal.secrets
            if name.split(" of ")[1] == where and where in BELONGS[name.split(" of ")[0]]
        }
        assert set(_find(canaries, text)) <= expected, where


async def test_no_log_line_holds_a_secret(secretive: Settings, watch: Watch) -> None:
    """At DEBUG, of the drivers and the event loop too, with tracebacks; joserfc CVE-2025-65015, ASVS 16.2.5."""
    async with _driven(secretive) as (house, journal):
        canaries = await _canaries(house, journal)

    text = "\n".join(line for line in watch.lines if "HTTP Request:" not in line)  # the test's own client says its URLs
    assert "a defect" in text, "the defects of this journey should have been logged"
    assert _find(canaries, text) == []


async def test_no_column_holds_a_secret(secretive: Settings, database: Database) -> None:
    """A stolen database holds no password, no token, no cookie, no key that can be used."""
    async with _driven(secretive) as (house, journal):
        canaries = await _canaries(house, journal)
        tables = (
            "account",
            "password",
            "session",
            "token_family",
            "signing_key",
            "revocation",
            "allowance",
            "spent_challenge",
            "audit_event",
            "audit_checkpoint",
            "webhook_endpoint",
            "webhook_delivery",
        )
        cells = [
            cell.hex() + " " + repr(cell) if isinstance(cell, bytes) else str(cell)
            for table in tables
            for row in await database.fetch_all(f"SELECT * FROM {table}")
            for cell in map(row.__getitem__, row.keys())
        ]

    assert len(cells) > 200
    assert _find(canaries, "\n".join(cells)) == []


SECRET_MEMBERS = {"password", "current_password", "new_password", "refresh_token"}


def _body_kinds(house: House) -> list[Any]:
    kinds = [operation.reads for operation in house.auth.operations() if operation.reads is not None]
    return [kind for kind in kinds if SECRET_MEMBERS.intersection(kind.__struct_fields__)]


async def test_no_object_shows_a_secret_when_it_is_printed(secretive: Settings) -> None:
    """``repr`` ends up in tracebacks, debuggers and error trackers: none of our objects says what it holds."""
    async with _driven(secretive) as (house, journal):
        canaries = await _canaries(house, journal)
        log_in = functools.partial(house.auth.passwords.log_in, login="ada@example.test", password=NEW_PASSWORD)
        bearer_login, page_login = await log_in(), await log_in(transport="cookie")
        records = await house.auth.keys.records()
        assert bearer_login.tokens is not None
        assert page_login.cookie is not None
        canaries |= {
            "refresh token": bearer_login.tokens.refresh_token,
            "access token": bearer_login.tokens.access_token,
            "cookie": page_login.cookie,
            "handle": page_login.session.handle,
            "sealed key": records[0].sealed,
        }
        bodies = [kind(**dict.fromkeys(kind.__struct_fields__, PASSWORD)) for kind in _body_kinds(house)]
        shown = [(type(thing).__qualname__, repr(thing)) for thing in [bearer_login, page_login, *records, *bodies]]
        shown += [
            (type(thing).__qualname__, repr(thing))
            for thing in gc.get_objects()
            if str(type(thing).__module__).startswith("doorward.")
        ]

    leaks = {kind: found for kind, text in shown if (found := _find(canaries, text))}
    assert leaks == {}


async def test_the_key_set_has_no_private_member(secretive: Settings) -> None:
    """RFC 7517 §9.2: d, p, q, dp, dq, qi and k are nowhere, for each algorithm."""
    for algorithm in ("ES256", "EdDSA", "RS256"):
        settings = replace(secretive, tokens=replace(secretive.tokens, algorithm=algorithm))
        async with open_house(settings) as house:
            await house.auth.keys.rotate(revoke=True)
            keys = (await house.client.get("/.well-known/jwks.json")).json()["keys"]

        assert {key["alg"] for key in keys} == {algorithm}
        for key in keys:
            assert set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}


def test_settings_are_printed_without_their_secrets(secretive: Settings) -> None:
    """Whoever prints the settings sees that there are secrets, and not which."""
    database = DatabaseSettings(url="postgresql://doorward:canary-in-a-url@db.example.test/doorward")
    mail = Mail(smtp_url="smtps://doorward:canary-in-a-url@mail.example.test", from_="door@example.test")
    text = repr(replace(secretive, passwords=Passwords(pepper=(Secret(PEPPER),)), database=database, mail=mail))

    assert _find({"secret": INSTANCE_SECRET, "pepper": PEPPER, "url": "canary-in-a-url"}, text) == []
    assert "door@example.test" in text
    assert "Secret(…)" in text


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_secrets_of_mails_are_in_mails_alone(mailing_house: House, watch: Watch, kind: Kind) -> None:
    """Neither link nor code is in a log line or an answer, whether it is redeemed, refused, or fails on the way."""
    mail = await kind.ask(mailing_house)
    secrets = {mail.token["token"], mail.digits, mail.digits.replace(" ", "")}

    answers = [await kind.redeem(mailing_house, mail.secret(how)) for how in ("token", "code", "token")]
    await mailing_house.auth.life.delivery.deliver()

    for secret in secrets:
        assert not [line for line in watch.lines if secret in line]
        assert not [answer.text for answer in answers if secret in answer.text]
    assert mail.token["token"] not in repr(mail.message)
