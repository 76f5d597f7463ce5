"""Typed keys: a key is an object that carries exactly one algorithm, never a text that is guessed at.

Every library that recognised key material by its looks was led to take a public key for an HMAC secret (PyJWT
CVE-2022-29217 and CVE-2026-48526, python-jose CVE-2024-33663). Here a key is read once, from a JWK (RFC 7517) or from
our own PKCS #8, with its algorithm beside it; whatever is weak or odd is refused then. What a token says about its key
is not known here.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from doorward.errors import InvalidToken
from doorward.jose import algorithms
from doorward.jose.algorithms import Algorithm, PrivateKey, PublicKey
from doorward.jose.spelling import base64url_encode, write_json

MAX_KEYS: Final = 32
"""Keys in one set. A rotation needs three."""

_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6.2.2, §6.3.2, §6.4


def is_kid(value: object) -> bool:
    """Tell whether a value has the form of a key id. It says nothing about existence."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, eq=False)
class VerifyingKey:
    """The checking half of a signing key: its id and exactly one algorithm. Immutable."""

    kid: str
    _public: PublicKey = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse an id that would have to be escaped somewhere."""
        if not is_kid(self.kid):
            raise ValueError("kid is not 1 to 64 characters of A-Z a-z 0-9 _ -")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "VerifyingKey":
        """Read a public JWK. Call it when keys are configured or fetched, never for a key found in a token.

        Raises ``ValueError`` with a fixed text unless the key names one known algorithm that fits it (RFC 7517 §4.4;
        without ``alg`` the token would choose: Hono CVE-2026-22817), is meant for signatures, has no private member
        and is not weak (``doorward.jose.weakness``).
        """
        kid, kind = jwk.get("kid"), _kind(jwk.get("alg"))
        if not isinstance(kid, str):
            raise ValueError("kid is missing")
        if not _PRIVATE_MEMBERS.isdisjoint(jwk):
            raise ValueError("a private or symmetric key does not belong here")
        if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
            raise ValueError("the key is not meant for verifying signatures")
        return cls(kid, kind.from_members(jwk))

    @property
    def algorithm(self) -> Algorithm:
        """The one algorithm of this key (RFC 8725 §3.1)."""
        return self._public.algorithm

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return if the signature is of this key over this message; raise ``InvalidToken`` if not."""
        try:
            self._public.verify(message, signature)
        except InvalidSignature:
            raise InvalidToken("signature") from None

    def to_jwk(self) -> dict[str, str]:
        """Write the public JWK with ``kid``, ``alg`` and ``use``."""
        return {**self._public.members(), "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key that makes signatures of one algorithm; its id is its RFC 7638 thumbprint. Immutable."""

    public: VerifyingKey
    _private: PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, algorithm: Algorithm) -> "SigningKey":
        """Make a key with the operating system's generator: P-256, Ed25519, or RSA with 3072 bits."""
        return cls._of(algorithms.generate(algorithm))

    @classmethod
    def from_pkcs8(cls, der: bytes, algorithm: Algorithm) -> "SigningKey":
        """Read an unencrypted PKCS #8 key (RFC 5958). Raises ``ValueError`` unless it is strong and fits."""
        try:
            private = load_der_private_key(der, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, PrivateKey):
            raise ValueError("not a private key of a known kind")
        key = cls._of(private)
        if key.algorithm != algorithm:
            raise ValueError("the private key does not belong to the algorithm")
        return key

    @classmethod
    def _of(cls, private: PrivateKey) -> "SigningKey":
        public = algorithms.public_key(private)
        return cls(VerifyingKey(thumbprint(public), public), private)

    @property
    def kid(self) -> str:
        """The key id that tokens carry."""
        return self.public.kid

    @property
    def algorithm(self) -> Algorithm:
        """The one algorithm of this key."""
        return self.public.algorithm

    def sign(self, message: bytes) -> bytes:
        """Sign. ES256 gives r ‖ s (64 bytes), EdDSA 64 bytes, RS256 as many as the modulus has."""
        return algorithms.sign(self._private, message)

    def to_pkcs8(self) -> bytes:
        """Write the private key, unencrypted: to be encrypted with the instance's secret before it is kept."""
        return self._private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class KeySet:
    """Verifying keys by id, in memory. Immutable: a rotation makes another set."""

    __slots__ = ("_by_kid",)

    def __init__(self, keys: Iterable[VerifyingKey]) -> None:
        """Take the keys of one issuer. Raises ``ValueError`` when two share an id, or when there are too many."""
        listed = list(keys)
        self._by_kid = {key.kid: key for key in listed}
        if len(self._by_kid) != len(listed):
            raise ValueError("two keys share a kid")
        if len(listed) > MAX_KEYS:
            raise ValueError("too many keys")

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, object]) -> "KeySet":
        """Read a JWK Set (RFC 7517 §5). One key that is refused refuses the set. Raises ``ValueError``."""
        keys = jwks.get("keys")
        if not isinstance(keys, list) or len(keys) > MAX_KEYS or not all(isinstance(key, Mapping) for key in keys):
            raise ValueError("keys is not a list of a few JWKs")
        return cls(VerifyingKey.from_jwk(key) for key in keys)

    def to_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Write the JWK Set that is published: public members only."""
        return {"keys": [key.to_jwk() for key in self]}

    def get(self, kid: str) -> VerifyingKey | None:
        """Find a key by its exact id."""
        return self._by_kid.get(kid)

    def __iter__(self) -> Iterator[VerifyingKey]:
        """Go through the keys in the order given."""
        return iter(self._by_kid.values())

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._by_kid)


def thumbprint(public: PublicKey) -> str:
    """Name a key by what it is (RFC 7638): base64url of the SHA-256 of its required members in lexical order."""
    return base64url_encode(hashlib.sha256(write_json(dict(sorted(public.members().items())))).digest())


def _kind(alg: object) -> type[algorithms.P256PublicKey | algorithms.Ed25519PublicKey | algorithms.RSAPublicKey]:
    kind = algorithms.PUBLIC_KEYS.get(alg) if isinstance(alg, str) else None
    if kind is None:
        raise ValueError("alg is missing or not one of ES256, EdDSA, RS256")
    return kind
