"""Which passwords may be chosen. Pure: text in, findings out.

NIST SP 800-63B-4 §3.1.1.2 rules: length and a blocklist, compared with the *whole* password; no composition rules, no
hints, every printable character welcome, Unicode in NFC. ASVS 6.2.11 adds words of the context (address, username,
service). What the lists do not know, an estimator judges (zxcvbn); it is asked about pieces of bounded length, because
its time grows with the square of the length and, for look-alike characters, exponentially.

This module refuses to know where the blocklist comes from, and what is stored.
"""

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from doorward.errors import FieldError
from doorward.passwords.formats import BCRYPT_MAX_BYTES
from doorward.passwords.hashing import MAX_PASSWORD_BYTES
from doorward.passwords.similarity import context_words, is_similar
from doorward.settings import Passwords

if TYPE_CHECKING:
    from zxcvbn_rs_py import Feedback

PIECE: Final = 32
"""Code points that the estimator sees at once; the strongest piece counts, which never overstates the whole."""

MOST_PIECES: Final = 3
STRONG_ENOUGH: Final = 4
"""The best score there is."""

_LOOKALIKES: Final = frozenset("4@8({[<69!|17$5+7")
_MOST_LOOKALIKES: Final = 6
_SYMBOLS_OUT: Final = str.maketrans(dict.fromkeys("@({[<!|$+", "_"))


class KnownFromBreaches(Protocol):
    """What the policy asks of a filter of breached passwords."""

    def __contains__(self, password: str) -> bool:
        """Tell whether the whole password is known."""


class Blocklist(Protocol):
    """What the policy asks of a list of known passwords."""

    def reason(self, password: str) -> str | None:
        """Say why the whole password is too common, in a sentence for its owner; ``None`` if it is not."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the policy makes of a password: acceptable if there are no errors. ``score`` is zxcvbn's, 0 to 4."""

    errors: tuple[FieldError, ...]
    score: int

    @property
    def acceptable(self) -> bool:
        """Tell whether the password may be chosen."""
        return not self.errors


def normalise(password: str) -> str:
    """Bring a password into NFC, so that two keyboards type the same one (NIST SP 800-63B-4 §3.1.1.2).

    Call it once for every password that comes in, to be set or to be verified, and change nothing else: no trimming, no
    folding (ASVS 6.2.8). More than 4096 bytes come back as they are, since composing long runs of accents takes
    quadratic time and every later step refuses them. Raises ``ValueError`` for a NUL and for a lone surrogate.
    """
    if "\0" in password:
        raise ValueError("a password cannot contain NUL")
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise ValueError("a password cannot contain a lone surrogate") from None
    return password if size > MAX_PASSWORD_BYTES else unicodedata.normalize("NFC", password)


def check_policy(
    password: str,
    *,
    settings: Passwords,
    email: str | None,
    username: str | None,
    service_name: str,
    blocklist: Blocklist,
    pointer: str = "/password",
) -> list[FieldError]:
    """Say everything that speaks against a new password; an empty list is a yes.

    Codes: ``password_too_short``, ``password_too_long``, ``password_too_similar``, ``password_too_common``. Raises
    ``ValueError`` like :func:`normalise`. Takes up to some milliseconds; nothing is hashed.
    """
    return list(
        assess(
            password,
            settings=settings,
            email=email,
            username=username,
            service_name=service_name,
            blocklist=blocklist,
            pointer=pointer,
        ).errors
    )


def assess(
    password: str,
    *,
    settings: Passwords,
    email: str | None,
    username: str | None,
    service_name: str,
    blocklist: Blocklist,
    breached: KnownFromBreaches = frozenset(),
    pointer: str = "/password",
) -> Assessment:
    """Judge a new password as :func:`check_policy` does, and tell its strength for the meter of a sign-up form."""
    password = normalise(password)
    length = check_length(password, settings=settings, pointer=pointer)
    if length is not None and length.code == "password_too_long":
        return Assessment((length,), 0)
    words = context_words(email=email, username=username, service_name=service_name)
    score, advice = strength(password, words)
    errors = [length] if length is not None else []
    if is_similar(password, words):
        detail = "The password is mostly made of the e-mail address, the username or the name of this service."
        errors.append(FieldError(pointer, "password_too_similar", detail))
    common = blocklist.reason(password)
    if common is None and length is None and score < settings.min_strength:
        common = advice
    if common is not None:
        errors.append(FieldError(pointer, "password_too_common", common))
        score = min(score, 1)
    if password in breached:
        errors.append(breached_error(pointer))
        score = min(score, 1)
    return Assessment(tuple(errors), score)


def breached_error(pointer: str) -> FieldError:
    """Say that the password is known from a breach, which is no reproach to whoever chose it."""
    return FieldError(pointer, "password_breached", "The password is known from a breach of another service.")


def check_length(password: str, *, settings: Passwords, pointer: str = "/password") -> FieldError | None:
    """Check the length in code points, each counting as one, and in bytes where the algorithm has such a limit."""
    if len(password) > settings.max_length or len(password.encode()) > MAX_PASSWORD_BYTES:
        detail = f"The password may have at most {settings.max_length} characters."
        return FieldError(pointer, "password_too_long", detail)
    if settings.algorithm == "bcrypt" and len(password.encode()) > BCRYPT_MAX_BYTES:
        detail = f"The password may have at most {BCRYPT_MAX_BYTES} bytes in UTF-8."
        return FieldError(pointer, "password_too_long", detail)
    if len(password) < settings.min_length:
        detail = f"The password needs at least {settings.min_length} characters."
        return FieldError(pointer, "password_too_short", detail)
    return None


def strength(password: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
    """Estimate the strength with zxcvbn: a score of 0 to 4, and advice in a sentence.

    The estimator is imported here because it brings 12 MiB that an idle server does not need. At most 96 code points
    are looked at, in pieces of 32.
    """
    from zxcvbn_rs_py import zxcvbn

    best, advice = -1, ""
    for start in range(0, min(max(len(password), 1), PIECE * MOST_PIECES), PIECE):
        entropy = zxcvbn(_tamed(password[start : start + PIECE]), list(words))
        if int(entropy.score) > best:
            best, advice = int(entropy.score), _advice(entropy.feedback)
        if best >= STRONG_ENOUGH:
            break
    return best, advice


def _tamed(piece: str) -> str:
    """Take the look-alike symbols out where there are many different ones.

    zxcvbn tries every way to read them as letters: 32 characters with all of them take 64 ms, with six of them one.
    """
    return piece.translate(_SYMBOLS_OUT) if len(_LOOKALIKES.intersection(piece)) > _MOST_LOOKALIKES else piece


def _advice(feedback: "Feedback | None") -> str:
    """Pass on what zxcvbn says, fixed sentences that never contain the password: the warning and two suggestions."""
    spoken = [] if feedback is None else [feedback.warning, *feedback.suggestions[:2]]
    return " ".join(["The password is easy to guess.", *(str(sentence) for sentence in spoken if sentence is not None)])
