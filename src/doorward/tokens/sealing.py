"""Signing keys at rest: AES-256-GCM under a key derived from the instance's secret (ASVS 11.3.2, 13.3.1).

Layout: key id (4 bytes) ‖ nonce (12 random bytes) ‖ ciphertext and tag; the key's own id is authenticated with it, so
that two rows cannot be swapped. A handful of keys a year is sealed with each secret, far below the 2³² messages at
which random nonces become a risk (NIST SP 800-38D §8.3). Pure but for the entropy it is handed.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doorward.core.clock import Entropy
from doorward.core.secret import KEY_ID_BYTES, SecretRing

_PURPOSE: Final = "signing-key"
_NONCE_BYTES: Final = 12


def seal_key(ring: SecretRing, kid: str, pkcs8: bytes, *, entropy: Entropy) -> bytes:
    """Seal a private key (PKCS #8, DER) with the newest secret."""
    nonce = entropy(_NONCE_BYTES)
    return ring.newest_id + nonce + AESGCM(ring.newest_key(_PURPOSE)).encrypt(nonce, pkcs8, kid.encode())


def unseal_key(ring: SecretRing, kid: str, sealed: bytes) -> bytes | None:
    """Open a sealed key, or return ``None`` when its secret is gone from the ring or the row was tampered with."""
    key = ring.key(sealed[:KEY_ID_BYTES], _PURPOSE)
    if key is None:
        return None
    nonce, ciphertext = sealed[KEY_ID_BYTES : KEY_ID_BYTES + _NONCE_BYTES], sealed[KEY_ID_BYTES + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, kid.encode())
    except (InvalidTag, ValueError):
        return None


def is_sealed_with_newest(ring: SecretRing, sealed: bytes) -> bool:
    """Tell whether a key needs no new seal."""
    return sealed[:KEY_ID_BYTES] == ring.newest_id
