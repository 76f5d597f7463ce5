"""Registering, showing and changing accounts, over HTTP and in process."""

from typing import Any

import pytest
from msgspec.structs import replace

from doorward.accounts import flows
from doorward.errors import FieldError, InvalidFields, LoginTaken, NotFound
from doorward.hooks import AccountDisabled, Event, Registered, RolesChanged
from doorward.settings import Accounts, Limits, Settings
from tests.support.house import PASSWORD, House, bearer, open_house


async def test_registering_answers_with_the_account(house: House) -> None:
    """Exactly the members of the contract, and no session."""
    answer = await house.client.post(
        "/v1/accounts",
        json={"email": "Ada@example.test", "password": PASSWORD, "username": "ada", "profile": {"name": "Ada"}},
    )

    account = answer.json()["account"]
    assert answer.status_code == 201
    assert account.pop("id").startswith("acc_")
    assert account == {
        "email": "Ada@example.test",
        "email_verified": False,
        "username": "ada",
        "profile": {"name": "Ada"},
        "roles": [],
        "created_at": "2027-01-15T08:00:00Z",
    }


@pytest.mark.parametrize("members", [{"email": "ADA@example.test"}, {"email": "eve@example.test", "username": "ADA"}])
async def test_a_login_that_is_taken_is_refused(house: House, members: dict[str, str]) -> None:
    """Whatever the letter case, for addresses and usernames alike."""
    await house.register("ada@example.test", username="ada")

    answer = await house.client.post("/v1/accounts", json={"password": PASSWORD} | members)

    assert answer.status_code == 409
    assert answer.json()["code"] == "login_taken"


async def test_every_wrong_field_is_said_at_once(house: House) -> None:
    """One round trip is enough to mend a form."""
    answer = await house.client.post(
        "/v1/accounts",
        json={"email": "nobody", "password": PASSWORD, "username": "x", "profile": {"big": "x" * 9000}},
    )

    errors = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert answer.status_code == 422
    assert errors == {("/email", "invalid_email"), ("/username", "invalid_username"), ("/profile", "too_long")}


async def test_a_closed_registration_leaves_the_door_to_the_operator(settings: Settings) -> None:
    """Over HTTP it is refused; in process it works, with roles."""
    closed = replace(settings, accounts=Accounts(email_verification="off", registration="closed"))
    async with open_house(closed) as house:
        answer = await house.client.post("/v1/accounts", json={"email": "a@example.test", "password": PASSWORD})
        account = await house.auth.accounts.register(email="a@example.test", password=PASSWORD, roles=("admin",))

    assert answer.json()["code"] == "registration_closed"
    assert account.roles == ("admin",)


async def test_a_host_may_have_a_schema_for_profiles(settings: Settings) -> None:
    """Its complaints are said below /profile."""

    def schema(profile: dict[str, Any]) -> list[FieldError]:
        return [] if "city" in profile else [FieldError("/city", "required", "Where do you live?")]

    async with open_house(settings, profile_schema=schema) as house:
        body = {"email": "a@example.test", "password": PASSWORD}
        refused = await house.client.post("/v1/accounts", json=body)
        taken = await house.client.post("/v1/accounts", json=body | {"profile": {"city": "London"}})

    assert refused.json()["errors"] == [
        {"pointer": "/profile/city", "code": "required", "detail": "Where do you live?"}
    ]
    assert taken.status_code == 201


async def test_registrations_of_one_network_are_limited(settings: Settings) -> None:
    """The one after the limit is told when to come back."""
    async with open_house(replace(settings, limits=Limits(per_network=1, window=900))) as house:
        await house.register()
        answer = await house.client.post("/v1/accounts", json={"email": "b@example.test", "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"username": "countess"}, {"username": "countess"}),
        ({"username": None}, {"username": None}),
        ({"profile": {"a": [1, {"b": None}]}}, {"profile": {"a": [1, {"b": None}]}}),
        ({"profile": {"x": True}}, {"profile": {"x": True}}),
        ({}, {}),
    ],
)
async def test_owners_change_their_username_and_profile(
    house: House, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    """What is not named stays."""
    account = await house.register(username="ada", profile={"x": 1})
    token = (await house.log_in())["access_token"]

    answer = await house.client.patch("/v1/me", json=change, headers=bearer(token))

    assert answer.json()["account"] == account | expected
    assert (await house.me(token)).json()["account"] == account | expected


async def test_a_change_is_checked_like_a_registration(house: House) -> None:
    """A taken or malformed username is refused."""
    await house.register("eve@example.test", username="eve")
    token = (await house.enter())["access_token"]

    taken = await house.client.patch("/v1/me", json={"username": "Eve"}, headers=bearer(token))
    malformed = await house.client.patch("/v1/me", json={"username": "!"}, headers=bearer(token))

    assert taken.json()["code"] == "login_taken"
    assert malformed.json()["errors"][0]["code"] == "invalid_username"


async def test_operators_find_disable_and_enable(house: House) -> None:
    """Twice is no error, and nothing that had ended comes back."""
    pair = await house.enter()
    accounts = house.auth.accounts
    account = await accounts.find_by_email("ADA@example.test")
    heard: list[Event] = []
    house.auth.events.subscribe(Event, heard.append)

    disabled = await accounts.disable(account.id)
    again = await accounts.disable(account.id)
    refused = await house.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})
    enabled = await accounts.enable(account.id)
    await accounts.enable(account.id)

    assert disabled.disabled_at == again.disabled_at
    assert enabled.disabled_at is None
    assert refused.json()["code"] == "account_disabled"
    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.refresh(pair["refresh_token"])).status_code == 401
    assert [type(event) for event in heard].count(AccountDisabled) == 1


async def test_operators_set_roles_which_the_next_token_carries(house: House) -> None:
    """No role of the wrong form gets in."""
    pair = await house.enter()
    account = await house.auth.accounts.find_by_email("ada@example.test")
    heard: list[RolesChanged] = []
    house.auth.events.subscribe(RolesChanged, heard.append)

    changed = await house.auth.accounts.set_roles(account.id, ("admin", "staff"))
    refreshed = (await house.refresh(pair["refresh_token"])).json()

    assert changed.roles == ("admin", "staff")
    assert heard[0].roles == ("admin", "staff")
    assert house.auth.verifier.check(refreshed["access_token"]).roles == {"admin", "staff"}
    with pytest.raises(InvalidFields):
        await house.auth.accounts.set_roles(account.id, ("Not A Role",))


async def test_unknown_accounts_are_not_found(house: House) -> None:
    """By id, by address, and when changed."""
    nobody = "acc_" + "a" * 26

    for unknown in (nobody, "nonsense"):
        with pytest.raises(NotFound):
            await house.auth.accounts.find(unknown)
    with pytest.raises(NotFound):
        await house.auth.accounts.find_by_email("nobody@example.test")
    with pytest.raises(NotFound):
        await house.auth.accounts.set_roles(nobody, ())


async def test_accounts_are_listed_page_by_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every account once, the oldest first, also when several are of the same second."""
    monkeypatch.setattr(flows, "PAGE_SIZE", 2)
    made = [(await house.auth.accounts.register(email=f"a{n}@example.test", password=PASSWORD)).id for n in range(3)]

    first = await house.auth.accounts.page()
    second = await house.auth.accounts.page(cursor=first.next or "")

    assert sorted(account.id for account in first.accounts + second.accounts) == sorted(made)
    assert second.next is None


async def test_in_process_a_taken_login_raises(house: House) -> None:
    """The same refusals as over HTTP, as exceptions."""
    heard: list[Registered] = []
    house.auth.events.subscribe(Registered, heard.append)
    await house.auth.accounts.register(email="a@example.test", password=PASSWORD)

    with pytest.raises(LoginTaken):
        await house.auth.accounts.register(email="A@example.test", password=PASSWORD)
    assert len(heard) == 1
