"""Stored password hashes as text: read, bounded, and turned into work that can be done.

Besides the hashes made here (Argon2id, bcrypt), those of other systems are read so that their people can move in
without a new password: PHC strings of Argon2, scrypt and PBKDF2, crypt's bcrypt, passlib's PBKDF2, and the formats of
Django, Werkzeug and Firebase. A stored hash is somebody else's input until it has been read: an imported hash that asks
for 4 GiB is an attack on the server that checks it. So every parameter is bounded before any work, and whatever cannot
be read or asks for too much is ``None``, never an exception.

Reading gives a :class:`Recipe`: which scheme, which parameters, which salt. It refuses to know about peppers, threads
and policy.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import bcrypt
from argon2.low_level import Type, hash_secret_raw

from doorward.passwords.firebase import SCRYPT_BYTES, keystream

MAX_STORED_LENGTH: Final = 512
"""Characters of a stored hash. The longest known to be in use, Django's Argon2 with a 64-byte digest, has about 190."""

MAX_MEMORY_KIB: Final = 1024 * 1024
"""1 GiB for one hash; also the most that ``passwords.argon2_memory`` accepts."""

MAX_ARGON2_WORK: Final = 8 * MAX_MEMORY_KIB
"""KiB filled in all passes together: about six seconds of a 2020s core."""

MAX_ARGON2_LANES: Final = 16
MAX_PBKDF2_ROUNDS: Final = 10_000_000
"""HMAC rounds over all output blocks: about four seconds. OWASP asks for 600,000 (SHA-256) or 1,400,000 (SHA-1)."""

MAX_SCRYPT_WORK: Final = 1 << 23
"""N·r·p: OWASP's strongest choice is 2^17·8·1 = 2^20. It bounds the memory, 128·N·r bytes, to 1 GiB as well."""

MAX_SCRYPT_FACTOR: Final = 32
"""r and p: in use are 8 and at most 16. With a small N and large ones, the PBKDF2 around scrypt takes all the time."""

MAX_BCRYPT_COST: Final = 16
BCRYPT_MAX_BYTES: Final = 72
"""What follows is ignored by the algorithm itself (CVE-2025-22228), so such passwords are never accepted."""

MIN_DIGEST_BYTES: Final = 16
MAX_DIGEST_BYTES: Final = 128
BCRYPT_DIGEST_BYTES: Final = 31
"""A bcrypt digest stays in crypt's own base64: 31 characters for 23 bytes."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a digest is made of a password: everything in a stored hash except the digest.

    ``settings`` is the text that :func:`read_settings` reads back. ``work`` is a rough count of microseconds on the
    machine that security.md measured, good for comparing two recipes and nothing else.
    """

    scheme: str
    parameters: tuple[int, ...]
    settings: str
    work: int
    derive: Callable[[bytes, int], bytes]


def read(stored: str) -> tuple[Recipe, bytes] | None:
    """Read a stored hash into its recipe and its digest, or return ``None`` if it is unreadable or beyond a bound."""
    if len(stored) > MAX_STORED_LENGTH or not stored.isascii():
        return None
    for pattern, digest_of, recipe_of in _FORMATS:
        found = pattern.fullmatch(stored)
        if found is None:
            continue
        digest = digest_of(found["digest"])
        recipe = recipe_of(found)
        if digest is None or recipe is None:
            return None
        return (recipe, digest) if _fits(recipe, len(digest)) else None
    return None


def read_settings(settings: str, digest_bytes: int) -> Recipe | None:
    """Read a recipe that stands alone because its digest is kept elsewhere (see the pepper in ``hashing.py``)."""
    for filler in _fillers(digest_bytes):
        known = read(settings + filler)
        if known is not None and len(known[1]) == digest_bytes and known[0].settings == settings:
            return known[0]
    return None


def is_usable(stored: str) -> bool:
    """Tell an importer whether a hash can ever be verified here. It says nothing about its strength."""
    return read(stored) is not None


def argon2id_settings(salt: bytes, *, memory: int, iterations: int) -> str:
    """Write the settings of a new Argon2id hash with one lane, as a PHC string without its digest."""
    return f"$argon2id$v=19$m={memory},t={iterations},p=1${_b64(salt)}$"


def bcrypt_settings(salt: bytes, *, cost: int) -> str:
    """Write the settings of a new bcrypt hash: ``salt`` is 16 bytes."""
    return f"$2b${cost:02}${base64.b64encode(salt)[:22].decode().translate(_TO_BCRYPT)}"


def spell(recipe: Recipe, digest: bytes) -> str:
    """Write a hash made here: Argon2id or bcrypt."""
    return recipe.settings + (digest.decode("ascii") if recipe.scheme == "bcrypt" else _b64(digest))


# --- digests ---------------------------------------------------------------------------------------------------------

_STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_BCRYPT = str.maketrans(_STANDARD, _CRYPT)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii").rstrip("=")


def _from_b64(text: str) -> bytes | None:
    """Decode base64 with or without padding, also passlib's spelling with ``.`` in the place of ``+``."""
    bare = text.rstrip("=").replace(".", "+")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return None


def _from_hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if len(text) % 2 == 0 else None


def _from_crypt(text: str) -> bytes:
    return (text[:-1] + _without_padding_bits(text[-1], bits=2)).encode("ascii")


def _without_padding_bits(character: str, *, bits: int) -> str:
    """Clear the bits that decode to nothing: some old libraries wrote them at random (passlib's "padding bits")."""
    return _CRYPT[_CRYPT.index(character) >> bits << bits]


def _fits(recipe: Recipe, digest_bytes: int) -> bool:
    if recipe.scheme in {"bcrypt", "bcrypt_sha256"}:
        return digest_bytes == BCRYPT_DIGEST_BYTES
    if not MIN_DIGEST_BYTES <= digest_bytes <= MAX_DIGEST_BYTES:
        return False
    blocks = -(-digest_bytes // _PBKDF2_BYTES.get(recipe.scheme, MAX_DIGEST_BYTES))
    return recipe.scheme not in _PBKDF2_BYTES or recipe.parameters[0] * blocks <= MAX_PBKDF2_ROUNDS


def _fillers(digest_bytes: int) -> Iterator[str]:
    """Digests of that length in each of the three spellings."""
    yield _b64(bytes(digest_bytes))
    yield "00" * digest_bytes
    yield "." * digest_bytes


# --- schemes ---------------------------------------------------------------------------------------------------------

_PBKDF2_BYTES: Final = {"pbkdf2-sha1": 20, "pbkdf2-sha256": 32, "pbkdf2-sha512": 64}
_PBKDF2_NANOSECONDS: Final = {"sha1": 270, "sha256": 390, "sha512": 860}
_ARGON2_TYPES: Final = {"i": Type.I, "d": Type.D, "id": Type.ID}


def _settings(found: re.Match[str]) -> str:
    return found.string[: found.start("digest")]


def _argon2(found: re.Match[str]) -> Recipe | None:
    memory, iterations, lanes = int(found["memory"]), int(found["iterations"]), int(found["lanes"])
    version = int(found["version"] or 16)
    salt = _from_b64(found["salt"])
    if salt is None or len(salt) < 8 or not 1 <= lanes <= MAX_ARGON2_LANES or iterations < 1:
        return None
    if not 8 * lanes <= memory <= MAX_MEMORY_KIB or memory * iterations > MAX_ARGON2_WORK:
        return None
    kind = _ARGON2_TYPES[found["type"]]

    def derive(password: bytes, size: int) -> bytes:
        return hash_secret_raw(password, salt, iterations, memory, lanes, size, kind, version)

    parameters = (memory, iterations, lanes, version, len(salt))
    return Recipe(f"argon2{found['type']}", parameters, _settings(found), memory * iterations * 2 // 3, derive)


def _bcrypt(found: re.Match[str]) -> Recipe | None:
    cost = int(found["cost"])
    if not 4 <= cost <= MAX_BCRYPT_COST:
        return None
    salt = found["salt"][:-1] + _without_padding_bits(found["salt"][-1], bits=4)
    config = f"$2b${cost:02}${salt}".encode()
    prehashed = found["wrapper"] == "bcrypt_sha256$"

    def derive(password: bytes, size: int) -> bytes:
        material = hashlib.sha256(password).hexdigest().encode() if prehashed else password
        return bcrypt.hashpw(material[:BCRYPT_MAX_BYTES], config)[-size:]

    return Recipe("bcrypt_sha256" if prehashed else "bcrypt", (cost,), _settings(found), 61 << cost, derive)


def _pbkdf2(found: re.Match[str], salt: bytes | None) -> Recipe | None:
    rounds, name = int(found["rounds"]), found["hash"] or "sha1"
    if not salt or not 1 <= rounds <= MAX_PBKDF2_ROUNDS:
        return None

    def derive(password: bytes, size: int) -> bytes:
        return hashlib.pbkdf2_hmac(name, password, salt, rounds, size)

    work = rounds * _PBKDF2_NANOSECONDS[name] // 1000
    return Recipe(f"pbkdf2-{name}", (rounds,), _settings(found), work, derive)


def _scrypt(found: re.Match[str], salt: bytes | None, n: int) -> Recipe | None:
    r, p = int(found["r"]), int(found["p"])
    if not salt or n < 2 or n & (n - 1) or n * r * p > MAX_SCRYPT_WORK:
        return None
    if not (1 <= r <= MAX_SCRYPT_FACTOR and 1 <= p <= MAX_SCRYPT_FACTOR):
        return None
    memory = 128 * r * (n + p + 2)

    def derive(password: bytes, size: int) -> bytes:
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=size)

    return Recipe("scrypt", (n, r, p), _settings(found), n * r * p * 46 // 100, derive)


def _scrypt_phc(found: re.Match[str]) -> Recipe | None:
    exponent = int(found["exponent"])
    return _scrypt(found, _from_b64(found["salt"]), 1 << exponent) if exponent < 32 else None


def _firebase(found: re.Match[str]) -> Recipe | None:
    plain = _scrypt_phc(found)
    if plain is None:
        return None

    def derive(password: bytes, size: int) -> bytes:
        return keystream(plain.derive(password, SCRYPT_BYTES), size)

    return replace(plain, scheme="firebase-scrypt", derive=derive)


_DIGEST64 = r"(?P<digest>[A-Za-z0-9+/.]+={0,2})"
_DIGEST16 = r"(?P<digest>[0-9a-f]+)"
_PHC_SALT = r"(?P<salt>[A-Za-z0-9+/.]{1,128})"
_TEXT_SALT = r"(?P<salt>[^$]{1,128})"

_Reader = Callable[[re.Match[str]], Recipe | None]
_FORMATS: Final[tuple[tuple[re.Pattern[str], Callable[[str], bytes | None], _Reader], ...]] = (
    # PHC string, RFC 9106; "argon2" in front is Django's.
    (
        re.compile(
            r"(?:argon2)?\$argon2(?P<type>id|i|d)(?:\$v=(?P<version>16|19))?"
            r"\$m=(?P<memory>\d{1,9}),t=(?P<iterations>\d{1,9}),p=(?P<lanes>\d{1,5})\$" + _PHC_SALT + r"\$" + _DIGEST64
        ),
        _from_b64,
        _argon2,
    ),
    # crypt(3); the words in front are Django's. $2x$ marks hashes of a broken implementation and is not read.
    (
        re.compile(
            r"(?P<wrapper>bcrypt_sha256\$|bcrypt\$|)\$2[aby]\$(?P<cost>\d\d)\$"
            r"(?P<salt>[A-Za-z0-9./]{22})(?P<digest>[A-Za-z0-9./]{31})"
        ),
        _from_crypt,
        _bcrypt,
    ),
    # Django.
    (
        re.compile(r"pbkdf2_(?P<hash>sha1|sha256)\$(?P<rounds>\d{1,9})\$" + _TEXT_SALT + r"\$" + _DIGEST64),
        _from_b64,
        lambda found: _pbkdf2(found, found["salt"].encode()),
    ),
    (
        re.compile(
            r"scrypt\$(?P<n>\d{1,9})\$" + _TEXT_SALT + r"\$(?P<r>\d{1,5})\$(?P<p>\d{1,5})\$" + _DIGEST64,
        ),
        _from_b64,
        lambda found: _scrypt(found, found["salt"].encode(), int(found["n"])),
    ),
    # passlib, and the PHC spelling with i= and l=.
    (
        re.compile(
            r"\$pbkdf2(?:-(?P<hash>sha1|sha256|sha512))?\$(?:i=)?(?P<rounds>\d{1,9})(?:,l=\d{1,3})?\$"
            + _PHC_SALT
            + r"\$"
            + _DIGEST64
        ),
        _from_b64,
        lambda found: _pbkdf2(found, _from_b64(found["salt"])),
    ),
    (
        re.compile(
            r"\$scrypt\$ln=(?P<exponent>\d{1,2}),r=(?P<r>\d{1,5}),p=(?P<p>\d{1,5})\$" + _PHC_SALT + r"\$" + _DIGEST64
        ),
        _from_b64,
        _scrypt_phc,
    ),
    # Firebase, without its signer key; the importer writes it (see firebase.py).
    (
        re.compile(
            r"\$firebase-scrypt\$ln=(?P<exponent>\d{1,2}),r=(?P<r>\d{1,5}),p=(?P<p>1)\$" + _PHC_SALT + r"\$" + _DIGEST64
        ),
        _from_b64,
        _firebase,
    ),
    # Werkzeug, hence Flask.
    (
        re.compile(r"pbkdf2:(?P<hash>sha1|sha256|sha512):(?P<rounds>\d{1,9})\$" + _TEXT_SALT + r"\$" + _DIGEST16),
        _from_hex,
        lambda found: _pbkdf2(found, found["salt"].encode()),
    ),
    (
        re.compile(r"scrypt:(?P<n>\d{1,9}):(?P<r>\d{1,5}):(?P<p>\d{1,5})\$" + _TEXT_SALT + r"\$" + _DIGEST16),
        _from_hex,
        lambda found: _scrypt(found, found["salt"].encode(), int(found["n"])),
    ),
)
