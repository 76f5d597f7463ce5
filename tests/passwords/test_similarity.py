"""A password made of its owner's name is no password; a passphrase that mentions it is one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords.similarity import context_words, is_similar

WORDS = context_words(email="Alice.Smith@mail.example.co.uk", username="al1ce", service_name="Harbour Books")


def test_words_of_the_context_are_folded_and_split() -> None:
    """The whole, its parts, and the parts run together; nothing of one or two letters."""
    assert {
        "alice.smith@mail.example.co.uk",
        "alice.smith",
        "alicesmith",
        "alice",
        "smith",
        "mail.example.co.uk",
        "example",
        "al1ce",
        "harbour books",
        "harbourbooks",
        "harbour",
        "books",
    } <= set(WORDS)
    assert not {"co", "uk", ""} & set(WORDS)
    assert list(WORDS) == sorted(WORDS, key=lambda word: (-len(word), word))


@pytest.mark.parametrize(("email", "username"), [(None, None), ("no address", None), ("", "")])
def test_context_may_be_poor(email: str | None, username: str | None) -> None:
    """Accounts without an address or a username have fewer words."""
    assert "doorward" in context_words(email=email, username=username, service_name="doorward")


def test_words_are_bounded() -> None:
    """An address of many parts does not make many words."""
    words = context_words(
        email=".".join(f"p{n:03}" for n in range(60)) + "@example.com", username=None, service_name="x"
    )

    assert len(words) == 24
    assert max(map(len, words)) <= 64


@pytest.mark.parametrize(
    "password",
    [
        "Alice.Smith@mail.example.co.uk",
        "alice.smith",
        "AliceSmith",
        "alice2024!",
        "!!Smith1987!!",
        "htimsecila",
        "4l1c35m1th",
        "a|ice$m!th",
        "ALICEALICEALICE",
        "smithalicesmith99",
        "alice@harbour",
        "harbourbooks",
        "Harbour-Books-2026",
        "3x4mpl3xyz",
    ],
)
def test_little_more_than_the_context_is_similar(password: str) -> None:
    """Folded, with digits added, reversed, repeated, in look-alikes."""
    assert is_similar(password, WORDS)


@pytest.mark.parametrize(
    "password",
    [
        "alice loves old cheese",
        "my books float in the harbour",
        "alice 7391 8837 1120",
        "correct horse battery staple",
        "xK9#vQ2mLp",
        "!!!!!!!!",
        "12345",
        "",
    ],
)
def test_passphrase_that_mentions_the_context_is_not_similar(password: str) -> None:
    """What matters is how much of one's own is left; other rules judge the rest."""
    assert not is_similar(password, WORDS)


@settings(deadline=None)
@given(st.text(max_size=256), st.text(max_size=64), st.text(max_size=64))
def test_any_text_gets_an_answer(password: str, email: str, username: str) -> None:
    """No input raises, and without a context nothing is similar."""
    words = context_words(email=email, username=username, service_name="doorward")

    assert is_similar(password, words) in {True, False}
    assert not is_similar(password, ())
