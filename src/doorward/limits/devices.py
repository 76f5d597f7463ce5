"""Devices that an account knows: a token that a log-in leaves behind, which opens nothing and keeps a place free.

Whoever has it is counted apart from strangers, so an attack from elsewhere, or from the same office, keeps no owner
out. It is an opaque value under a MAC that covers the account and the version of its password: it tells nobody whose it
is, counts for no other account, and is worthless after a change of password. Nothing is stored.

A browser gets it as the cookie ``__Host-doorward-device``; a program as the header ``Doorward-Device``, and sends it
back as such when it logs in again.
"""

from typing import Final

from doorward.core.opaque import HANDLE_BYTES, Opaque, seal, unseal
from doorward.foundation import Foundation

PREFIX: Final = "dwd_"
"""Purpose of the token; it never passes as a session or a refresh token."""

_NOBODY: Final = "acc_nobody"


class Devices:
    """Makes and recognises the tokens of devices."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what is needed."""
        self._ring = foundation.ring
        self._clock = foundation.clock
        self._entropy = foundation.entropy
        self._lifetime = foundation.settings.limits.device_lifetime

    def token(self, account_id: str, *, version: int, device: bytes | None) -> str:
        """Write the token after a log-in: for the device that was recognised, or for a new one."""
        opaque = Opaque(device or self._entropy(HANDLE_BYTES), self._clock())
        return seal(self._ring, PREFIX, opaque, bound_to=_binding(account_id, version))

    def recognise(self, token: str, account_id: str | None, *, version: int) -> bytes | None:
        """Return the id of a device that the account knows, or ``None``.

        Where there is no account the same work is done for nothing, so that the time tells nothing.
        """
        opaque = unseal(self._ring, PREFIX, token, bound_to=_binding(account_id or _NOBODY, version))
        if opaque is None or self._clock() >= opaque.generation + self._lifetime:
            return None
        return opaque.handle


def _binding(account_id: str, version: int) -> bytes:
    return f"{version}\0{account_id}".encode()
