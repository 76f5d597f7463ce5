"""What a presented refresh token means: every branch is a row."""

from dataclasses import replace

import pytest

from doorward.settings import Tokens
from doorward.tokens.model import Dead, Family, Replay, Reuse, decide_stale

NOW = 1_000_000
SETTINGS = Tokens(replay_window=30, refresh_idle_lifetime=1000, refresh_lifetime=5000)
FAMILY = Family(
    id=b"f" * 16,
    session_id="ses_a",
    account_id="acc_a",
    client_id="doorward",
    scope="",
    generation=5,
    rotated_at=NOW - 10,
    expires_at=NOW + 100,
    revoked=False,
    auth_time=NOW - 500,
    amr=("pwd",),
    roles=(),
    email_verified=False,
)


@pytest.mark.parametrize(
    ("changes", "presented", "expected"),
    [
        ({}, 4, Replay),
        ({"rotated_at": NOW}, 4, Replay),
        ({"rotated_at": NOW - 30}, 4, Replay),
        ({"rotated_at": NOW - 31}, 4, Reuse),
        ({}, 3, Reuse),
        ({}, 1, Reuse),
        ({}, 5, Dead),
        ({}, 6, Dead),
        ({"revoked": True}, 4, Dead),
        ({"revoked": True}, 1, Dead),
        ({"expires_at": NOW}, 4, Dead),
        ({"expires_at": NOW + 1}, 4, Replay),
        ({"rotated_at": NOW - 1000}, 4, Dead),
        ({"rotated_at": NOW - 999}, 4, Reuse),
    ],
)
def test_a_spent_token_is_judged_by_the_row_alone(
    changes: dict[str, object], presented: int, expected: type[object]
) -> None:
    """The boundaries of the replay window, of the deadlines and of the generations."""
    family = replace(FAMILY, **changes)  # type: ignore[arg-type]

    decision = decide_stale(family, presented=presented, now=NOW, settings=SETTINGS)

    assert isinstance(decision, expected)


def test_an_unknown_family_is_dead() -> None:
    """A genuine token whose row is gone, after clean-up for example."""
    assert isinstance(decide_stale(None, presented=1, now=NOW, settings=SETTINGS), Dead)
