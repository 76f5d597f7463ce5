"""``doorward service``: making, rotating, listing and deleting the keys of services."""

import json

from doorward.cli.output import Exit
from tests.cli.conftest import Operator


def test_a_key_is_shown_once(operator: Operator) -> None:
    """For programs with the words of OAuth; the list never has it."""
    made = json.loads(operator("service", "create", "billing", "--json").output)

    assert made["secret"].startswith("dwk_")
    assert made["client_id"] == made["name"] == "billing"
    assert made["may"] == ["introspect", "revoke"]
    assert made["audience"] == operator.settings.audience
    listed = operator("service", "list", "--json").output
    assert json.loads(listed)[0]["name"] == "billing"
    assert made["secret"] not in listed


def test_people_are_told_that_the_key_does_not_come_again(operator: Operator) -> None:
    """In words beside it."""
    said = operator("service", "create", "billing", "--may", "introspect", "--audience", "https://api.example").output

    assert "dwk_" in said
    assert "not shown again" in said
    (row,) = json.loads(operator("service", "list", "--json").output)
    assert (row["may"], row["audience"]) == (["introspect"], "https://api.example")


def test_a_name_is_taken_once(operator: Operator) -> None:
    """The second is refused with words."""
    operator("service", "create", "billing")

    refused = operator("service", "create", "billing")

    assert refused.exit_code == Exit.REFUSED
    assert "taken" in refused.stderr


def test_rotation_says_until_when_the_former_key_is_good(operator: Operator) -> None:
    """Or that it is not any more."""
    first = json.loads(operator("service", "create", "billing", "--json").output)["secret"]

    with_overlap = json.loads(operator("service", "rotate", "billing", "--json").output)
    said = operator("service", "rotate", "billing").output
    at_once = operator("service", "rotate", "billing", "--now").output

    assert with_overlap["secret"] != first
    assert with_overlap["former_until"] is not None
    assert "is believed until" in said
    assert "is refused now" in at_once
    assert json.loads(operator("service", "rotate", "billing", "--now", "--json").output)["former_until"] is None
    assert json.loads(operator("service", "list", "--json").output)[0]["former_until"] is None
    operator("service", "rotate", "billing")
    assert json.loads(operator("service", "list", "--json").output)[0]["former_until"] is not None


def test_deletion_leaves_nothing(operator: Operator) -> None:
    """Names that are not there are told so."""
    operator("service", "create", "billing")
    operator("service", "create", "shop")

    assert json.loads(operator("service", "delete", "billing", "--json").output) == {"deleted": "billing"}
    assert "deleted" in operator("service", "delete", "shop").output
    assert operator("service", "delete", "billing").exit_code == Exit.NOT_FOUND
    assert "There are no services" in operator("service", "list").output
