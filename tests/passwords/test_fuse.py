"""The filter holds all that was put in, hardly anything else, and notices damage."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords import fuse
from doorward.passwords.fuse import FALSE_POSITIVES, HEADER, MAGIC, Fuse, Shape, pack

WORDS = [f"word {number}" for number in range(20_000)]
PACKED = pack(WORDS)


def test_every_word_is_found() -> None:
    """All of them: there are no false negatives."""
    filter_ = Fuse(PACKED)

    assert len(filter_) == len(WORDS)
    assert all(word in filter_ for word in WORDS)


def test_other_words_are_found_as_seldom_as_promised() -> None:
    """Three are expected of two hundred thousand; twelve would be a chance of one in ten thousand, and never is."""
    filter_ = Fuse(PACKED)

    found = sum(f"other {number}" in filter_ for number in range(200_000))

    assert found <= 12
    assert pytest.approx(1 / 65536) == FALSE_POSITIVES


def test_a_word_takes_little_room() -> None:
    """Some twenty bits where there are twenty thousand; fewer where there are more."""
    assert len(PACKED) * 8 / len(WORDS) < 23
    assert Shape.of(4_000_000, seed=0).size * 8 / 4_000_000 < 18.5


def test_the_same_words_give_the_same_file() -> None:
    """In whatever order they come, and however often."""
    assert pack([*reversed(WORDS[:500]), *WORDS[:7]]) == pack(WORDS[:500])


@settings(max_examples=60, deadline=None)
@given(st.sets(st.text(max_size=12), max_size=40))
def test_small_sets_work_as_well(words: set[str]) -> None:
    """The empty one included, in which nothing can be found but by chance."""
    filter_ = Fuse(pack(words))

    assert len(filter_) == len(words)
    assert all(word in filter_ for word in words)


def test_words_that_do_not_fit_are_tried_with_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is in the file, so whoever asks uses the same."""
    real = fuse._peel
    tries = iter([[], None])

    def stuck_once(*arguments: object) -> list[tuple[int, int]]:
        return [] if next(tries) == [] else real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fuse, "_peel", stuck_once)
    packed = pack(WORDS[:50])

    assert Fuse(packed).shape.seed == 1
    assert all(word in Fuse(packed) for word in WORDS[:50])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        PACKED[:-1],
        PACKED + b"\0",
        b"X" + PACKED[1:],
        HEADER.pack(MAGIC, 0, 1, 4, 1000),
        struct.pack("<8sIIII", b"DWFUSE2\n", 0, 0, 4, 1) + bytes(24),
    ],
)
def test_what_is_no_filter_is_refused(data: bytes) -> None:
    """A damaged one would let passwords through."""
    with pytest.raises(ValueError, match="not a filter"):
        Fuse(data)
