"""A secret that cannot be printed by accident, and the ring of them that an instance holds.

An instance has one or more secrets of at least 32 bytes, the newest last: the newest makes, all of them check.
Each purpose gets its own key by HKDF-Expand (RFC 5869 §2.3), so that what was made for one purpose never passes for
another (Keycloak CVE-2026-4282). Taking a secret out of the ring ends everything that was made with it.
"""

import hashlib
import hmac
from typing import Final, NoReturn

SECRET_MIN_BYTES: Final = 32
"""As long as the output of the hash, below which RFC 2104 §3 discourages HMAC keys."""

KEY_ID_BYTES: Final = 4


class Secret:
    """Bytes that must not be printed, pickled or compared carelessly."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        """Take the bytes, or the UTF-8 of a text."""
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """Hand out the bytes: the one place to look for when asking who reads secrets."""
        return self._value

    def __repr__(self) -> str:
        """Show nothing."""
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        """Hash like the bytes do."""
        return hash(self._value)

    def __len__(self) -> int:
        """Count the bytes."""
        return len(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, hence to be written somewhere by accident."""
        raise TypeError("a Secret is not pickled")


class SecretRing:
    """The instance's secrets, newest last, and the keys derived from them for each purpose."""

    __slots__ = ("_by_id", "_derived", "newest_id")

    def __init__(self, secrets: tuple[Secret, ...]) -> None:
        """Take the secrets in their order of age.

        Raises ``ValueError`` when there is none, or when two share a key id (the same secret twice).
        """
        if not secrets:
            raise ValueError("a ring needs at least one secret")
        self._by_id = {key_id(secret): secret for secret in secrets}
        if len(self._by_id) != len(secrets):
            raise ValueError("the same secret is listed twice")
        self.newest_id = key_id(secrets[-1])
        self._derived: dict[tuple[bytes, str], bytes] = {}

    def key(self, identifier: bytes, purpose: str) -> bytes | None:
        """Return the 32-byte key of a purpose, or ``None`` where no secret has that id any more."""
        secret = self._by_id.get(identifier)
        return None if secret is None else self._derive(identifier, secret, purpose)

    def newest_key(self, purpose: str) -> bytes:
        """Return the 32-byte key with which new things of a purpose are made."""
        return self._derive(self.newest_id, self._by_id[self.newest_id], purpose)

    def _derive(self, identifier: bytes, secret: Secret, purpose: str) -> bytes:
        known = self._derived.get((identifier, purpose))
        if known is None:
            known = self._derived[identifier, purpose] = derive(secret, purpose)
        return known


def derive(secret: Secret, purpose: str) -> bytes:
    """Derive the key of one purpose: HKDF-Expand (RFC 5869 §2.3) of a secret that is already uniformly random."""
    return hmac.digest(secret.reveal(), b"doorward/" + purpose.encode() + b"\x01", hashlib.sha256)


def key_id(secret: Secret) -> bytes:
    """Name a secret without telling anything of it."""
    return derive(secret, "key-id")[:KEY_ID_BYTES]
