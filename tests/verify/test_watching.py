"""Being told when what an open connection stands on is revoked: once, at once, and nothing is left behind."""

import logging
import threading

import pytest

from doorward.verify import Principal
from doorward.verify.model import RevocationSet, digest, digests_of
from doorward.verify.watching import REVOKED, STALE, Watch, Watches, watch_of
from tests.verify.parties import NOW, Clock, Issuer

PARTY = Issuer()


def caller(**claims: object) -> Principal:
    """Make a verified caller."""
    return PARTY.verifier().check(PARTY.token(**claims))


@pytest.mark.parametrize(
    "name", [("session", "ses_one"), ("token", "token-one"), ("key", PARTY.key.public.kid)], ids=lambda name: name[0]
)
def test_whatever_a_caller_stands_on_ends_its_connection(name: tuple[str, str]) -> None:
    """The session, this one token, or the key that signed it."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(), lambda: told.append(1))

    revocations.add(digest(*name), NOW + 600)  # type: ignore[arg-type]

    assert told == [1]


def test_nobody_is_told_twice() -> None:
    """Not by the same entry again, nor by the other digests of the same caller."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(), lambda: told.append(1))

    for name in (*digests_of(caller()), *digests_of(caller())):
        revocations.add(name, NOW + 600)

    assert told == [1]


def test_an_account_is_told_of_what_concerns_it() -> None:
    """Revoked up to a time: who came after it stays, until it is revoked up to a later one."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(), lambda: told.append(1))

    revocations.add(digest("account", "acc_one"), NOW + 600, NOW)
    before = list(told)
    revocations.add(digest("account", "acc_one"), NOW + 600, NOW + 1)

    assert (before, told) == ([], [1])


def test_a_verifier_listens_to_its_set_once() -> None:
    """However many connections come and go."""
    revocations = RevocationSet()
    verifier = PARTY.verifier(revocations=revocations)

    for _ in range(5):
        verifier.watch(caller(), lambda: None).stop()

    assert len(revocations._listeners) == 1


def test_others_are_not_told() -> None:
    """Another session of the same issuer goes on."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(sid="ses_two", jti="two"), lambda: told.append(2))
    verifier.watch(caller(), lambda: told.append(1))

    revocations.add(digest("session", "ses_one"), NOW + 600)

    assert told == [1]


def test_what_is_revoked_before_the_watch_is_told_at_once() -> None:
    """Between the check of a handshake and its watch there is a moment."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    revocations.add(digest("session", "ses_one"), NOW + 600)
    verifier.watch(caller(sid="ses_two", jti="two"), lambda: told.append(2))

    verifier.watch(caller(), lambda: told.append(1))

    assert told == [1]


def test_what_is_told_by_the_news_is_not_told_by_the_start() -> None:
    """The moment between the two belongs to one of them."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(sid="ses_two", jti="two"), lambda: None)
    watches = verifier._watches[revocations]
    concerns = watches._concerns

    def late(watch: object) -> bool:
        watches._concerns = concerns  # type: ignore[method-assign]
        revocations.add(digest("session", "ses_one"), NOW + 600)
        return True

    watches._concerns = late  # type: ignore[method-assign,assignment]
    verifier.watch(caller(), lambda: told.append(1))

    assert told == [1]


def test_a_stopped_watch_is_told_nothing_and_leaves_nothing() -> None:
    """Also when it is stopped twice, or after it was told."""
    revocations, told = RevocationSet(), []
    watches = Watches(revocations)
    verifier = PARTY.verifier(revocations=revocations)
    verifier._watches[revocations] = watches
    stopped, ended = (verifier.watch(caller(), lambda: told.append(1)) for _ in range(2))
    assert len(watches) == 4

    stopped.stop()
    stopped.stop()
    revocations.add(digest("session", "ses_one"), NOW + 600)
    ended.stop()

    assert told == [1]
    assert len(watches) == 0


def test_one_who_cannot_be_told_keeps_nobody_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    """An error in one connection is logged and is not the feed's."""
    revocations, told = RevocationSet(), []
    verifier = PARTY.verifier(revocations=revocations)
    verifier.watch(caller(), lambda: told.append(1))
    verifier.watch(caller(), lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    verifier.watch(caller(), lambda: told.append(2))

    with caplog.at_level(logging.ERROR, logger="doorward.verify"):
        revocations.add(digest("session", "ses_one"), NOW + 600)

    assert sorted(told) == [1, 2]
    assert "could not be told" in caplog.text


def test_the_time_left_is_that_of_the_check() -> None:
    """By the verifier's clock and with its leeway."""
    clock = Clock(NOW + 100)
    watch = PARTY.verifier(clock=clock, leeway=20).watch(caller(), lambda: None)

    assert watch.seconds_left() == 520
    clock.now = NOW + 620
    assert watch.seconds_left() == 0


def test_an_authenticator_that_cannot_watch_ends_by_the_principal() -> None:
    """One of the host's own leaves no connection open for ever."""
    watch = watch_of(object(), caller(), lambda: None)

    assert 0 < watch.seconds_left() <= NOW + 600
    watch.stop()


def test_a_caller_by_cookie_stands_on_its_session_alone() -> None:
    """It has no token and no key, and an empty name is nobody's digest."""
    principal = Principal("acc", "ses", "c", "", NOW, NOW + 9, NOW, ("pwd",), frozenset(), frozenset(), None)

    assert digests_of(principal) == (digest("session", "ses"), digest("account", "acc"))


def test_many_threads_start_stop_and_revoke_and_each_is_told_once() -> None:
    """Whoever is not stopped is told exactly once, whatever happens at the same moment."""
    revocations = RevocationSet()
    watches = Watches(revocations)
    verifier = PARTY.verifier(revocations=revocations)
    verifier._watches[revocations] = watches
    principals = [caller(sid=f"ses_{number}", jti=f"jti_{number}") for number in range(150)]
    told: list[int] = []
    barrier = threading.Barrier(4)

    def hold(part: int) -> None:
        barrier.wait()
        for number in range(part, len(principals), 3):
            verifier.watch(principals[number], lambda number=number: told.append(number))  # type: ignore[misc]
            verifier.watch(principals[number], lambda: told.append(-1)).stop()

    def revoke() -> None:
        barrier.wait()
        for number in range(len(principals)):
            revocations.add(digest("session", f"ses_{number}"), NOW + 600)

    threads = [threading.Thread(target=hold, args=(part,)) for part in range(3)] + [threading.Thread(target=revoke)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number for number in told if number >= 0) == list(range(len(principals)))
    assert len(watches) == 0


# -- a service that refuses everything while it hears of nothing ------------------------------------------------------


def test_everybody_is_told_once_when_everything_is_refused() -> None:
    """With the reason; whoever has been told before, or stopped, is not, and nothing is left."""
    watches, told = Watches(RevocationSet()), []
    principals = [caller(sid=f"ses_{number}", jti=f"jti_{number}") for number in range(3)]
    held = [Watch(one, lambda: told.append(1), registry=watches) for one in principals]
    for watch in held:
        watches.start(watch)
    held[0].stop()

    watches.end_all()
    watches.end_all()

    assert (told, len(watches)) == ([1, 1], 0)
    assert [watch.reason for watch in held] == [REVOKED, STALE, STALE]


def test_whoever_comes_while_everything_is_refused_is_told_at_once() -> None:
    """Between the check of a handshake and its watch there is a moment."""
    watches, told = Watches(RevocationSet(), refuses=lambda: True), []
    watch = Watch(caller(), lambda: told.append(1), registry=watches)

    watches.start(watch)

    assert (told, watch.reason, len(watches)) == ([1], STALE, 0)
