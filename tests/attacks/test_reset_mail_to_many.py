"""GitLab CVE-2023-7028: a reset mail to a list of addresses, one of them the attacker's."""

import json

import pytest

from tests.support.house import House
from tests.support.life import ADA, sign_up
from tests.support.mailbox import letters
from tests.support.raw import JSON, call

EVE = "eve@attacker.test"
PATHS = {"/v1/password/forgot": "login", "/v1/login/link": "login", "/v1/email/verify/resend": "email"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "value", [f'["{ADA}", "{EVE}"]', f'{{"0": "{ADA}", "1": "{EVE}"}}', f'"{ADA},{EVE}"', f'"{ADA} {EVE}"', "null", "1"]
)
async def test_a_list_of_addresses_is_no_address(mailing_house: House, path: str, value: str) -> None:
    """A member is one string; and a string with two addresses belongs to nobody."""
    await sign_up(mailing_house)
    before = len(await letters(mailing_house))

    body = f'{{"{PATHS[path]}": {value}}}'.encode()
    answer = await call(mailing_house.auth, "POST", path, headers=[JSON], body=body)

    assert answer.status in (202, 422)
    assert len(await letters(mailing_house)) == before


@pytest.mark.parametrize("path", PATHS)
async def test_a_member_that_is_there_twice_is_refused(mailing_house: House, path: str) -> None:
    """No reader gets to choose which of the two counts."""
    await sign_up(mailing_house)
    before = len(await letters(mailing_house))
    name = PATHS[path]

    body = f'{{"{name}": "{ADA}", "{name}": "{EVE}"}}'.encode()
    answer = await call(mailing_house.auth, "POST", path, headers=[JSON], body=body)

    assert answer.code == "malformed_request"
    assert len(await letters(mailing_house)) == before


@pytest.mark.parametrize("path", PATHS)
async def test_no_other_member_names_a_recipient(mailing_house: House, path: str) -> None:
    """Unknown members are refused, in the query nothing is read."""
    await sign_up(mailing_house)
    name = PATHS[path]
    query = f"{name}={EVE}&email={EVE}&to={EVE}".encode()

    extra = [
        await call(mailing_house.auth, "POST", path, headers=[JSON], body=json.dumps({name: ADA, other: EVE}).encode())
        for other in ("to", "recipient", "emails", "redirect_to")
    ]
    queried = await call(
        mailing_house.auth, "POST", path, headers=[JSON], body=json.dumps({name: ADA}).encode(), query=query
    )

    assert [answer.code for answer in extra] == ["invalid_fields"] * 4
    assert queried.status == 202
    assert await letters(mailing_house, EVE) == []
