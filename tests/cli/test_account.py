"""``doorward account``: what operators do with accounts."""

import asyncio
import json
import time
from typing import Any

import pytest

from doorward.accounts import flows
from doorward.cli import standard_input
from doorward.cli.output import Exit
from doorward.sessions import flows as session_flows
from doorward.settings import Settings
from tests.cli.conftest import Operator
from tests.support.house import PASSWORD, FakeClock, House, open_house
from tests.support.waiting import until

EMAIL = "ada@example.test"
WITHIN = 0.25
"""Seconds in which every process must know of a revocation (issue: revocation)."""


@pytest.fixture
def ada(operator: Operator) -> dict[str, Any]:
    """An account made by the operator."""
    made: dict[str, Any] = json.loads(
        operator("account", "create", EMAIL, "--username", "ada", "--role", "admin", "--json", typed=PASSWORD).output
    )
    return made


def log_in(operator: Operator, **members: Any) -> dict[str, Any]:
    """Log in over HTTP, with the real time."""

    async def act() -> dict[str, Any]:
        async with open_house(operator.settings, clock=FakeClock(int(time.time()))) as house:
            return await house.log_in(EMAIL, **members)

    return asyncio.run(act())


# --- making ---------------------------------------------------------------------------------------------------------


def test_an_account_is_made_with_the_first_line_as_its_password(operator: Operator) -> None:
    """A line end belongs to the line, not to the password; what follows is not read."""
    result = operator("account", "create", EMAIL, typed=f"{PASSWORD}\r\nnot the password\n")

    assert result.exit_code == Exit.OK
    assert f"email           {EMAIL}" in result.output
    assert log_in(operator)["account"]["email"] == EMAIL


def test_the_password_is_never_printed(operator: Operator) -> None:
    """Neither after success nor in a refusal."""
    made = operator("account", "create", EMAIL, typed=PASSWORD)
    refused = operator("account", "create", EMAIL, typed=PASSWORD)

    assert PASSWORD not in made.output + made.stderr + refused.output + refused.stderr


def test_username_and_roles_are_given(ada: dict[str, Any]) -> None:
    """Only operators and hosts give roles."""
    assert (ada["username"], ada["roles"], ada["disabled"]) == ("ada", ["admin"], False)


def test_each_field_error_is_told(operator: Operator) -> None:
    """All of a form's mistakes at once."""
    result = operator("account", "create", "ada", "--username", "a", "--role", "Röle", typed=PASSWORD)

    assert result.exit_code == Exit.REFUSED
    assert "  /email: This is not an e-mail address." in result.stderr
    assert "  /username: " in result.stderr
    assert "  /roles/0: " in result.stderr


def test_the_policy_applies_to_operators_too(operator: Operator) -> None:
    """A short password is refused with its reason."""
    result = operator("account", "create", EMAIL, typed="short")

    assert result.exit_code == Exit.REFUSED
    assert "  /password: " in result.stderr


def test_a_known_address_is_refused_whatever_its_case(operator: Operator, ada: dict[str, Any]) -> None:
    """Operators may know that it is taken."""
    result = operator("account", "create", EMAIL.upper(), typed=PASSWORD)

    assert result.exit_code == Exit.REFUSED
    assert "The login is taken" in result.stderr


@pytest.mark.parametrize("typed", ["", "\n", b"\xff\xfe\n"])
def test_nothing_that_could_be_a_password_is_refused(typed: str | bytes, operator: Operator) -> None:
    """An empty line and what is no text."""
    result = operator("account", "create", EMAIL, typed=typed)

    assert result.exit_code == Exit.REFUSED
    assert "Standard input" in result.stderr


def test_on_a_terminal_the_password_is_asked_for_twice(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without echo, and again when the two differ."""
    monkeypatch.setattr(standard_input, "is_terminal", lambda: True)

    result = operator("account", "create", EMAIL, typed=f"{PASSWORD}\nanother\n{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == Exit.OK
    assert PASSWORD not in result.output
    assert log_in(operator)["account"]["email"] == EMAIL


def test_accounts_are_made_where_registration_is_closed(operator: Operator) -> None:
    """That is what closed means."""
    operator.environ["DOORWARD_ACCOUNTS__REGISTRATION"] = "closed"

    result = operator("account", "create", EMAIL, typed=PASSWORD)

    assert result.exit_code == Exit.OK


# --- listing and showing --------------------------------------------------------------------------------------------


def test_accounts_are_listed_page_by_page(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By key, so that the page after a cursor is the same whatever happens meanwhile."""
    monkeypatch.setattr(flows, "PAGE_SIZE", 2)
    for name in "abc":
        operator("account", "create", f"{name}@example.test", typed=PASSWORD)

    first = operator("account", "list").output.splitlines()
    cursor = first[-1].removeprefix("More: doorward account list --cursor ")
    second = operator("account", "list", "--cursor", cursor).output.splitlines()

    assert first[0].split() == ["EMAIL", "USERNAME", "ROLES", "DISABLED", "CREATED_AT", "ID"]
    assert len(first) == 4
    assert len(second) == 2
    assert {line.split()[0] for line in (*first[1:3], second[1])} == {f"{name}@example.test" for name in "abc"}


def test_programs_get_every_account_one_a_line(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read page by page, so that a million accounts need no memory."""
    monkeypatch.setattr(flows, "PAGE_SIZE", 1)
    for name in "abc":
        operator("account", "create", f"{name}@example.test", typed=PASSWORD)

    lines = operator("account", "list", "--json").output.splitlines()

    assert {json.loads(line)["email"] for line in lines} == {f"{name}@example.test" for name in "abc"}


def test_an_account_is_shown_by_address_and_by_id(operator: Operator, ada: dict[str, Any]) -> None:
    """The audit trail names ids, people name addresses."""
    by_id = operator("account", "show", ada["id"])
    by_address = operator("account", "show", EMAIL.title())

    assert by_id.output == by_address.output
    assert "roles           admin" in by_id.output
    assert "live_sessions   0" in by_id.output


def test_failed_log_ins_and_live_sessions_are_shown(operator: Operator, ada: dict[str, Any]) -> None:
    """What an operator looks for when somebody calls."""
    log_in(operator)

    async def fail() -> None:
        async with open_house(operator.settings, clock=FakeClock(int(time.time()))) as house:
            for _ in range(2):
                await house.client.post("/v1/login", json={"login": EMAIL, "password": "wrong password"})

    asyncio.run(fail())
    shown = json.loads(operator("account", "show", EMAIL, "--json").output)
    people = operator("account", "show", EMAIL).output

    assert (shown["failed_log_ins"], shown["live_sessions"]) == (2, 1)
    assert shown["sessions"][0]["transport"] == "bearer"
    assert shown["sessions"][0]["id"] in people
    assert "failed_log_ins  2" in people


def test_more_sessions_than_a_page_are_all_counted(
    operator: Operator, ada: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is the HTTP contract's business."""
    monkeypatch.setattr(session_flows, "PAGE_SIZE", 1)
    for _ in range(3):
        log_in(operator)

    shown = json.loads(operator("account", "show", EMAIL, "--json").output)

    assert shown["live_sessions"] == len({each["id"] for each in shown["sessions"]}) == 3


@pytest.mark.parametrize("name", ["nobody@example.test", "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa", "nonsense"])
@pytest.mark.parametrize("command", ["show", "disable", "enable", "end-sessions"])
def test_an_unknown_account_is_told_with_its_exit_code(command: str, name: str, operator: Operator) -> None:
    """3, so that scripts can tell it from a refusal."""
    result = operator("account", command, name)

    assert result.exit_code == Exit.NOT_FOUND
    assert "No account has this e-mail address or id." in result.stderr


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_disabled_account_cannot_log_in_until_it_is_enabled(operator: Operator, ada: dict[str, Any]) -> None:
    """And saying it twice is no error."""
    for _ in range(2):
        assert operator("account", "disable", EMAIL).output == f"{EMAIL} is disabled and its sessions have ended.\n"
    with pytest.raises(AssertionError, match="account_disabled"):
        log_in(operator)

    enabled = operator("account", "enable", EMAIL, "--json")

    assert json.loads(enabled.output)["disabled"] is False
    assert log_in(operator)["account"]["id"] == ada["id"]


def test_ended_sessions_are_counted(operator: Operator, ada: dict[str, Any]) -> None:
    """In words, and for programs."""
    for _ in range(3):
        log_in(operator)

    assert operator("account", "end-sessions", EMAIL).output == f"{EMAIL}: 3 sessions have ended.\n"
    log_in(operator)
    assert operator("account", "end-sessions", EMAIL).output == f"{EMAIL}: 1 session has ended.\n"
    assert json.loads(operator("account", "end-sessions", EMAIL, "--json").output)["ended"] == 0


def test_exactly_these_roles_are_set(operator: Operator, ada: dict[str, Any]) -> None:
    """Not added to those there were; named twice they are given once."""
    result = operator("account", "set-role", EMAIL, "editor", "auditor", "editor")

    assert result.output == f"{EMAIL} has the roles editor, auditor.\n"
    assert log_in(operator)["account"]["roles"] == ["editor", "auditor"]


def test_all_roles_are_removed_only_when_that_is_said(operator: Operator, ada: dict[str, Any]) -> None:
    """A forgotten argument must not take everything away."""
    forgotten = operator("account", "set-role", EMAIL)
    both = operator("account", "set-role", EMAIL, "admin", "--none")
    meant = operator("account", "set-role", EMAIL, "--none")

    assert (forgotten.exit_code, both.exit_code) == (Exit.USAGE, Exit.USAGE)
    assert meant.output == f"{EMAIL} has no roles.\n"


def test_a_role_that_no_token_can_carry_is_refused(operator: Operator, ada: dict[str, Any]) -> None:
    """The same rule as at registration."""
    result = operator("account", "set-role", EMAIL, "Big Boss")

    assert result.exit_code == Exit.REFUSED
    assert "  /roles/0: " in result.stderr


@pytest.mark.parametrize("words", [("disable", EMAIL), ("end-sessions", EMAIL)])
async def test_a_running_server_refuses_at_once_what_a_command_has_ended(
    words: tuple[str, ...], settings: Settings, operator: Operator
) -> None:
    """An access token that has minutes to live is dead within a quarter of a second, on both engines."""
    async with open_house(settings, clock=FakeClock(int(time.time()))) as house:
        token = (await house.enter(EMAIL))["access_token"]
        assert (await house.me(token)).status_code == 200

        result = await asyncio.to_thread(operator, "account", *words)
        began = time.perf_counter()
        await until(lambda: _refused(house, token))

        assert result.exit_code == Exit.OK
        assert time.perf_counter() - began < WITHIN


async def test_a_running_server_gives_new_roles_with_the_next_refresh(settings: Settings, operator: Operator) -> None:
    """Roles are in the token; the next one has the new ones."""
    async with open_house(settings, clock=FakeClock(int(time.time()))) as house:
        refresh_token = (await house.enter(EMAIL))["refresh_token"]

        await asyncio.to_thread(operator, "account", "set-role", EMAIL, "editor")
        tokens = (await house.refresh(refresh_token)).json()

        assert house.auth.verifier.check(tokens["access_token"]).roles == {"editor"}


async def _refused(house: House, token: str) -> bool:
    return (await house.me(token)).status_code == 401


# --- refusals -------------------------------------------------------------------------------------------------------


def test_unsafe_settings_are_refused(operator: Operator) -> None:
    """Every finding, no trace."""
    operator.environ["DOORWARD_SECRET"] = "changeme"

    result = operator("account", "list")

    assert result.exit_code == Exit.MISCONFIGURED
    assert "✗ secret is a default or an example." in result.stderr


def test_a_database_that_lacks_migrations(operator: Operator, engine: str) -> None:
    """SQLite is migrated, as at the start of a server; PostgreSQL is left alone, with a word what to do."""
    operator.execute("DELETE FROM migration WHERE number = 62", "DROP TABLE import_run")

    result = operator("account", "list")

    if engine == "sqlite":
        assert result.exit_code == Exit.OK
    else:
        assert result.exit_code == Exit.MISCONFIGURED
        assert "Run 'doorward migrate up' once, then start." in result.stderr


def test_a_database_that_is_away(operator: Operator) -> None:
    """One line and its own exit code."""
    operator.environ["DOORWARD_DATABASE__URL"] = "postgresql://nobody@127.0.0.1:1/none"

    result = operator("account", "list")

    assert result.exit_code == Exit.STORAGE_UNAVAILABLE
    assert len(result.stderr.splitlines()) == 1
