"""``doorward keys``: looking at signing keys, and rotating them under running servers."""

import asyncio
import json
import secrets
import time

import pytest

from doorward.cli.output import Exit
from doorward.settings import Settings
from doorward.tokens import keyring
from tests.cli.conftest import Operator
from tests.support.house import FakeClock, open_house
from tests.support.waiting import until

EMAIL = "ada@example.test"
WITHIN = 0.25


def states(operator: Operator) -> dict[str, str]:
    """Each key's state by its id."""
    return {each["kid"]: each["state"] for each in json.loads(operator("keys", "list", "--json").output)}


def test_before_the_first_start_there_is_no_key(operator: Operator) -> None:
    """Looking makes none."""
    result = operator("keys", "list")

    assert "There are no keys yet; the first start of a server makes them." in result.output
    assert states(operator) == {}


def test_keys_are_listed_with_state_and_age(operator: Operator) -> None:
    """And nothing of their private halves."""
    operator("keys", "rotate")

    lines = operator("keys", "list").output.splitlines()

    assert lines[0].split() == ["KID", "ALGORITHM", "STATE", "AGE", "VERIFY_UNTIL"]
    assert sorted(line.split()[2] for line in lines[1:]) == ["active", "staged", "verify-only"]
    assert all("ES256" in line and "second" in line for line in lines[1:])


def test_rotation_lets_the_staged_key_sign(operator: Operator) -> None:
    """What the former key signed is believed until it expires."""
    operator("keys", "rotate")
    staged = next(kid for kid, state in states(operator).items() if state == "staged")

    result = operator("keys", "rotate")

    assert result.output.splitlines() == [
        f"{staged} signs now.",
        "What was signed before is believed until it expires.",
    ]
    assert states(operator)[staged] == "active"


def test_revoking_retires_every_key_so_far(operator: Operator) -> None:
    """Also the staged one, which may have leaked with the others."""
    operator("keys", "rotate")
    before = states(operator)

    result = operator("keys", "rotate", "--revoke")

    after = states(operator)
    assert result.output.splitlines()[1] == "Everything signed before is refused."
    assert {after[kid] for kid in before} == {"retired"}
    assert sorted(state for kid, state in after.items() if kid not in before) == ["active", "staged"]


def test_programs_get_the_key_that_signs_now(operator: Operator) -> None:
    """One value."""
    told = json.loads(operator("keys", "rotate", "--revoke", "--json").output)

    assert told == {"active": told["active"], "revoked": True}
    assert states(operator)[told["active"]] == "active"


async def test_a_running_server_signs_with_the_new_key_and_believes_the_former(
    settings: Settings, operator: Operator
) -> None:
    """Nobody is logged out by a rotation."""
    async with open_house(settings, clock=FakeClock(int(time.time()))) as house:
        token = (await house.enter(EMAIL))["access_token"]

        told = json.loads((await asyncio.to_thread(operator, "keys", "rotate", "--json")).output)
        await until(lambda: house.auth.keys.active.kid == told["active"])

        assert (await house.me(token)).status_code == 200


async def test_a_running_server_refuses_at_once_what_revoked_keys_have_signed(
    settings: Settings, operator: Operator
) -> None:
    """Within a quarter of a second; refresh tokens are not signed and get clients going again."""
    async with open_house(settings, clock=FakeClock(int(time.time()))) as house:
        tokens = await house.enter(EMAIL)

        await asyncio.to_thread(operator, "keys", "rotate", "--revoke")
        began = time.perf_counter()

        async def is_refused() -> bool:
            return (await house.me(tokens["access_token"])).status_code == 401

        await until(is_refused)
        assert time.perf_counter() - began < WITHIN
        renewed = (await house.refresh(tokens["refresh_token"])).json()
        assert (await house.me(renewed["access_token"])).status_code == 200


def test_a_wrong_secret_does_not_end_what_the_right_one_signed(operator: Operator) -> None:
    """Loading retires keys whose secret is gone; from another folder's ``.env`` that would be a disaster."""
    operator("keys", "rotate")
    before = states(operator)
    operator.environ["DOORWARD_SECRET"] = secrets.token_urlsafe(32)

    listed, rotated = operator("keys", "list"), operator("keys", "rotate")

    assert "run 'doorward doctor'" in listed.output
    assert rotated.exit_code == Exit.MISCONFIGURED
    assert "was sealed with a secret that is not set here" in rotated.stderr
    assert states(operator) == before


def test_revoking_works_without_the_old_secret(operator: Operator) -> None:
    """When it is gone for good, saying so is enough."""
    operator("keys", "rotate")
    before = states(operator)
    operator.environ["DOORWARD_SECRET"] = secrets.token_urlsafe(32)

    result = operator("keys", "rotate", "--revoke")

    assert result.exit_code == Exit.OK
    assert {states(operator)[kid] for kid in before} == {"retired"}


def test_a_loop_of_rotations_is_stopped(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key set that nobody can read any more would stop every server; revoking retires all and is always possible."""
    monkeypatch.setattr(keyring, "MOST_KEYS", 3)
    operator("keys", "rotate")
    before = states(operator)

    result = operator("keys", "rotate")

    assert result.exit_code == Exit.REFUSED
    assert result.stderr == "3 keys are still believed; wait until what they signed has expired.\n"
    assert states(operator) == before
    assert operator("keys", "rotate", "--revoke").exit_code == Exit.OK
