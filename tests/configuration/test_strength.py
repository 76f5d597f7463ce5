"""Whether a secret looks like it came from a generator."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.configuration.strength import MIN_BITS, WELL_KNOWN, bits, reads_like_words, weakness
from doorward.core.secret import Secret

GUESSABLE = [
    "a" * 64,
    "ab" * 32,
    "0123456789" * 6,
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "3141592653589793238462643383279502",
    "the cat sat on the mat, the cat sat on the mat, the cat sat on the mat",
]
SENTENCES = [
    "the quick brown fox jumps over the lazy dog",
    "To be or not to be, that is the question",
    "my cat likes to sleep on the warm radiator all day",
    "four score and seven years ago our fathers brought forth",
    "Our company server 2024 production signing key, keep safe",
    "this is the key of our production server in frankfurt do not share it with anybody else, whoever may ask for it",
    "fourscoreandsevenyearsagoourfathersbroughtforth",
    "ALL GOOD THINGS COME TO THOSE WHO WAIT A WHILE",
    "der schnelle braune Fuchs springt über den faulen Hund",
    "wombat tractor lentil basin cousin pirate marble zipper canyon oxygen turnip velvet",
]
DEFAULTS = [
    "changeme-changeme-changeme-changeme",
    "Change_This_To_Something_Else_Before_Use_0x7f3d",
    "django-insecure-#k)2x!v9q8z7w6e5r4t3y2u1i0o9p8a7s6d5f4g",
    "your-256-bit-secret-9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "a-string-secret-at-least-256-bits-long",
    "my super secret jwt key which is long enough 9F8z",
]


@given(st.binary(min_size=32, max_size=32))
def test_an_estimate_is_never_more_than_there_can_be(raw: bytes) -> None:
    """32 bytes are at most 256 bits."""
    estimate = bits(raw)

    assert 0 <= estimate <= 256


def test_what_init_and_openssl_make_is_strong() -> None:
    """Digests stand for a generator here: text of 32 random bytes in four spellings."""
    import hashlib

    raws = [hashlib.sha256(bytes([number])).digest() for number in range(200)]
    spells = (base64.urlsafe_b64encode, base64.b64encode, base64.b32encode, bytes.hex)
    spellings = [spell(raw) for raw in raws for spell in spells]

    weak = [text for text in spellings if weakness(Secret(text))]

    assert not weak


@pytest.mark.parametrize("text", GUESSABLE)
def test_repetition_sequences_and_few_characters_are_guessable(text: str) -> None:
    """Length alone is no strength."""
    assert bits(text.encode()) < MIN_BITS
    assert "guessable" in (weakness(Secret(text)) or "")


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_are_guessable(text: str) -> None:
    """Finding 5 of the review: they have many different characters and little to guess, however long they are."""
    assert weakness(Secret(text)) == "is guessable: it reads like words"


@pytest.mark.parametrize("text", ["qcutajmfedkajnublehvpnzajwjeznyinusz", "kX9#mQ2$vL7!pR4&nT8*zW3@hJ6^bD1%", ""])
def test_letters_alone_do_not_make_words(text: str) -> None:
    """A generator of passwords may use lower case only, or symbols."""
    assert not reads_like_words(text)


@pytest.mark.parametrize("text", DEFAULTS)
def test_defaults_and_examples_are_known(text: str) -> None:
    """Keto CVE-2026-33505: a default secret is no secret."""
    assert weakness(Secret(text)) == "is a default or an example"


@pytest.mark.parametrize("text", WELL_KNOWN)
def test_secrets_printed_in_documents_are_known(text: str) -> None:
    """In any letter case, and inside other text."""
    assert weakness(Secret(f"x{text.swapcase()}")) == "is printed in a public document"


@pytest.mark.parametrize("text", ["", "x", "kX9#mQ2$vL7!pR4&nT8*"])
def test_a_short_secret_is_told_its_length(text: str) -> None:
    """RFC 2104 section 3 discourages keys shorter than the hash."""
    assert weakness(Secret(text)) == f"has {len(text)} bytes, and 32 are needed"
