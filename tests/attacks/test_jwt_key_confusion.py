"""One key taken for another kind of key.

Rows 2, 3, 14 and 40: CVE-2017-11424, CVE-2022-29217, CVE-2026-48526, CVE-2026-102268, -102271, -102272, -102273 and
CVE-2026-48523 (PyJWT), CVE-2024-33663, CVE-2026-85394 (python-jose), CVE-2026-49852 (joserfc), CVE-2026-22817 (Hono).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from doorward.jose.keys import KeySet, SigningKey, VerifyingKey
from tests.jose.forge import ALGORITHMS, accepted, b64, header, key_set, refused, signing_key, token


def spellings_of_the_public_key(key: SigningKey) -> Mapping[str, bytes]:
    """Everything that some library has taken for an HMAC secret."""
    public = key._private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(key.public.to_jwk()).encode()
    return {
        "pem": pem,
        "pem, stripped": pem.strip(),
        "pem with tabs": pem.replace(b"\n", b"\t\n"),
        "pem with CR": pem.replace(b"\n", b"\r\n"),
        "pem in one line": pem.replace(b"\n", b""),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "openssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "jwk": jwk,
        "jwk with BOM": b"\xef\xbb\xbf" + jwk,
        "jwks": json.dumps(key_set().to_jwks()).encode(),
        "empty": b"",
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_never_an_hmac_secret(algorithm: str, alg: str) -> None:
    """Row 2: the MAC is right for whoever holds the public key, in every spelling of it."""
    key = signing_key(algorithm)
    signing_input = token(header(key, alg=alg), signature=b"")[:-1]

    for secret in spellings_of_the_public_key(key).values():
        mac = hmac.digest(secret, signing_input.encode(), getattr(hashlib, f"sha{alg[2:]}"))

        assert refused(f"{signing_input}.{b64(mac)}") == "algorithm"


def test_there_is_no_symmetric_key_class_at_all() -> None:
    """Rows 2 and 14: an octet sequence cannot become a verifying key, weak or strong, whatever it calls itself."""
    for length in (0, 16, 32, 64):
        for alg in ("HS256", "ES256", "RS256", "EdDSA", "none"):
            with pytest.raises(ValueError):
                VerifyingKey.from_jwk({"kty": "oct", "k": b64(bytes(length)), "alg": alg, "kid": "k", "use": "sig"})


@pytest.mark.parametrize("material", ["-----BEGIN PUBLIC KEY-----", b"secret", None, ("kid", "alg")])
def test_a_text_is_not_a_key(material: object) -> None:
    """Row 2: only a mapping is read, so nothing is guessed from its looks."""
    with pytest.raises((AttributeError, TypeError, ValueError)):
        VerifyingKey.from_jwk(material)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "alg",
    ["ES256", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "ES384", "ES512", "ES256K", "Ed25519", "es256"],
)
def test_a_header_must_name_the_algorithm_of_its_key(algorithm: str, alg: str) -> None:
    """Row 3: the key decides, even where the signature fits the key (JWS vectors 346 and 350)."""
    key = signing_key(algorithm)
    signed = token(header(key, alg=alg), key=key)

    if alg == algorithm:
        assert accepted(signed)
    else:
        assert refused(signed) == "algorithm"


def test_a_pss_signature_of_the_same_rsa_key_is_refused() -> None:
    """Row 3: PS256 does not pass under an RS256 key, whichever of the two the header names."""
    key = signing_key("RS256")
    for alg in ("PS256", "RS256"):
        signing_input = token(header(key, alg=alg), signature=b"")[:-1]
        pss = padding.PSS(padding.MGF1(SHA256()), 32)
        signature = key._private.sign(signing_input.encode(), pss, SHA256())

        assert refused(f"{signing_input}.{b64(signature)}") in {"algorithm", "signature"}


def test_the_algorithm_checked_is_the_algorithm_used() -> None:
    """Row 40: the key has one algorithm, and no call takes another."""
    key = signing_key().public

    assert key.to_jwk()["alg"] == key.algorithm == "ES256"
    with pytest.raises((AttributeError, TypeError)):
        key.algorithm = "RS256"  # type: ignore[misc]


@pytest.mark.parametrize(
    "alg", [..., None, "", "none", "HS256", "ES521", "ES224", "PS256", "Ed25519", "es256", ["ES256"]]
)
def test_a_key_without_a_known_algorithm_is_refused(alg: object) -> None:
    """Row 40: otherwise the token would choose (Hono CVE-2026-22817)."""
    jwk = {**signing_key().public.to_jwk(), "alg": alg}

    with pytest.raises(ValueError, match="alg is missing"):
        VerifyingKey.from_jwk({name: value for name, value in jwk.items() if value is not ...})


def test_symmetric_and_asymmetric_keys_do_not_mix() -> None:
    """JWK vector 1: a set with an octet key in it is refused as a whole."""
    mixed = [signing_key().public.to_jwk(), {"kty": "oct", "k": b64(bytes(32)), "alg": "HS256", "kid": "k"}]

    with pytest.raises(ValueError):
        KeySet.from_jwks({"keys": mixed})
