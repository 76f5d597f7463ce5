"""``doorward audit``: reading the trail and proving that it is whole."""

import asyncio
import json
from pathlib import Path

import pytest

from doorward.cli.output import Exit
from tests.cli.conftest import Operator
from tests.support.house import PASSWORD, FakeClock, open_house

EMAIL = "ada@example.test"


@pytest.fixture
def lived_in(operator: Operator) -> Operator:
    """An instance with two accounts and a sealed trail."""
    operator("account", "create", EMAIL, typed=PASSWORD)
    operator("account", "create", "other@example.test", typed=PASSWORD)
    asyncio.run(_seal(operator))
    return operator


async def _seal(operator: Operator) -> None:
    from doorward.core.clock import system_clock

    async with open_house(operator.settings, clock=FakeClock(system_clock())) as house:
        await house.auth.audit.seal_all()


def test_list_shows_the_newest_first_and_one_account_alone(lived_in: Operator) -> None:
    """By address or id; JSON has everything."""
    everybody = json.loads(lived_in("audit", "list", "--json").output)
    one = json.loads(lived_in("audit", "list", "--account", EMAIL, "--json").output)
    same = json.loads(lived_in("audit", "list", "--account", one[0]["account_id"], "--json").output)

    assert [each["event"] for each in everybody] == ["account.registered"] * 2
    assert one == same == [everybody[1]]
    assert one[0]["actor"] == "operator"
    assert "EVENT" in lived_in("audit", "list").output


def test_list_shows_people_what_owners_did_themselves(lived_in: Operator) -> None:
    """An id twice in a line would have to be compared."""
    lived_in.execute("UPDATE audit_event SET actor = account_id WHERE position = 1")

    lines = lived_in("audit", "list").output.splitlines()

    assert [line.split()[3] for line in lines[1:]] == ["operator", "owner"]


def test_list_goes_on_page_by_page(lived_in: Operator) -> None:
    """The hint can be pasted."""
    for number in range(60):
        lived_in.execute(
            "INSERT INTO audit_event (recorded_at, event, request_id, ip_prefix, detail)"
            f" VALUES ({number}, 'test.x', '', '', '{{}}')"
        )
    first = lived_in("audit", "list")
    cursor = first.output.rsplit("--cursor ", 1)[1].strip()

    second = lived_in("audit", "list", "--cursor", cursor, "--json")

    assert len(json.loads(second.output)) == 12


def test_verify_says_that_the_trail_is_whole(lived_in: Operator) -> None:
    """In words and in JSON."""
    result = lived_in("audit", "verify", "--json")

    told = json.loads(result.output)
    assert result.exit_code == Exit.OK
    assert (told["intact"], told["lines"], told["last_position"], told["faults"]) == (True, 2, 2, [])
    assert "intact" in lived_in("audit", "verify").output


def test_verify_ends_with_1_and_says_where(lived_in: Operator) -> None:
    """A script that runs it every night wakes somebody."""
    lived_in.execute("DELETE FROM audit_event WHERE position = 1")

    result = lived_in("audit", "verify")

    assert result.exit_code == Exit.REFUSED
    assert "position 1: lines are missing here" in result.output


def test_a_checkpoint_that_was_kept_shows_a_trail_cut_short(lived_in: Operator) -> None:
    """It is one line; nonsense in the file is said."""
    line = lived_in("audit", "checkpoint").output
    Path("kept").write_text(line)
    Path("wrong").write_text("nonsense\n")
    whole = lived_in("audit", "verify", "--checkpoints", "kept")
    lived_in.execute("DELETE FROM audit_event", "DELETE FROM audit_checkpoint")

    cut = lived_in("audit", "verify", "--checkpoints", "kept")
    wrong = lived_in("audit", "verify", "--checkpoints", "wrong")

    assert json.loads(line)["position"] == 2
    assert (whole.exit_code, cut.exit_code, wrong.exit_code) == (Exit.OK, Exit.REFUSED, Exit.REFUSED)
    assert "line 1, is no checkpoint" in wrong.stderr
    assert lived_in("audit", "checkpoint").exit_code == Exit.NOT_FOUND


def test_export_prints_what_is_sealed_and_goes_on(lived_in: Operator) -> None:
    """One object a line, with its place and digest."""
    lines = [json.loads(line) for line in lived_in("audit", "export").output.splitlines()]
    rest = lived_in("audit", "export", "--after", "1").output.splitlines()

    assert [line["position"] for line in lines] == [1, 2]
    assert len(lines[0]["digest"]) == 64
    assert len(rest) == 1


def test_prune_forgets_what_is_old(lived_in: Operator) -> None:
    """Nothing is old enough here; then everything is."""
    young = lived_in("audit", "prune")
    lived_in.execute("UPDATE audit_checkpoint SET sealed_at = 1")
    old = lived_in("audit", "prune", "--json")

    assert "begins with position 1" in young.output
    assert json.loads(old.output) == {"first_position": 3}
