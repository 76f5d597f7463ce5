"""Where a follower stands, and what follows: a table of decisions."""

import pytest

from doorward.revocation.model import START, Cursor, Follows, Lost, Row, decide_page
from doorward.verify import page


def row(number: int, digest: bytes | None = None) -> Row:
    """Make a row."""
    return Row(number, "session", digest or bytes([number]) * 16, None, 1_800_000_000)


ROWS = [row(number) for number in range(1, 6)]


def test_both_sides_begin_at_the_same_place() -> None:
    """The verifier is usable without the server, so each has the word."""
    assert START == page.START
    assert str(Cursor()) == START


@pytest.mark.parametrize("text", ["", START])
def test_the_start_is_before_the_first_row(text: str) -> None:
    """Also for somebody who gives no cursor."""
    assert Cursor.read(text) == Cursor(0, "")


def test_a_cursor_reads_as_it_was_written() -> None:
    """Number and mark."""
    cursor = row(17).cursor

    assert Cursor.read(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "1", "1.", ".", "00", "0.0000000000000000", "01.0101010101010101", "-1.0101010101010101", "1.010101010101010",
        "1.01010101010101010", "1.010101010101010G", "1.ABCDEFABCDEFABCD", "1 .0101010101010101", "١.0101010101010101",
        "9999999999999999999.0101010101010101", "1.0101010101010101\n", "1.0101010101010101&wait=0", "x" * 10_000,
    ],
)  # fmt: skip
def test_nonsense_is_no_cursor(text: str) -> None:
    """It is answered like a cursor that is not known any more."""
    assert Cursor.read(text) is None


@pytest.mark.parametrize(
    ("after", "rows", "size", "decision"),
    [
        (Cursor(), [], 3, Follows((), more=False)),
        (Cursor(), ROWS[:3], 3, Follows(tuple(ROWS[:3]), more=False)),
        (Cursor(), ROWS[:4], 3, Follows(tuple(ROWS[:3]), more=True)),
        (row(1).cursor, ROWS[:1], 3, Follows((), more=False)),
        (row(1).cursor, ROWS[:4], 3, Follows(tuple(ROWS[1:4]), more=False)),
        (row(1).cursor, ROWS[:5], 3, Follows(tuple(ROWS[1:4]), more=True)),
        # Too old: the row was cleaned up. From the future: there is none yet. From elsewhere: it is another.
        (row(1).cursor, ROWS[1:], 3, Lost()),
        (row(9).cursor, [], 3, Lost()),
        (row(1, b"x" * 16).cursor, ROWS, 3, Lost()),
    ],
)
def test_what_follows(after: Cursor, rows: list[Row], size: int, decision: Follows | Lost) -> None:
    """The row of the cursor must be there, and be the same; then what is behind it follows."""
    assert decide_page(after, rows, size=size) == decision
