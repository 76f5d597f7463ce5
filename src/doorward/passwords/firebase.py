"""Firebase's modified scrypt, as far as a log-in needs it.

Firebase encrypts a project-wide signer key with AES-256-CTR under the scrypt of the password, and keeps the ciphertext
(https://github.com/firebase/scrypt). A ciphertext in counter mode is the key XOR a keystream that depends on the
password alone, so the importer takes the signer key out once, and what is stored here is the keystream: checking it
needs no secret of the former project, and the pepper of this one lies around it as around every other hash.
"""

from typing import Final

SCRYPT_BYTES: Final = 32
_COUNTER: Final = bytes(16)


def keystream(key: bytes, size: int) -> bytes:
    """Return the first bytes of AES-256-CTR under a key, from counter zero."""
    from cryptography.hazmat.primitives.ciphers import Cipher  # only where such hashes are
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    return Cipher(AES(key), CTR(_COUNTER)).encryptor().update(bytes(size))
