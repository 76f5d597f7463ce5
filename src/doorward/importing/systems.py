"""The exports of other systems, one function each: a record of theirs to a person of ours. Pure.

Hashes become the text that ``passwords/formats.py`` reads; whether it is within bounds is asked there.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.importing.model import Convert, NotImportable, Person, flag, moment, nested, text, without_nothing, words

_FIREBASE_PARAMETER: Final = re.compile(
    r"\b(base64_signer_key|base64_salt_separator|rounds|mem_cost)\s*[:=]\s*\"?([^\s,\"}]+)"
)
_ALGORITHMS: Final = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}


@dataclass(frozen=True, slots=True)
class FirebaseParameters:
    """A project's password hash parameters, from its console. The signer key is needed once and stored nowhere."""

    signer_key: bytes = field(repr=False)
    salt_separator: bytes
    rounds: int
    mem_cost: int

    @classmethod
    def read(cls, written: str) -> "FirebaseParameters":
        """Read the block ``hash_config { … }`` as the console shows it. Raises :class:`NotImportable`."""
        found = dict(_FIREBASE_PARAMETER.findall(written))
        try:
            return cls(
                signer_key=_bytes(found["base64_signer_key"]),
                salt_separator=_bytes(found["base64_salt_separator"]),
                rounds=int(found["rounds"]),
                mem_cost=int(found["mem_cost"]),
            )
        except (KeyError, ValueError):
            raise NotImportable("the parameters lack signer key, salt separator, rounds or mem_cost") from None


def plain(raw: Mapping[str, Any]) -> Person:
    """Read our own columns or members, those of the how-to page."""
    return Person(
        email=text(raw, "email"),
        stored=text(raw, "password_hash") or None,
        former_id=text(raw, "id"),
        email_verified=flag(raw, "email_verified"),
        username=text(raw, "username") or None,
        profile=nested(raw, "profile"),
        roles=words(raw, "roles"),
        created_at=moment(raw, "created_at"),
        disabled=flag(raw, "disabled"),
    )


def django(raw: Mapping[str, Any]) -> Person:
    """Read ``manage.py dumpdata auth.user``, of one's own user model too, or a table ``auth_user``."""
    fields = raw.get("fields", raw)
    if not isinstance(fields, Mapping):
        raise NotImportable("fields is not an object")
    stored = text(fields, "password")
    return Person(
        email=text(fields, "email"),
        stored=None if stored.startswith("!") else stored or None,  # "!" marks an unusable password
        former_id=text(raw, "pk", "id"),
        username=text(fields, "username") or None,
        profile=without_nothing(first_name=text(fields, "first_name"), last_name=text(fields, "last_name")),
        roles=_roles(superuser=flag(fields, "is_superuser"), staff=flag(fields, "is_staff")),
        created_at=moment(fields, "date_joined"),
        disabled=not flag(fields, "is_active", default=True),
    )


def fastapi_users(raw: Mapping[str, Any]) -> Person:
    """Read the table ``user`` of fastapi-users."""
    return Person(
        email=text(raw, "email"),
        stored=text(raw, "hashed_password") or None,
        former_id=text(raw, "id"),
        email_verified=flag(raw, "is_verified"),
        roles=_roles(superuser=flag(raw, "is_superuser")),
        created_at=moment(raw, "created_at"),
        disabled=not flag(raw, "is_active", default=True),
    )


def keycloak(raw: Mapping[str, Any]) -> Person:
    """Read a user of a realm export (``kc.sh export --users``)."""
    attributes = nested(raw, "attributes")
    return Person(
        email=text(raw, "email"),
        stored=_keycloak_hash(raw),
        former_id=text(raw, "id"),
        email_verified=flag(raw, "emailVerified"),
        username=text(raw, "username") or None,
        profile=without_nothing(
            first_name=text(raw, "firstName"), last_name=text(raw, "lastName"), attributes=attributes
        ),
        roles=words(raw, "realmRoles"),
        created_at=moment(raw, "createdTimestamp"),
        disabled=not flag(raw, "enabled", default=True),
    )


def auth0(raw: Mapping[str, Any]) -> Person:
    """Read a line of Auth0's export with password hashes, or of its import schema."""
    custom = nested(raw, "custom_password_hash")
    stored = text(raw, "passwordHash", "password_hash") or text(nested(custom, "hash"), "value")
    identifier = raw.get("_id")
    return Person(
        email=text(raw, "email"),
        stored=stored or None,
        former_id=text(raw, "user_id", "id") or (text(identifier, "$oid") if isinstance(identifier, Mapping) else ""),
        email_verified=flag(raw, "email_verified"),
        username=text(raw, "username") or None,
        profile=without_nothing(
            name=text(raw, "name"),
            given_name=text(raw, "given_name"),
            family_name=text(raw, "family_name"),
            nickname=text(raw, "nickname"),
            picture=text(raw, "picture"),
            user_metadata=nested(raw, "user_metadata"),
        ),
        created_at=moment(raw, "created_at"),
        disabled=flag(raw, "blocked"),
    )


def supabase(raw: Mapping[str, Any]) -> Person:
    """Read the table ``auth.users`` of Supabase."""
    if text(raw, "deleted_at"):
        raise NotImportable("the account was deleted there")
    return Person(
        email=text(raw, "email"),
        stored=text(raw, "encrypted_password") or None,
        former_id=text(raw, "id"),
        email_verified=bool(text(raw, "email_confirmed_at", "confirmed_at")),
        profile=nested(raw, "raw_user_meta_data"),
        created_at=moment(raw, "created_at"),
        disabled=bool(text(raw, "banned_until")),
    )


def firebase(parameters: FirebaseParameters) -> Convert:
    """Read a user of ``firebase auth:export --format=json``; the hashes need the project's parameters."""

    def convert(raw: Mapping[str, Any]) -> Person:
        hashed, salt = text(raw, "passwordHash"), text(raw, "salt")
        return Person(
            email=text(raw, "email"),
            stored=_firebase_hash(hashed, salt, parameters) if hashed else None,
            former_id=text(raw, "localId"),
            email_verified=flag(raw, "emailVerified"),
            profile=without_nothing(name=text(raw, "displayName"), picture=text(raw, "photoUrl")),
            created_at=moment(raw, "createdAt"),
            disabled=flag(raw, "disabled"),
        )

    return convert


SYSTEMS: Final[Mapping[str, Convert]] = {
    "csv": plain,
    "jsonl": plain,
    "django": django,
    "fastapi-users": fastapi_users,
    "keycloak": keycloak,
    "auth0": auth0,
    "supabase": supabase,
}
"""Format → how a record of it is read; ``firebase`` needs parameters and is made by :func:`firebase`."""


def _roles(**flags: bool) -> tuple[str, ...]:
    return tuple(name for name, is_set in flags.items() if is_set)


def _keycloak_hash(raw: Mapping[str, Any]) -> str | None:
    credentials = raw.get("credentials")
    if not isinstance(credentials, list):
        return None
    for credential in credentials:
        if isinstance(credential, Mapping) and credential.get("type") == "password":
            return _keycloak_credential(nested(credential, "credentialData"), nested(credential, "secretData"))
    return None


def _keycloak_credential(data: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    algorithm, rounds = text(data, "algorithm"), text(data, "hashIterations")
    salt, value = _b64(_bytes(text(secret, "salt"))), _b64(_bytes(text(secret, "value")))
    if algorithm in _ALGORITHMS:
        return f"$pbkdf2-{_ALGORITHMS[algorithm]}${rounds}${salt}${value}"
    if algorithm == "argon2":
        further = nested(data, "additionalParameters")
        kind, memory, lanes = (_single(further, name) for name in ("type", "memory", "parallelism"))
        version = {"1.0": "16", "1.3": "19"}.get(_single(further, "version"), "19")
        return f"$argon2{kind}$v={version}$m={memory},t={rounds},p={lanes}${salt}${value}"
    raise NotImportable("the hash is of an algorithm that is not known here")


def _single(parameters: Mapping[str, Any], name: str) -> str:
    """Read one of Keycloak's parameters, each of which is a list."""
    value = parameters.get(name)
    return str(value[0]) if isinstance(value, list) and len(value) == 1 else ""


def _firebase_hash(hashed: str, salt: str, parameters: FirebaseParameters) -> str:
    """Take the signer key out of a hash: what remains depends on the password alone (``passwords/firebase.py``)."""
    ciphertext, key = _bytes(hashed), parameters.signer_key
    if len(ciphertext) != len(key):
        raise NotImportable("the hash is not of this project: its length is another one")
    keystream = bytes(a ^ b for a, b in zip(ciphertext, key, strict=True))
    whole = _bytes(salt) + parameters.salt_separator
    return f"$firebase-scrypt$ln={parameters.mem_cost},r={parameters.rounds},p=1${_b64(whole)}${_b64(keystream)}"


def _bytes(written: str) -> bytes:
    """Decode base64 in either alphabet, with or without padding. Raises :class:`NotImportable`."""
    bare = written.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotImportable("a hash or a salt is not base64") from None


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii").rstrip("=")
