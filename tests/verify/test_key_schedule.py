"""When to ask an issuer for its keys, and for how long to believe the answer."""

from doorward.verify.jwks import GOOD_FOR, IMPATIENCE, PATIENCE, REFRESH_AFTER, KeySchedule
from tests.verify.parties import NOW, Issuer

ONE, TWO = Issuer().keys, Issuer().keys


def fetched(at: int = NOW) -> KeySchedule:
    """Make a schedule that has got keys."""
    schedule = KeySchedule()
    schedule.started(at)
    schedule.succeeded(ONE, at)
    return schedule


def test_nothing_is_known_at_first() -> None:
    """There are no keys, and asking is due and allowed."""
    schedule = KeySchedule()

    assert schedule.usable(NOW) is None
    assert schedule.is_due(NOW)
    assert schedule.may_ask(NOW)


def test_one_fetch_at_a_time() -> None:
    """While one is under way nobody starts another, however long it takes."""
    schedule = KeySchedule()

    schedule.started(NOW)

    assert not schedule.may_ask(NOW + 10_000)
    assert not schedule.is_due(NOW + 10_000)


def test_keys_are_refreshed_after_a_while() -> None:
    """Not before, and the old ones serve meanwhile."""
    schedule = fetched()

    assert not schedule.is_due(NOW + REFRESH_AFTER - 1)
    assert schedule.is_due(NOW + REFRESH_AFTER)
    assert schedule.usable(NOW + REFRESH_AFTER) is ONE


def test_an_unknown_key_may_ask_after_a_pause() -> None:
    """Once in ten seconds, whoever asks."""
    schedule = fetched()

    assert not schedule.may_ask(NOW + PATIENCE - 1)
    assert schedule.may_ask(NOW + PATIENCE)


def test_without_keys_it_is_tried_more_often() -> None:
    """A service may start before its issuer does."""
    schedule = KeySchedule()
    schedule.started(NOW)
    schedule.failed()

    assert not schedule.may_ask(NOW)
    assert schedule.may_ask(NOW + IMPATIENCE)


def test_a_failure_keeps_what_is_known_for_a_day() -> None:
    """Keys that were good stay good while the server cannot be reached, but not for ever."""
    schedule = fetched()
    schedule.started(NOW + REFRESH_AFTER)
    schedule.failed()

    assert schedule.usable(NOW + GOOD_FOR - 1) is ONE
    assert schedule.usable(NOW + GOOD_FOR) is None
    assert schedule.is_due(NOW + GOOD_FOR)


def test_the_same_keys_again_are_no_change() -> None:
    """So that what was verified with them stays in the cache; they are confirmed, though."""
    schedule = fetched()
    schedule.started(NOW + REFRESH_AFTER)

    assert schedule.succeeded(type(ONE).from_jwks(ONE.to_jwks()), NOW + REFRESH_AFTER) is False
    assert schedule.usable(NOW + GOOD_FOR) is ONE


def test_other_keys_are_a_change() -> None:
    """They replace what was known."""
    schedule = fetched()

    assert schedule.succeeded(TWO, NOW + 20) is True
    assert schedule.usable(NOW + 20) is TWO


def test_a_clock_that_was_set_back_does_not_block() -> None:
    """Keys "of the future" are asked for again instead of being trusted until then."""
    schedule = fetched(NOW)

    assert schedule.may_ask(NOW - 1)
    assert schedule.is_due(NOW - 1)
    assert schedule.usable(NOW - 1) is None
