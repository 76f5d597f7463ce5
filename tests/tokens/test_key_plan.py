"""What age demands of signing keys."""

from doorward.settings import DAY, Tokens
from doorward.tokens.model import KeyPlan, KeyRecord, KeyState, plan_keys

NOW = 1_000 * DAY
SETTINGS = Tokens(key_lifetime=90 * DAY, key_publication=DAY)


def record(kid: str, state: KeyState, *, age: int = 0, until: int | None = None, algorithm: str = "ES256") -> KeyRecord:
    """Make a key of an age in seconds."""
    born = NOW - age
    return KeyRecord(
        kid=kid,
        algorithm=algorithm,  # type: ignore[arg-type]
        state=state,
        sealed=b"",
        created_at=born,
        activated_at=born if state is KeyState.ACTIVE else None,
        verify_until=until,
    )


def plan(*records: KeyRecord) -> KeyPlan:
    """Ask the model."""
    return plan_keys(records, now=NOW, settings=SETTINGS)


def test_an_empty_house_gets_an_active_and_a_staged_key() -> None:
    """The first start."""
    assert plan() == KeyPlan(create_active=True, create_staged=True)


def test_young_keys_are_left_alone() -> None:
    """Nothing to do is the usual answer."""
    assert plan(record("a", KeyState.ACTIVE), record("s", KeyState.STAGED)).is_empty


def test_the_staged_key_takes_over_when_the_active_one_is_old() -> None:
    """And another is staged behind it."""
    keys = record("a", KeyState.ACTIVE, age=90 * DAY), record("s", KeyState.STAGED, age=DAY)

    assert plan(*keys) == KeyPlan(promote=True, create_staged=True)


def test_a_staged_key_waits_until_it_was_published_long_enough() -> None:
    """Others keep the key set for a while; a key that they have not seen must not sign."""
    keys = record("a", KeyState.ACTIVE, age=91 * DAY), record("s", KeyState.STAGED, age=DAY - 1)

    assert plan(*keys).is_empty


def test_a_verify_only_key_retires_when_its_last_token_has_expired() -> None:
    """To the second."""
    keys = record("a", KeyState.ACTIVE), record("s", KeyState.STAGED)

    assert plan(*keys, record("v", KeyState.VERIFY_ONLY, until=NOW)) == KeyPlan(retire=("v",))
    assert plan(*keys, record("v", KeyState.VERIFY_ONLY, until=NOW + 1)).is_empty


def test_a_staged_key_of_another_algorithm_is_replaced() -> None:
    """A changed setting takes effect with the next rotation."""
    keys = record("a", KeyState.ACTIVE, age=99 * DAY), record("s", KeyState.STAGED, age=9 * DAY, algorithm="EdDSA")

    assert plan(*keys) == KeyPlan(retire=("s",), create_staged=True)
