"""Whether a secret looks like it came from a generator. An estimate from the secret alone, with no word list.

A text can only be judged from outside: this finds what was typed, repeated, counted up, copied from documentation or
written in words (by their pairs of letters: the estimator for passwords counts no further than 64 bits),
not what is random and known to others. 128 bits is the floor of ASVS 11.2.3; a secret made by ``doorward init`` is
estimated far above it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from doorward.core.secret import SECRET_MIN_BYTES, Secret

MIN_BITS: Final = 128

WELL_KNOWN: Final = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # a web framework's tutorial
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # RFC 7515, A.1
    "GawgguFyGrWKav7AX4VKUg",  # RFC 7517, A.3
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",  # RFC 7520, 3.5
)
"""Secrets printed in documents, in any spelling of letter case and punctuation."""

TELLING: Final = (
    "changeme", "changethis", "replaceme", "replacethis", "yoursecret", "yourkey", "your256bitsecret", "secretkey",
    "supersecret", "topsecret", "verysecret", "notsecret", "notasecret", "mysecret", "stringsecret", "password",
    "passphrase", "example", "insecure", "placeholder", "default", "dummy", "testsecret", "doorward", "qwerty",
    "letmein", "loremipsum", "deadbeef", "correcthorse",
)  # fmt: skip
"""Words that a generator does not produce (in 43 random base64 characters: one in a hundred million)."""


_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

_PAIRS: Final = (
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic "
    "ne ea ra ce li ch ll be ma si om ur"
)
COMMON_PAIRS: Final = frozenset(_PAIRS.split())
"""Half of the pairs of letters in English words, and a third in other European languages; 7 in 100 by chance."""


def weakness(secret: Secret) -> str | None:
    """Say what is wrong with a secret, without repeating any of it, or return ``None``."""
    raw = secret.reveal()
    plain = _plain(raw.decode("latin-1"))
    if any(known in plain for known in _PLAIN_WELL_KNOWN):
        return "is printed in a public document"
    if any(word in plain for word in TELLING):
        return "is a default or an example"
    if len(raw) < SECRET_MIN_BYTES:
        return f"has {len(raw)} bytes, and {SECRET_MIN_BYTES} are needed"
    if bits(raw) < MIN_BITS:
        return "is guessable: too few different characters, repeated or in sequence"
    if reads_like_words(raw.decode("latin-1")):
        return "is guessable: it reads like words"
    return None


def bits(raw: bytes) -> float:
    """Estimate the entropy of bytes: of one period of them, of their frequencies and of the steps between them."""
    unit = raw[: _period(raw)]
    steps = [(after - before) % 256 for before, after in pairwise(unit)]
    return min(_shannon(unit), _shannon(steps))


def reads_like_words(text: str) -> bool:
    """Tell a sentence from what a generator makes, whatever its length: people choose sentences that exist.

    Of generated texts (base64, base32, hexadecimal, 32 letters and digits) one in some 100,000 looks like words.
    """
    pairs = [pair for word in _WORD.findall(text) for pair in map("".join, pairwise(word.lower()))]
    if not pairs or 2 * len(pairs) < len(text):
        return False
    common = sum(pair in COMMON_PAIRS for pair in pairs) / len(pairs)
    if sum(not character.isalnum() for character in text) >= len(text) / 10:
        return common >= 0.25
    capitals = sum(character.isupper() for character in text) / len(text)
    return common >= 0.35 and not 0.25 < capitals < 0.75


def _period(raw: bytes) -> int:
    """Return the smallest shift under which the bytes match themselves, as in ``abcabcab``."""
    return next((shift for shift in range(1, len(raw)) if raw.startswith(raw[shift:])), len(raw))


def _shannon(values: Iterable[int]) -> float:
    counts = Counter(values)
    total = sum(counts.values())
    return -sum(count * math.log2(count / total) for count in counts.values())


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


_PLAIN_WELL_KNOWN: Final = tuple(_plain(text) for text in WELL_KNOWN)
