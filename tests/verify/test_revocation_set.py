"""What is no longer to be believed, and for how long it is remembered."""

import hashlib
import threading

import pytest

from doorward.verify.model import RevocationSet, digest

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


def test_a_small_set_forgets_nothing() -> None:
    """Walking it would cost more than it saves."""
    revoked = RevocationSet()
    for name in names(1023):
        revoked.add(name, NOW - 10_000)

    revoked.forget(NOW)

    assert len(revoked) == 1023


def test_a_grown_set_forgets_what_no_token_can_say() -> None:
    """Memory lasts longer than validity and the largest leeway (TOB-PYPI26-1)."""
    revoked = RevocationSet()
    old, kept, new = names(600), names(600, start=600), names(1, start=1200)
    for name in old:
        revoked.add(name, NOW - 60)
    for name in [*kept, *new]:
        revoked.add(name, NOW - 59)

    revoked.forget(NOW)

    assert len(revoked) == 601
    assert not any(revoked.covers(name) for name in old)
    assert all(revoked.covers(name) for name in [*kept, *new])


def test_a_later_deadline_is_kept() -> None:
    """Revoking again never shortens the memory."""
    revoked = RevocationSet()
    first = names(1)[0]
    revoked.add(first, NOW + 1000)
    revoked.add(first, NOW - 1000)
    for name in names(1100, start=1):
        revoked.add(name, NOW - 1000)

    revoked.forget(NOW)

    assert revoked.covers(first)
    assert len(revoked) == 1


def test_forgetting_walks_again_only_when_the_set_has_doubled() -> None:
    """So that calling it on every new token is cheap."""
    revoked = RevocationSet()
    for name in names(1100):
        revoked.add(name, NOW + 10)
    revoked.forget(NOW)

    revoked.forget(NOW + 10_000)

    assert len(revoked) == 1100
    for name in names(1100, start=1100):
        revoked.add(name, NOW + 10)
    revoked.forget(NOW + 10_000)
    assert len(revoked) == 0


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
