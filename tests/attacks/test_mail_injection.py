"""Writing into somebody's mail: Keycloak CVE-2025-8419, next-auth CVE-2022-31127 and GHSA-5jpx-9hw9-2fx4.

An address is compared with a strict grammar when it comes in and again before it is used, mail goes to exactly that
string, headers refuse line breaks, and nothing that a stranger can type is put into a letter but an address, masked.
"""

import pytest

from doorward.accounts.addresses import masked
from doorward.db import statement
from doorward.mail.mailer import on_the_wire
from tests.mail.server import message
from tests.support.house import PASSWORD, House, bearer
from tests.support.life import ADA, NEW, sign_up
from tests.support.mailbox import letters, mailbox_of

ADDRESSES = [
    "ada@example.test\r\nBcc: eve@attacker.test",
    "ada@example.test\nSubject: yours",
    "ada@example.test%0d%0aBcc:eve@attacker.test",
    '"e@attacker.test"@victim.test',
    "e@attacker.test@victim.test",
    "<e@attacker.test>ada@victim.test",
    "ada@victim.test, e@attacker.test",
    "ada@victim.test;e@attacker.test",
    "Ada <ada@victim.test>",
    "ada@victim.test>\r\nDATA\r\n",
    "=?utf-8?q?e=40attacker.test?=@victim.test",
    "ada@[203.0.113.7]",
    "ada @victim.test",
    "ada@victim.test\u2028e@attacker.test",
    "ada\u0000@victim.test",
]


LEGAL = "=?utf-8?q?e=40attacker.test?=@victim.test"
"""An odd local part, and a legal one (RFC 5321 §4.1.2): mail goes to exactly that string, unread."""


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/email/verify/resend", "/v1/password/forgot", "/v1/login/link"])
async def test_an_address_that_parsers_disagree_about_gets_no_mail(mailing_house: House, path: str) -> None:
    """Keycloak CVE-2025-8419, next-auth GHSA-5jpx-9hw9-2fx4: whatever a mail library would read out of it."""
    house = mailing_house
    member = {"/v1/accounts": "email", "/v1/email/verify/resend": "email"}.get(path, "login")
    members = {"password": PASSWORD} if path == "/v1/accounts" else {}

    answers = {
        address: (await house.client.post(path, json={member: address, **members})).status_code
        for address in ADDRESSES
        if address != LEGAL
    }
    await house.auth.life.delivery.deliver()

    assert set(answers.values()) <= ({400, 422} if path == "/v1/accounts" else {202, 400, 422})
    assert mailbox_of(house).messages == []


async def test_an_odd_address_is_written_to_as_it_stands(mailing_house: House) -> None:
    """It is compared with the grammar, never decoded."""
    await mailing_house.client.post("/v1/accounts", json={"email": LEGAL, "password": PASSWORD})

    assert [mail.recipient for mail in await letters(mailing_house)] == [LEGAL]


async def test_what_stands_in_the_table_is_checked_again(mailing_house: House) -> None:
    """However it came there: an import, a restored copy, an older version."""
    house = mailing_house
    await sign_up(house)
    before = len(await letters(house))
    for address in ADDRESSES:
        if address != LEGAL and "\0" not in address:  # no engine takes a NUL
            await house.auth._database.write(statement("UPDATE account SET email = :email", email=address))
            house.clock.advance(house.auth.settings.limits.window)
            await house.client.post("/v1/password/forgot", json={"login": ADA})

    await house.auth.life.delivery.deliver()

    assert mailbox_of(house).messages[before:] == []


@pytest.mark.parametrize("header", ["recipient", "sender", "sender_name", "subject", "message_id", "language"])
def test_a_line_break_never_becomes_a_header(header: str) -> None:
    """The last line of defence: the standard library's policy refuses it."""
    forged = message(**{header: "x@example.test\r\nBcc: eve@attacker.test"})

    with pytest.raises(ValueError, match=r"."):
        on_the_wire(forged)


async def test_markup_in_what_people_type_is_not_in_their_mails(mailing_house: House) -> None:
    """next-auth CVE-2022-31127: neither name nor user agent is repeated, and an address is escaped and masked."""
    house = mailing_house
    markup = "<a href=https://evil.test>Click!</a>"
    await sign_up(house, "a&b'c@example.test", profile={"name": markup})
    headers = {"User-Agent": f"Mozilla/5.0 {markup} call 555-0100"}
    await house.client.post("/v1/password/forgot", json={"login": "a&b'c@example.test"}, headers=headers)
    pair = await house.log_in("a&b'c@example.test")
    headers |= bearer(pair["access_token"])
    body = {"new_email": "evil.test/click&now@attacker.test"}
    await house.client.post("/v1/me/email", json=body, headers=headers)

    mails = await letters(house, "a&b'c@example.test")

    assert len(mails) == 3
    for mail in mails:
        assert "Click!" not in mail.text + mail.html
        assert "555-0100" not in mail.text + mail.html
        assert "evil.test" not in mail.text + mail.html
    assert "e…@attacker.test" in mails[-1].text


@pytest.mark.parametrize(("address", "shown"), [(NEW, "a…@new.example"), ("x@y.test", "x…@y.test")])
def test_an_address_is_masked(address: str, shown: str) -> None:
    """Its owner knows it, and it carries no message."""
    assert masked(address) == shown
