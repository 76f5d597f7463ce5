"""Zitadel CVE-2026-29067: the link in a mail is built from ``Host`` or a forwarded header, and leads elsewhere."""

import json

import pytest
from msgspec.structs import replace

from doorward.settings import Settings
from tests.support.house import ORIGIN, PASSWORD, House, open_house
from tests.support.life import ADA, sign_up
from tests.support.mailbox import Mailbox, letter, letters, mailing
from tests.support.raw import JSON, call

HEADERS = [
    [(b"host", b"evil.test")],
    [(b"host", b"auth.example.test"), (b"x-forwarded-host", b"evil.test")],
    [(b"host", b"auth.example.test:evil.test")],
    [(b"forwarded", b"host=evil.test;proto=http"), (b"x-forwarded-proto", b"http")],
    [(b"x-original-host", b"evil.test"), (b"x-host", b"evil.test"), (b"origin", b"https://evil.test")],
    [(b"referer", b"https://evil.test/")],
]


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("path", ["/v1/password/forgot", "/v1/login/link"])
async def test_a_link_leads_to_the_configured_origin(
    mailing_house: House, path: str, headers: list[tuple[bytes, bytes]]
) -> None:
    """Whatever a request says about where it came from, or the server about itself."""
    await sign_up(mailing_house)

    await call(
        mailing_house.auth,
        "POST",
        path,
        headers=[JSON, *headers],
        body=json.dumps({"login": ADA}).encode(),
        scheme="http",
        server=("evil.test", 80),
    )

    mail = (await letter(mailing_house)).message
    assert "evil" not in mail.text + mail.html
    assert (await letter(mailing_house)).link.startswith(ORIGIN + "/")


async def test_a_link_leads_below_the_mount(settings: Settings) -> None:
    """The mount point is the configured one, too, not the one that a request came by."""
    mounted = replace(mailing(settings), mount_path="/auth")
    async with open_house(mounted, mailer=Mailbox()) as house:
        body = json.dumps({"email": ADA, "password": PASSWORD}).encode()
        await call(house.auth, "POST", "/evil/v1/accounts", root_path="/evil", headers=[JSON], body=body)
        link = (await letter(house)).link

    assert link.startswith(f"{ORIGIN}/auth/verify?challenge=chl_")


async def test_the_secret_of_a_link_is_where_no_server_sees_it(mailing_house: House) -> None:
    """Behind the ``#``: not in access logs, not in a Referer (ASVS 14.2.1); before it only the public id."""
    await sign_up(mailing_house)
    await mailing_house.client.post("/v1/password/forgot", json={"login": ADA})
    mail = await letter(mailing_house)

    sent, _, fragment = mail.link.partition("#")

    assert fragment == "token=" + mail.token["token"]
    assert sent == f"{ORIGIN}/reset?challenge={mail.challenge}"


async def test_a_notice_without_a_secret_links_to_the_origin_as_well(mailing_house: House) -> None:
    """Where a letter leads to a page of ours."""
    await sign_up(mailing_house)
    await mailing_house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})

    mail = (await letters(mailing_house, ADA))[-1]

    assert f"{ORIGIN}/login\n" in mail.text
