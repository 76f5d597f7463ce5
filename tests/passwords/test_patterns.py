"""Shapes that attackers generate."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords.patterns import fold, is_sequence, repeats, shape


def listed(word: str) -> bool:
    """A very short list."""
    return word in {"love", "monkey", "password"}


SEQUENCE = "The password is a sequence or a repetition of keys."
REPEATED = "The password repeats something common."
PADDED = "The password is a common one with something simple added."


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("aaaaaaaa", SEQUENCE),
        ("abcdefgh", SEQUENCE),
        ("hgfedcba", SEQUENCE),
        ("xyzabcde", SEQUENCE),
        ("1234567890123456", SEQUENCE),
        ("9876543210", SEQUENCE),
        ("qwertyuiop", SEQUENCE),
        ("qwertzuiop", SEQUENCE),
        ("azertyuiop", SEQUENCE),
        ("1qaz2wsx3edc", SEQUENCE),
        ("1q2w3e4r5t", SEQUENCE),
        ("abcd1234", SEQUENCE),
        ("qwe123asd", SEQUENCE),
        ("йцукенгш", SEQUENCE),
        ("🐴🐴🐴🐴🐴🐴🐴🐴", SEQUENCE),
        ("abababab", REPEATED),
        ("abababababa", REPEATED),
        ("abc1abc1abc1", None),
        ("passwordpassword", REPEATED),
        ("passwordpassw", REPEATED),
        ("monkeymonkeymonkey", REPEATED),
        ("123a123a", None),
        ("monkey1", PADDED),
        ("monkey2024!!", PADDED),
        ("!!monkey", PADDED),
        ("123monkey", PADDED),
        ("password1111111111", PADDED),
        ("love12345678901", PADDED),
        ("zzzzzzzzlove", PADDED),
        ("monkeybusiness", None),
        ("monkey12345!x", None),
        ("abcqwe123zxc789", None),
        ("k7qzvx2m", None),
        ("lov1234", None),
        ("", None),
    ],
)
def test_table_of_shapes(password: str, expected: str | None) -> None:
    """The whole password has the shape, or it has none."""
    assert shape(password, listed) == expected


def test_repeated_sequence_is_a_repetition() -> None:
    """A unit that is a sequence makes the whole predictable, however often it comes."""
    assert repeats("abcd5678" * 4, listed)
    assert not is_sequence("abcd5678" * 4)


@pytest.mark.parametrize(
    ("password", "expected"), [("PassWord", "password"), ("STRASSE", "strasse"), ("straße", "strasse"), ("É", "é")]
)
def test_fold_forgets_case_and_composition(password: str, expected: str) -> None:
    """Lists are compared in one form; NFC again, since folding may decompose."""
    assert fold(password) == expected


@settings(deadline=None)
@given(st.text(max_size=256))
def test_any_text_gets_an_answer(text: str) -> None:
    """No input raises, and folding twice is folding once."""
    assert shape(fold(text), listed) in {SEQUENCE, REPEATED, PADDED, None}
    assert fold(fold(text)) == fold(text)
