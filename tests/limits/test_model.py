"""The rules of the layers, as tables and as a property that holds the SQL against them."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.source import Source
from doorward.limits import model
from doorward.limits.model import SKEW, Attempt, Bucket, Count, Full, Refusal
from doorward.settings import Limits

NOW = 1_800_000_000
ADA = Source.of("203.0.113.7", "", "")
HOST = Source()


def bucket(full: Full, *, free: int = 3, span: int = 900, name: str = "x") -> Bucket:
    """Make a bucket."""
    return Bucket.of("test", name, free, span=span, full=full)


def explain(one: Bucket, count: Count | None, *, proved: bool = False, now: int = NOW) -> Refusal:
    """Ask about a try that is counted in one bucket."""
    counts = {} if count is None else {one.digest: count}
    return model.explain(Attempt("log-in", "ada", ADA, (one,)), counts, proved=proved, now=now)


@pytest.mark.parametrize(("beyond", "wait"), [(-5, 30), (0, 30), (1, 60), (2, 120), (6, 1920), (7, 3600), (99, 3600)])
def test_delays_double_from_half_a_minute_to_an_hour(beyond: int, wait: int) -> None:
    """NIST SP 800-63B-4 §3.2.2."""
    assert model.delay(beyond) == wait


@pytest.mark.parametrize(
    ("full", "tries", "tried_at", "forget_at", "proved", "expected"),
    [
        (Full.REFUSES, 2, NOW, NOW + 100, False, Refusal(1)),
        (Full.REFUSES, 3, NOW, NOW + 100, False, Refusal(100)),
        (Full.REFUSES, 3, NOW, NOW + 100, True, Refusal(100)),
        (Full.REFUSES, 3, NOW, NOW, False, Refusal(1)),
        (Full.DELAYS, 3, NOW - 10, NOW + 100, False, Refusal(20)),
        (Full.DELAYS, 4, NOW - 10, NOW + 100, False, Refusal(50)),
        (Full.DELAYS, 4, NOW - 60, NOW + 100, False, Refusal(1)),
        (Full.DELAYS, 4, NOW - 10, NOW + 100, True, Refusal(50)),
        (Full.DELAYS, 4, NOW + SKEW + 1, NOW + 100, False, Refusal(1)),
        (Full.CHALLENGES, 2, NOW, NOW + 100, False, Refusal(1)),
        (Full.CHALLENGES, 3, NOW, NOW + 100, False, Refusal(100, 0)),
        (Full.CHALLENGES, 5, NOW, NOW + 100, False, Refusal(100, 0)),
        (Full.CHALLENGES, 6, NOW, NOW + 100, False, Refusal(100, 1)),
        (Full.CHALLENGES, 3 * 64, NOW, NOW + 100, False, Refusal(100, 6)),
        (Full.CHALLENGES, 3, NOW, NOW + 100, True, Refusal(1)),
        (Full.CHALLENGES, 3, NOW, NOW + 900 + SKEW + 1, False, Refusal(1)),
    ],
)
def test_what_a_full_bucket_means(
    full: Full, tries: int, tried_at: int, forget_at: int, proved: bool, expected: Refusal
) -> None:
    """A limit refuses, a delay passes, a challenge opens, and time heals all of them."""
    assert explain(bucket(full), Count(tries, tried_at, forget_at), proved=proved) == expected


def test_a_bucket_that_nobody_has_tried_refuses_nothing() -> None:
    """Somebody's success has given the tries back, or the row is forgotten: the next try may pass at once."""
    assert explain(bucket(Full.REFUSES), None) == Refusal(1)


def test_no_challenge_is_offered_where_its_answer_would_not_help() -> None:
    """Who has to wait anyway is told for how long, and spends no electricity."""
    delayed, challenged = bucket(Full.DELAYS, name="a"), bucket(Full.CHALLENGES, name="b")
    full = Count(3, NOW, NOW + 500)

    refusal = model.explain(
        Attempt("log-in", "ada", ADA, (delayed, challenged)),
        {delayed.digest: full, challenged.digest: full},
        proved=False,
        now=NOW,
    )

    assert refusal == Refusal(500, None)


def test_the_hardest_layer_sets_the_level() -> None:
    """And the one that is full for longest the time to wait without an answer."""
    one, other = bucket(Full.CHALLENGES, name="a"), bucket(Full.CHALLENGES, name="b")

    refusal = model.explain(
        Attempt("log-in", "ada", ADA, (one, other)),
        {one.digest: Count(12, NOW, NOW + 10), other.digest: Count(3, NOW, NOW + 90)},
        proved=False,
        now=NOW,
    )

    assert refusal == Refusal(90, 2)


def _layers(attempt: Attempt) -> list[tuple[Full, int]]:
    return [(each.full, each.free) for each in attempt.buckets]


def test_a_stranger_is_counted_in_five_layers() -> None:
    """Network, the wider one, a share of the instance, the pair, and the login."""
    limits = Limits(per_network=1, per_wide_network=2, per_instance=24, per_pair=4, per_account=5)

    assert _layers(model.stranger("ada", ADA, limits)) == [
        (Full.REFUSES, 1),
        (Full.REFUSES, 2),
        (Full.CHALLENGES, 3),
        (Full.DELAYS, 4),
        (Full.CHALLENGES, 5),
    ]


def test_the_host_itself_is_counted_by_login_only() -> None:
    """There is no network to count by; registrations of the host are not counted at all."""
    assert _layers(model.stranger("ada", HOST, Limits())) == [(Full.CHALLENGES, 10)]
    assert model.registration(HOST, Limits()).buckets == ()
    assert _layers(model.recovery("ada", HOST, Limits())) == [(Full.CHALLENGES, 5)]


def test_a_known_device_is_counted_by_itself() -> None:
    """Whatever strangers do, and from wherever, takes nothing from it."""
    attempt = model.acquaintance("00ff", "ada", ADA, Limits())

    assert _layers(attempt) == [(Full.DELAYS, 10)]
    assert not {each.digest for each in attempt.buckets} & {
        each.digest for each in model.stranger("ada", ADA, Limits()).buckets
    }


def test_registrations_and_recoveries_ask_for_a_challenge_early() -> None:
    """Long before the network is full."""
    limits = Limits(registrations=7, per_recovery=2)

    assert _layers(model.registration(ADA, limits))[-1] == (Full.CHALLENGES, 7)
    assert _layers(model.recovery("ada", ADA, limits))[-2:] == [(Full.CHALLENGES, 7), (Full.CHALLENGES, 2)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", [False, True]),
        ("203.0.113.7", "203.0.114.7", [False, False]),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", [True, True]),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", [False, True]),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", [False, False]),
        ("::ffff:203.0.113.7", "203.0.113.7", [True, True]),
        ("nonsense", "more, nonsense", [True, True]),
    ],
)
def test_networks_are_counted_by_prefix(one: str, other: str, same: list[bool]) -> None:
    """IPv4 /32 and /24, IPv6 /64 and /48; what is no address counts as one network and is never left out."""
    first, second = (model.stranger("x", Source.of(each, "", ""), Limits()).buckets[:2] for each in (one, other))

    assert [left.digest == right.digest for left, right in zip(first, second, strict=True)] == same


def test_a_challenge_is_bound_to_purpose_network_and_login() -> None:
    """And to where one of them ends and the next begins."""
    other = Source.of("203.0.113.8", "", "")
    attempts = [
        Attempt(purpose, subject, source, ())
        for purpose, subject, source in itertools.product(("log-in", "recovery"), ("ada", "eve"), (ADA, other))
    ]

    assert len({attempt.bound_to for attempt in attempts}) == 8
    assert Attempt("a", "bc", HOST, ()).bound_to != Attempt("ab", "c", HOST, ()).bound_to


@pytest.mark.parametrize(("tries", "level"), [(10, 0), (14, 0), (15, 1), (20, 2), (44, 6), (45, 7), (100, 18)])
def test_a_login_that_is_attacked_gets_harder_quickly(tries: int, level: int) -> None:
    """With every half of what is free; the hardest challenge there is caps it."""
    login = model.stranger("ada", HOST, Limits(per_account=10)).buckets[-1]

    assert explain(login, Count(tries, NOW, NOW + 10)).level == level


@given(st.integers(-10, 40), st.integers(1, 20))
def test_what_others_share_gets_harder_with_every_doubling(tries: int, free: int) -> None:
    """From 0 at what is free: an attack on all is not to be felt much by each."""
    count = Count(free + max(tries, 0), NOW, NOW + 10)

    level = explain(bucket(Full.CHALLENGES, free=free), count).level

    assert level is not None
    assert free << level <= count.tries < free << (level + 1)


def states() -> st.SearchStrategy[dict[str, Any]]:
    """Draw what a bucket may hold and who asks."""
    near = st.sampled_from([-SKEW - 901, -SKEW - 1, -SKEW, -61, -60, -30, -1, 0, 1, 29, 30, 31, 899, 900, 901])
    return st.fixed_dictionaries(
        {
            "full": st.sampled_from(list(Full)),
            "tries": st.integers(1, 14),
            "since": near,
            "left": st.one_of(near, st.sampled_from([900 + SKEW, 900 + SKEW + 1, 86_400])),
            "proved": st.booleans(),
        }
    )


def passes(one: Bucket, count: Count, *, proved: bool) -> bool:
    """Say in Python what the WHERE of the statement says in SQL."""
    if model.begins_anew(one, count, now=NOW) or count.tries < one.allowed(proved=proved):
        return True
    if one.full is not Full.DELAYS:
        return False
    return count.tried_at + model.delay(count.tries - one.free) <= NOW or count.tried_at - SKEW > NOW
