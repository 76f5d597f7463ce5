"""What other systems export, made with their own libraries where those are at hand."""

import base64
import hashlib
import json
from typing import Any

import bcrypt
from argon2 import PasswordHasher
from django.contrib.auth.hashers import make_password

import tests.verify.adapters.django_site  # noqa: F401 - Django is configured once a process
from tests.support.house import PASSWORD

DJANGO_ALGORITHMS = ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt")

FIREBASE_PARAMETERS = """
hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""
FIREBASE_PASSWORD = "user1password"
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
FIREBASE_SALT = "42xEC+ixf3L2lw=="
"""The sample of https://github.com/firebase/scrypt."""


def django_hash(algorithm: str, password: str = PASSWORD) -> str:
    """Hash as Django does."""
    return make_password(password, hasher=algorithm)


def bcrypt_hash(password: str = PASSWORD, prefix: bytes = b"2b") -> str:
    """Hash as Auth0, Supabase and older fastapi-users do; cheap, because it is only a vector."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, prefix=prefix if prefix != b"2y" else b"2b")).decode()


def argon2_hash(password: str = PASSWORD) -> str:
    """Hash as fastapi-users does (pwdlib), with less memory."""
    return PasswordHasher(time_cost=2, memory_cost=1024, parallelism=4).hash(password)


def keycloak_pbkdf2(algorithm: str = "pbkdf2-sha512", rounds: int = 1000) -> dict[str, Any]:
    """A credential as Keycloak keeps it."""
    name = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}[algorithm]
    salt = b"sixteen bytes!!!"
    value = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), salt, rounds, 64)
    return {
        "type": "password",
        "secretData": json.dumps(
            {
                "value": base64.b64encode(value).decode(),
                "salt": base64.b64encode(salt).decode(),
                "additionalParameters": {},
            }
        ),
        "credentialData": json.dumps({"hashIterations": rounds, "algorithm": algorithm, "additionalParameters": {}}),
    }


def keycloak_argon2() -> dict[str, Any]:
    """A credential of Keycloak 25 and later."""
    hashed = PasswordHasher(time_cost=5, memory_cost=7168, parallelism=1, hash_len=32).hash(PASSWORD).split("$")
    pad = "=" * 2
    return {
        "type": "password",
        "secretData": json.dumps({"value": hashed[5] + pad[: -len(hashed[5]) % 4], "salt": hashed[4] + pad}),
        "credentialData": json.dumps(
            {
                "hashIterations": 5,
                "algorithm": "argon2",
                "additionalParameters": {
                    "hashLength": ["32"],
                    "memory": ["7168"],
                    "type": ["id"],
                    "version": ["1.3"],
                    "parallelism": ["1"],
                },
            }
        ),
    }
