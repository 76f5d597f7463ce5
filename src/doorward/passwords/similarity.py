"""Whether a password is little more than the name of its owner, or of the service. Pure.

ASVS 6.2.11 and NIST SP 800-63B-4 §3.1.1.2 ask for words of the context. Refusing every password that *contains* one
would refuse good passphrases, so what counts is what an attacker who knows those words still has to guess: the
characters that belong to none of them, read forwards, backwards and through the usual look-alikes.
"""

import re
from typing import Final

FEWEST_OWN: Final = 4.0
"""Least weight of characters of one's own. A letter weighs one, a digit half, anything else nothing: ``alice2024!`` has
2.0 beside ``alice`` and is refused, ``alice loves cheese`` has 11 and is not."""

_SHORTEST_WORD: Final = 3
_MOST_WORDS: Final = 24
_LONGEST_WORD: Final = 64
_LOOKALIKES: Final = (
    str.maketrans("4@83691!|05$7+2", "aabeggiiiosstt" + "z"),
    str.maketrans("4@83691!|05$7+2", "aabeggllloss" + "ltz"),
)
"""Two readings of the look-alikes, one character each, so that positions stay comparable."""


def context_words(*, email: str | None, username: str | None, service_name: str) -> tuple[str, ...]:
    """Collect what an attacker knows about the account: the address and its parts, the username, the service's name.

    Case-folded, longest first, words of fewer than three characters left out.
    """
    whole = [text.casefold() for text in (email, username, service_name) if text]
    if email and "@" in email:
        local, _, domain = email.casefold().rpartition("@")
        whole += [local, domain, *domain.split(".")[:-1]]
    parts = [part for text in whole for part in re.split(r"[\W_]+", text)]
    joined = [re.sub(r"[\W_]+", "", text) for text in whole]
    words = {word[:_LONGEST_WORD] for word in (*whole, *parts, *joined) if len(word) >= _SHORTEST_WORD}
    return tuple(sorted(words, key=lambda word: (-len(word), word))[:_MOST_WORDS])


def is_similar(password: str, words: tuple[str, ...]) -> bool:
    """Tell whether too little of the password is left beside the words of its context."""
    text = password.casefold()
    own = _own_weight(text, words)
    return own < FEWEST_OWN and own < _own_weight(text, ())


def _own_weight(text: str, words: tuple[str, ...]) -> float:
    covered = bytearray(len(text))
    for spelling in (text, *(text.translate(table) for table in _LOOKALIKES)):
        for word in words:
            for direction in (word, word[::-1]):
                _cover(covered, spelling, direction)
    return sum(_weight(character) for character, hidden in zip(text, covered, strict=True) if not hidden)


def _cover(covered: bytearray, text: str, word: str) -> None:
    start = text.find(word)
    while start >= 0:
        covered[start : start + len(word)] = b"\1" * len(word)
        start = text.find(word, start + 1)


def _weight(character: str) -> float:
    if character.isalpha():
        return 1.0
    return 0.5 if character.isdecimal() else 0.0
