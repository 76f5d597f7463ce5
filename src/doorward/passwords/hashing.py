"""Making and checking password hashes: Argon2id or bcrypt for new ones, everything in ``formats.py`` for old ones.

Rules: OWASP Password Storage (Argon2id of at least 19 MiB and two passes), RFC 9106, NIST SP 800-63B-4 §3.1.1.2 (a
salt, a cost that rises, an extra keyed step with a key kept elsewhere). This module computes and nothing else: no
threads, no database; ``pool.py`` brings it off the event loop.

The extra step, the *pepper*, comes after hashing, so that it can be put around hashes whose passwords nobody knows::

    $argon2id$v=19$m=19456,t=2,p=1$SALT$DIGEST
    $doorward-pepper$k=5f0c9a21,l=32$MAC$$argon2id$v=19$m=19456,t=2,p=1$SALT$

MAC is HMAC-SHA-256 of the digest under a key derived from the pepper that ``k`` names; the digest itself is gone. ``l``
is its length in bytes, and what follows the next ``$`` is the hash's own settings, still readable. Several keys
(``k=5f0c9a21.77ab03de``) mean that the MACs were put around each other in that order.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from argon2.exceptions import HashingError

from doorward.core.clock import Entropy, system_entropy
from doorward.core.secret import SecretRing
from doorward.errors import Finding, Misconfigured, Overloaded
from doorward.passwords import formats
from doorward.settings import Passwords

SALT_BYTES: Final = 16
"""RFC 9106 §3.1; NIST asks for four at least."""

DIGEST_BYTES: Final = 32
MAX_PASSWORD_BYTES: Final = 4096
"""Longer input is refused unread, everywhere (Django's long-password denial of service, 2013)."""

PEPPER_PURPOSE: Final = "password-pepper"
_PEPPERED = re.compile(
    r"\$doorward-pepper\$k=(?P<keys>[0-9a-f]{8}(?:\.[0-9a-f]{8}){0,3}),l=(?P<size>\d{1,3})"
    r"\$(?P<mac>[A-Za-z0-9_-]{43})\$(?P<settings>.{1,512})"
)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored hash that has been read: what to compute, what it must equal, which peppers lie around it."""

    recipe: formats.Recipe
    digest_bytes: int
    keys: tuple[bytes, ...]
    expected: bytes


class Hasher:
    """One configuration of password hashing. Immutable and safe to share between threads."""

    __slots__ = ("_entropy", "_ring", "_settings", "decoy")

    decoy: str
    """A hash of current parameters that no password fits, so that checking against nothing costs the same."""

    def __init__(self, settings: Passwords, *, entropy: Entropy = system_entropy) -> None:
        """Take the settings. Raises :class:`~doorward.errors.Misconfigured` for a cost beyond what is verified."""
        self._settings = settings
        self._entropy = entropy
        self._ring = SecretRing(settings.pepper) if settings.pepper else None
        self._recipe()
        self.decoy = self._make_decoy()

    @property
    def memory_bytes(self) -> int:
        """Memory that one hash takes while it is computed, in bytes."""
        return self._settings.argon2_memory * 1024 if self._settings.algorithm == "argon2id" else 4096

    def hash(self, password: str) -> str:
        """Make the text to store for a password that the policy has accepted.

        Raises ``ValueError`` for a password that no verification would ever accept (too long, a lone surrogate), and
        :class:`~doorward.errors.Overloaded` when the machine has no memory left.
        """
        secret = password.encode()
        if not self._can_take(secret):
            raise ValueError("no verification would accept this password")
        recipe = self._recipe()
        return self.wrap(formats.spell(recipe, _derive(recipe, secret, _digest_bytes(recipe))))

    def verify(self, stored: str, password: str) -> bool:
        """Tell whether a password fits a stored hash. Anything unreadable or beyond the bounds fits nothing.

        At most one hash is computed. Raises :class:`~doorward.errors.Overloaded` when the machine has no memory left,
        because then the password is not *wrong*.
        """
        known = self._read(stored)
        try:
            secret = password.encode()
        except UnicodeEncodeError:
            return False
        if known is None or len(secret) > MAX_PASSWORD_BYTES:
            return False
        result = _derive(known.recipe, secret, known.digest_bytes)
        for key in known.keys:
            result = hmac.digest(key, result, hashlib.sha256)
        fits = hmac.compare_digest(result, known.expected)
        # Asked only now, so that a password bcrypt cannot read takes as long as any other.
        return fits and (known.recipe.scheme != "bcrypt" or _bcrypt_can_read(secret))

    def needs_rehash(self, stored: str, password: str = "") -> bool:
        """Tell whether a hash should be replaced by :meth:`hash` of that password.

        Call it right after a successful log-in: no other moment holds the password. True for another scheme, other
        parameters and a pepper that is missing or not the newest; false for a password that is too long for the
        algorithm of today (bcrypt takes 72 bytes), whose owner keeps the hash there is.
        """
        if not self._can_take(password.encode()):
            return False
        known = self._read(stored)
        if known is None:
            return True
        own = self._recipe()
        newest = (self._newest_key(),) if self._ring else ()
        actual = (known.recipe.scheme, known.recipe.parameters, known.digest_bytes, known.keys)
        return actual != (own.scheme, own.parameters, _digest_bytes(own), newest)

    def is_usable(self, stored: str) -> bool:
        """Tell an importer whether a hash can ever be verified: it can be read, within bounds, with a known pepper."""
        return self._read(stored) is not None

    def is_cheaper(self, stored: str) -> bool:
        """Tell whether checking this hash takes clearly less work than one of current parameters.

        Then :meth:`HashingPool.verify` tops it up with the decoy, so that accounts with old hashes do not stand out.
        """
        known = self._read(stored)
        return known is None or known.recipe.work * 4 < self._recipe().work * 3

    def wrap(self, stored: str) -> str:
        """Put the newest pepper around a stored hash, without its password.

        For adding a pepper, or a new one after the old one leaked, to every account at once. Returns the hash as it is
        when there is no pepper, when the newest already lies outermost, or when the hash is not usable.
        """
        known = self._read(stored)
        if self._ring is None or known is None or known.keys[-1:] == (self._newest_key(),):
            return stored
        names = self._ring.newest_id.hex()
        inner = _PEPPERED.fullmatch(stored)
        if inner:
            names = f"{inner['keys']}.{names}"
        mac = hmac.digest(self._newest_key(), known.expected, hashlib.sha256)
        spelled = base64.urlsafe_b64encode(mac).decode("ascii").rstrip("=")
        return f"$doorward-pepper$k={names},l={known.digest_bytes}${spelled}${known.recipe.settings}"

    def _can_take(self, secret: bytes) -> bool:
        if self._settings.algorithm == "bcrypt" and not _bcrypt_can_read(secret):
            return False
        return len(secret) <= MAX_PASSWORD_BYTES

    def _newest_key(self) -> bytes:
        assert self._ring is not None  # noqa: S101 - asked only where there is a ring
        return self._ring.newest_key(PEPPER_PURPOSE)

    def _recipe(self) -> formats.Recipe:
        """Compose what a new hash is made with, under a fresh salt."""
        salt, settings = self._entropy(SALT_BYTES), self._settings
        if settings.algorithm == "bcrypt":
            text, size = formats.bcrypt_settings(salt, cost=settings.bcrypt_cost), formats.BCRYPT_DIGEST_BYTES
        else:
            memory, iterations = settings.argon2_memory, settings.argon2_iterations
            text, size = formats.argon2id_settings(salt, memory=memory, iterations=iterations), DIGEST_BYTES
        recipe = formats.read_settings(text, size)
        if recipe is None:
            raise Misconfigured(_TOO_MUCH_WORK)
        return recipe

    def _make_decoy(self) -> str:
        recipe = self._recipe()
        digest = base64.b64encode(self._entropy(DIGEST_BYTES))[: formats.BCRYPT_DIGEST_BYTES - 1] + b"."
        if recipe.scheme != "bcrypt":
            digest = self._entropy(DIGEST_BYTES)
        return self.wrap(formats.spell(recipe, digest.replace(b"+", b".")))

    def _read(self, stored: str) -> _Stored | None:
        """Read a stored hash and find its peppers; ``None`` if it is not usable."""
        peppered = _PEPPERED.fullmatch(stored)
        if peppered is None:
            plain = formats.read(stored)
            return _Stored(plain[0], len(plain[1]), (), plain[1]) if plain else None
        keys = [self._key(name) for name in peppered["keys"].split(".")]
        size = int(peppered["size"])
        recipe = formats.read_settings(peppered["settings"], size)
        if recipe is None or None in keys:
            return None
        known = tuple(key for key in keys if key is not None)
        return _Stored(recipe, size, known, base64.urlsafe_b64decode(peppered["mac"] + "="))

    def _key(self, name: str) -> bytes | None:
        return self._ring.key(bytes.fromhex(name), PEPPER_PURPOSE) if self._ring else None


_TOO_MUCH_WORK = Finding(
    "Password hashing is set to more work than a log-in may take.",
    "Lower passwords.argon2_memory or passwords.argon2_iterations; 'doorward passwords calibrate' proposes values.",
)


def _derive(recipe: formats.Recipe, secret: bytes, size: int) -> bytes:
    """Do the work. Running out of memory is the server's trouble, not a wrong password."""
    try:
        return recipe.derive(secret, size)
    except (HashingError, MemoryError, OSError) as error:
        raise Overloaded(f"no memory to hash a password: {type(error).__name__}", retry_after=1) from error


def _digest_bytes(recipe: formats.Recipe) -> int:
    return formats.BCRYPT_DIGEST_BYTES if recipe.scheme == "bcrypt" else DIGEST_BYTES


def _bcrypt_can_read(secret: bytes) -> bool:
    """Tell whether bcrypt sees the whole password: at most 72 bytes (CVE-2025-22228) and no NUL."""
    return len(secret) <= formats.BCRYPT_MAX_BYTES and b"\0" not in secret
