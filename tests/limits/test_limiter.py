"""Counting and deciding by one statement, on both engines."""

import asyncio

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how

from doorward.core.source import Source
from doorward.db import Database, GuardFailed, statement
from doorward.errors import StorageUnavailable, TooManyAttempts
from doorward.limits import store
from doorward.limits.flows import Limiter
from doorward.limits.model import SKEW, Attempt, Bucket, Count, Full
from doorward.settings import Limits, Settings
from tests.limits.limiters import limiter_for
from tests.limits.test_model import NOW, bucket, passes, states
from tests.support.faults import FailingDatabase
from tests.support.house import FakeClock

WINDOW = 900
ADA = Source.of("203.0.113.7", "", "")
EVE = Source.of("198.51.100.9", "", "")


async def tries(limiter: Limiter, attempt: Attempt, times: int) -> list[int]:
    """Try many times; 0 is a pass, anything else the seconds to wait."""
    answers = []
    for _ in range(times):
        try:
            await limiter.admit(attempt)
            answers.append(0)
        except TooManyAttempts as refused:
            answers.append(refused.retry_after or -1)
    return answers


async def put(database: Database, one: Bucket, count: Count) -> None:
    """Let a bucket hold something."""
    await database.write(
        statement("DELETE FROM allowance"),
        statement(
            "INSERT INTO allowance (bucket, tries, tried_at, forget_at, allowed, grows) "
            "VALUES (:bucket, :tries, :tried_at, :forget_at, 1, 0)",
            bucket=one.digest,
            tries=count.tries,
            tried_at=count.tried_at,
            forget_at=count.forget_at,
        ),
    )


@how(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states())
async def test_the_statement_decides_as_the_model_says(database: Database, state: dict[str, object]) -> None:
    """What Python explains and what SQL has decided never disagree; what is refused is left as it was."""
    one = bucket(state["full"])  # type: ignore[arg-type]
    held = Count(state["tries"], NOW - state["since"], NOW + state["left"])  # type: ignore[arg-type, operator]
    proved = bool(state["proved"])
    await put(database, one, held)

    try:
        await database.write(store.count([one], proved=proved, now=NOW))
        passed = True
    except GuardFailed:
        passed = False

    after = (await store.read(database, [one]))[one.digest]
    assert passed == passes(one, held, proved=proved)
    if not passed:
        assert after == held
    else:
        assert after.tries in (held.tries + 1, 1)
        assert after.tried_at == NOW


async def test_a_try_counts_in_all_its_buckets_or_in_none(database: Database) -> None:
    """The one that is full keeps the others as they were, also those that come before it."""
    buckets = [bucket(Full.REFUSES, free=2, name=str(number)) for number in range(6)]
    await database.write(store.count(buckets[:1], proved=False, now=NOW))
    await database.write(store.count(buckets[:1], proved=False, now=NOW))

    with pytest.raises(GuardFailed):
        await database.write(store.count(buckets, proved=False, now=NOW))

    assert {digest: count.tries for digest, count in (await store.read(database, buckets)).items()} == {
        buckets[0].digest: 2
    }


async def test_parallel_tries_pass_as_often_as_is_free(database: Database, settings: Settings) -> None:
    """Each sees what the one before has left."""
    limiter = limiter_for(database, settings, Limits(per_network=7))

    answers = await asyncio.gather(
        *(tries(limiter, Attempt("x", "x", ADA, (limiter.network(ADA.network),)), 1) for _ in range(40))
    )

    assert sum(answer == [0] for answer in answers) == 7


async def test_a_pair_is_delayed_longer_and_longer(database: Database, settings: Settings) -> None:
    """Thirty seconds, a minute, two; who does not wait is told what is left, and loses nothing by asking."""
    clock = FakeClock()
    limiter = limiter_for(database, settings, Limits(per_pair=2, per_account=50), clock)
    attempt = limiter.log_in("acc", ADA, device=None)

    first = await tries(limiter, attempt, 4)
    clock.advance(29)
    early = await tries(limiter, attempt, 1)
    clock.advance(1)
    second = await tries(limiter, attempt, 2)
    clock.advance(60)
    third = await tries(limiter, attempt, 2)
    clock.advance(24 * 3600)
    forgotten = await tries(limiter, attempt, 3)

    assert (first, early, second, third) == ([0, 0, 30, 30], [1], [0, 60], [0, 120])
    assert forgotten == [0, 0, 30]


async def test_a_stranger_delays_the_own_network_only(database: Database, settings: Settings) -> None:
    """The owner elsewhere, whose device is unknown, is not asked to wait."""
    limiter = limiter_for(database, settings, Limits(per_pair=2, per_account=50))
    await tries(limiter, limiter.log_in("acc", EVE, device=None), 10)

    assert await tries(limiter, limiter.log_in("acc", ADA, device=None), 1) == [0]


async def test_the_wider_network_holds_who_changes_addresses(database: Database, settings: Settings) -> None:
    """An IPv6 /48 has 65,536 /64s; they share one count."""
    limiter = limiter_for(database, settings, Limits(per_wide_network=5))

    answers = [
        await tries(limiter, limiter.registration(Source.of(f"2001:db8:7:{number:x}::1", "", "")), 1)
        for number in range(8)
    ]

    assert answers == [[0]] * 5 + [[WINDOW]] * 3


async def test_a_success_forgives_the_login_and_gives_the_networks_one_back(
    database: Database, settings: Settings
) -> None:
    """An office is not held to account for those who know their password, nor freed of those who do not."""
    limiter = limiter_for(database, settings, Limits(per_account=50))
    attempt = limiter.log_in("acc", ADA, device=None)
    await tries(limiter, attempt, 3)

    await database.write(*limiter.forgiving(attempt))

    counts = await store.read(database, attempt.buckets)
    assert [counts[each.digest].tries for each in attempt.buckets] == [2, 2, 2, 0, 0]


async def test_mails_for_one_login_soon_cost_a_challenge(database: Database, settings: Settings) -> None:
    """From wherever they are asked for; another login has its own count."""
    limiter = limiter_for(database, settings, Limits(per_recovery=2))

    answers = [await tries(limiter, limiter.recovery("ada", source), 1) for source in (ADA, EVE, ADA)]

    assert answers == [[0], [0], [WINDOW]]
    assert await tries(limiter, limiter.recovery("eve", ADA), 1) == [0]


async def test_a_try_that_was_none_is_given_back(database: Database, settings: Settings) -> None:
    """Once, in every layer; never below nothing."""
    limiter = limiter_for(database, settings, Limits(per_account=50))
    attempt = limiter.log_in("acc", ADA, device=None)
    await tries(limiter, attempt, 2)

    for _ in range(3):
        await database.write(*limiter.giving_back(attempt))

    counts = await store.read(database, attempt.buckets)
    assert [counts[each.digest].tries for each in attempt.buckets] == [0] * 5


async def test_what_is_not_counted_is_neither_written_nor_given_back(database: Database, settings: Settings) -> None:
    """A registration by the host itself."""
    limiter = limiter_for(database, settings, Limits())
    attempt = limiter.registration(Source())

    assert await limiter.admit(attempt) == []
    assert limiter.forgiving(attempt) == limiter.giving_back(attempt) == []
    assert await limiter.admit(attempt, statement("SELECT 1 AS one")) != []


@pytest.mark.parametrize("call", [1, 2])
async def test_the_storage_failing_lets_nothing_pass(database: Database, settings: Settings, call: int) -> None:
    """Neither while counting nor while explaining a refusal: closed, and never open."""
    failing = FailingDatabase(database, fail_at=2 * call - 1)  # the first write; the reading after the second one
    limiter = limiter_for(failing, settings, Limits(per_network=1))
    attempt = limiter.registration(ADA)

    for _ in range(call - 1):
        await limiter.admit(attempt)

    with pytest.raises(StorageUnavailable):
        await limiter.admit(attempt)


async def test_cleaning_up_forgets_what_is_counted_no_more(database: Database, settings: Settings) -> None:
    """And nothing else."""
    limiter = limiter_for(database, settings, Limits())
    await limiter.admit(limiter.registration(ADA))

    await database.write(limiter.clean_up(now=FakeClock().now + WINDOW - 1))
    kept = await database.fetch_all("SELECT bucket FROM allowance")
    await database.write(limiter.clean_up(now=FakeClock().now + WINDOW))

    assert len(kept) == 4
    assert await database.fetch_all("SELECT bucket FROM allowance") == []


@pytest.mark.parametrize("back", [1, 60, SKEW])
async def test_a_clock_that_goes_back_buys_no_try(database: Database, settings: Settings, back: int) -> None:
    """By a second or an hour, in a window and in a delay; the wait that is told is honest."""
    clock = FakeClock()
    limiter = limiter_for(database, settings, Limits(per_network=2, per_pair=2), clock)
    window = Attempt("x", "x", ADA, (limiter.network(ADA.network),))
    delayed = limiter.confirmation("acc", EVE)
    await tries(limiter, window, 2)
    await tries(limiter, delayed, 2)

    clock.advance(-back)

    assert await tries(limiter, window, 1) == [WINDOW + back]
    assert await tries(limiter, delayed, 1) == [30 + back]


async def test_a_clock_that_was_wrong_by_a_year_locks_nobody_out_for_a_year(
    database: Database, settings: Settings
) -> None:
    """Once it is right again, the count begins anew."""
    clock = FakeClock()
    limiter = limiter_for(database, settings, Limits(per_network=1, per_pair=1), clock)
    window = Attempt("x", "x", ADA, (limiter.network(ADA.network),))
    delayed = limiter.confirmation("acc", EVE)
    await tries(limiter, window, 2)
    await tries(limiter, delayed, 2)

    clock.advance(-365 * 86_400)

    assert await tries(limiter, window, 2) == [0, WINDOW]
    assert await tries(limiter, delayed, 2) == [0, 30]
