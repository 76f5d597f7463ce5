"""Mass assignment: a body sets what only the server or an operator may set (roles, verified address, somebody's id)."""

import json

import pytest
from msgspec.structs import fields

from tests.support.house import PASSWORD, House
from tests.support.raw import bearer, call, post

pytestmark = pytest.mark.usefixtures("quick")

FORBIDDEN = {
    "id": "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sub": "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "account_id": "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "user_id": "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "roles": ["admin"],
    "role": "admin",
    "scope": "admin",
    "is_admin": True,
    "admin": True,
    "email_verified": True,
    "email_verified_at": 1,
    "disabled_at": None,
    "created_at": 0,
    "hash": "x",
    "amr": ["mfa"],
    "auth_time": 9_999_999_999,
    "aud": "another",
    "client_id": "another",
    "expires_in": 10**9,
    "__proto__": {"roles": ["admin"]},
    "constructor": {},
}


async def test_no_body_takes_a_member_that_is_not_in_the_contract(house: House) -> None:
    """Every operation that reads a body × every member somebody might try: 422 names it, and nothing was done."""
    token = (await house.enter())["access_token"]
    before = await _accounts(house)

    for operation in house.auth.operations():
        if operation.reads is None:
            continue
        known = {field.encode_name for field in fields(operation.reads)}
        good = {"email": "new@example.test", "login": "ada@example.test"}
        body = {
            field.encode_name: good.get(field.encode_name, PASSWORD)
            for field in fields(operation.reads)
            if field.required
        }
        assert not known & set(FORBIDDEN)
        for member, value in FORBIDDEN.items():
            headers = [bearer(token)] if operation.needs_caller else []
            answer = await call(
                house.auth,
                operation.method,
                operation.path,
                headers=[(b"content-type", b"application/json"), *headers],
                body=json.dumps({**body, member: value}).encode(),
            )

            assert answer.status == 422, (operation.path, member)
            assert (f"/{member}", "unknown_field") in {
                (error["pointer"], error["code"]) for error in answer.json["errors"]
            }
    assert await _accounts(house) == before


async def test_a_profile_that_says_admin_makes_nobody_one(house: House) -> None:
    """What the owner writes into the profile stays in the profile."""
    claims = {"roles": ["admin"], "email_verified": True, "id": "acc_x"}
    account = await house.register(profile=claims)
    pair = await house.log_in()

    shown = (await house.me(pair["access_token"])).json()["account"]

    assert (shown["id"], shown["roles"], shown["email_verified"]) == (account["id"], [], False)
    assert shown["profile"] == claims


async def test_roles_reach_a_token_only_from_the_operator(house: House) -> None:
    """The token of an account says what the column says, also after a refresh."""
    pair = await house.enter()
    await house.auth.accounts.set_roles(pair["account"]["id"], ("editor",))

    before = house.auth.verifier.check(pair["access_token"])
    after = house.auth.verifier.check((await house.refresh(pair["refresh_token"])).json()["access_token"])

    assert before.roles == frozenset()
    assert after.roles == {"editor"}


async def test_an_exchange_gives_the_roles_of_now(house: House) -> None:
    """A role that was taken away is not in the next token (authentik CVE-2024-52287: unrequested scopes)."""
    account = await house.register()
    await house.auth.accounts.set_roles(account["id"], ("admin",))
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    await house.browser.post("/v1/login", json=login)
    await house.auth.accounts.set_roles(account["id"], ())

    answer = await house.browser.post("/v1/token/exchange")

    assert house.auth.verifier.check(answer.json()["access_token"]).roles == frozenset()


async def _accounts(house: House) -> list[tuple[object, ...]]:
    rows = await house.auth._database.fetch_all("SELECT id, email, roles, profile, disabled_at FROM account")
    return [tuple(map(row.__getitem__, row.keys())) for row in rows]


async def test_a_registration_is_only_what_it_says(house: House) -> None:
    """The account that comes out has the id, roles and state that the server gives."""
    answer = await post(house.auth, "/v1/accounts", {"email": "new@example.test", "password": PASSWORD, "profile": {}})

    assert set(answer.json["account"]) == {
        "id",
        "email",
        "email_verified",
        "username",
        "profile",
        "roles",
        "created_at",
    }
    assert (answer.json["account"]["roles"], answer.json["account"]["email_verified"]) == ([], False)
