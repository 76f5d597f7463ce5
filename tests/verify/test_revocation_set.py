"""What is no longer to be believed, and for how long it is remembered."""

import hashlib
import threading

import pytest

from doorward.jose.jwt import MAX_LEEWAY
from doorward.verify.model import SPAN, STEP, RevocationSet, digest

NOW = 1_800_000_000


def names(count: int, *, start: int = 0) -> list[bytes]:
    """Make digests."""
    return [digest("token", str(number)) for number in range(start, start + count)]


def test_a_digest_is_sixteen_bytes_of_sha_256() -> None:
    """The published form: SHA-256(kind NUL identifier), cut."""
    assert digest("session", "ses_one") == hashlib.sha256(b"session\x00ses_one").digest()[:16]


def test_kinds_do_not_meet() -> None:
    """The same text as a session, a token or a key is three things."""
    assert len({digest("session", "x"), digest("token", "x"), digest("key", "x")}) == 3


def test_what_was_added_is_covered() -> None:
    """One of several names is enough."""
    revoked = RevocationSet()
    one, two = names(2)

    revoked.add(one, NOW)

    assert revoked.covers(two, one)
    assert not revoked.covers(two)
    assert not revoked.covers()


@pytest.mark.parametrize("wrong", [b"", b"x" * 15, b"x" * 17, b"x" * 32])
def test_only_digests_are_taken(wrong: bytes) -> None:
    """A whole hash or a token by mistake would never match anything."""
    with pytest.raises(ValueError, match="16 bytes"):
        RevocationSet().add(wrong, NOW)


def settled(revoked: RevocationSet, now: int) -> None:
    """Forget all there is to forget."""
    for _ in range(100):
        revoked.forget(now)


def test_a_set_forgets_what_no_token_can_say() -> None:
    """Memory lasts longer than validity and the largest leeway (TOB-PYPI26-1), by a minute at most."""
    revoked = RevocationSet()
    old, kept = names(600), names(600, start=600)
    for name in old:
        revoked.add(name, NOW - MAX_LEEWAY - SPAN)
    for name in kept:
        revoked.add(name, NOW - MAX_LEEWAY + 1)

    settled(revoked, NOW)

    assert len(revoked) == 600
    assert not any(revoked.covers(name) for name in old)
    assert all(revoked.covers(name) for name in kept)


def test_a_later_deadline_is_kept() -> None:
    """Revoking again never shortens the memory."""
    revoked = RevocationSet()
    first, second = names(2)
    for name, *deadlines in ((first, NOW + 1000, NOW - 1000), (second, NOW - 1000, NOW + 1000)):
        for deadline in deadlines:
            revoked.add(name, deadline)

    settled(revoked, NOW)
    assert revoked.covers(first)
    assert revoked.covers(second)

    settled(revoked, NOW + 2000)
    assert len(revoked) == 0


def test_one_call_forgets_a_little() -> None:
    """A million that end together cost no request more than a few, and are gone after a while."""
    revoked = RevocationSet()
    for name in names(1000):
        revoked.add(name, NOW)

    revoked.forget(NOW + 10_000)

    assert len(revoked) == 1000 - STEP
    revoked.forget(NOW + 10_000, at_most=10_000)
    assert len(revoked) == 0
    revoked.forget(NOW + 10_000)
    revoked.add(names(1)[0], NOW + 20_000)
    assert len(revoked) == 1


def test_with_not_before_only_older_tokens_are_refused() -> None:
    """What was issued in that second or later is believed; who does not say when it was issued is refused."""
    revoked = RevocationSet()
    name = names(1)[0]

    revoked.add(name, NOW + 600, not_before=NOW)

    assert revoked.covers(name, issued_at=NOW - 1)
    assert not revoked.covers(name, issued_at=NOW)
    assert revoked.covers(name)


@pytest.mark.parametrize(
    ("said", "covered"),
    [
        ([NOW, NOW + 9], (True, True, False)),
        ([NOW + 9, NOW], (True, True, False)),
        ([NOW, None], (True, True, True)),
        ([None, NOW], (True, True, True)),
    ],
)
def test_the_stricter_counts(said: list[int | None], covered: tuple[bool, ...]) -> None:
    """A later time, or no time at all, in whatever order they come."""
    revoked = RevocationSet()
    name = names(1)[0]

    for not_before in said:
        revoked.add(name, NOW + 600, not_before)

    assert tuple(revoked.covers(name, issued_at=NOW + late) for late in (-1, 8, 9)) == covered
    settled(revoked, NOW + 10_000)
    assert len(revoked) == 0


def test_listeners_hear_of_what_is_new() -> None:
    """For connections that stay open: each digest once, and again only when it has become stricter."""
    revoked = RevocationSet()
    heard: list[bytes] = []
    one, two = names(2)
    revoked.on_news(lambda news: heard.extend(news))

    for name, not_before in ((one, NOW), (one, NOW), (one, NOW - 1), (two, None), (one, None), (one, NOW), (two, NOW)):
        revoked.add(name, NOW + 600, not_before)

    assert heard == [one, two, one]


def test_nothing_is_lost_when_threads_add_and_forget() -> None:
    """Swapping the set while another thread adds loses no revocation."""
    revoked = RevocationSet()
    mine = [names(3000, start=10_000 * number) for number in range(3)]

    def add(own: list[bytes]) -> None:
        for name in own:
            revoked.add(name, NOW + 600)
            revoked.forget(NOW)

    threads = [threading.Thread(target=add, args=(own,)) for own in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(revoked.covers(name) for own in mine for name in own)
