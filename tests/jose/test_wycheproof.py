"""Project Wycheproof: raw signatures, keys, JWS and JWE. Every deviation is listed by its number; any other fails."""

import json
from typing import Any

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jws
from doorward.jose.keys import KeySet, VerifyingKey
from tests.jose.forge import b64, refused
from tests.jose.vectors import believes, cases, load

JWS = "json_web_signature_test.json"

SMALL_EXPONENT = {258, 259}
"""Valid RSA signatures under keys with the exponent 3, which FIPS 186-5 §5.4 no longer allows: the key is refused."""

ACCEPTED_JWS = {18, 33, 259, 260, 261, 262, 263, 345, 349, 378}
"""The valid tokens whose key is one of ours by its ``alg``: ES256 or RS256. The file has none with EdDSA."""

VALID_AND_REFUSED_ON_PURPOSE = {
    346: "the JWK says PS256, the header PS384: one key, one algorithm",
    350: "the same with key_ops",
    347: "the JWK says ES521, which is no registered name",
    351: "the same with key_ops",
    372: "a ? in the middle of a base64url segment",
    373: "a ? in the middle of a base64url segment",
}


def raw_key(algorithm: str, group: dict[str, Any]) -> VerifyingKey | None:
    """The key of a group of raw signatures, as a JWK made of its numbers."""
    numbers = group["publicKey"]
    if algorithm == "ES256":
        x, y = (b64(int(numbers[name], 16).to_bytes(32)) for name in ("wx", "wy"))
        return load({"kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": algorithm})
    if algorithm == "EdDSA":
        return load({"kty": "OKP", "crv": "Ed25519", "x": b64(bytes.fromhex(numbers["pk"])), "alg": algorithm})
    n, e = (b64(bytes.fromhex(numbers[name]).lstrip(b"\0")) for name in ("modulus", "publicExponent"))
    return load({"kty": "RSA", "n": n, "e": e, "alg": algorithm})


@pytest.mark.parametrize(
    ("algorithm", "name", "total", "valid", "deviations"),
    [
        ("ES256", "ecdsa_secp256r1_sha256_p1363_test.json", 262, 173, set()),
        ("EdDSA", "ed25519_test.json", 151, 88, set()),
        ("RS256", "rsa_signature_2048_sha256_test.json", 259, 9, SMALL_EXPONENT),
    ],
)
def test_raw_signatures(algorithm: str, name: str, total: int, valid: int, deviations: set[int]) -> None:
    """The one ``acceptable`` case, a missing NULL in the digest's encoding, is refused."""
    expected = {case["tcId"] for _, case in cases(name) if case["result"] == "valid"}
    believed = set()

    for group, case in cases(name):
        key = raw_key(algorithm, group)
        try:
            assert key is not None
            key.verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
        except (AssertionError, InvalidToken):
            continue
        believed.add(case["tcId"])

    assert (len(cases(name)), len(expected)) == (total, valid)
    assert expected - believed == deviations
    assert believed - expected == set()


def test_every_key_of_the_raw_vectors_loads_but_those_with_a_small_exponent() -> None:
    """Otherwise an invalid signature would be refused for a wrong reason."""
    for algorithm, name in (
        ("ES256", "ecdsa_secp256r1_sha256_p1363_test.json"),
        ("EdDSA", "ed25519_test.json"),
        ("RS256", "rsa_signature_2048_sha256_test.json"),
    ):
        unloaded = {case["tcId"] for group, case in cases(name) if raw_key(algorithm, group) is None}

        assert unloaded == (SMALL_EXPONENT if algorithm == "RS256" else set())


def jws_key(group: dict[str, Any]) -> VerifyingKey | None:
    """The public key of a group of tokens; there is none where it is symmetric."""
    return load(group["public"]) if "public" in group else None


def test_tokens_below_the_rules_for_headers() -> None:
    """401 cases: exactly the valid ones whose key is an ES256 or RS256 key are believed."""
    believed = {
        case["tcId"]
        for group, case in cases(JWS)
        if (key := jws_key(group)) is not None and isinstance(case["jws"], str) and believes(key, case["jws"])
    }

    assert len(cases(JWS)) == 401
    assert believed == ACCEPTED_JWS


def test_valid_tokens_are_refused_for_their_algorithm_or_on_purpose_and_for_nothing_else() -> None:
    """The other valid ones have keys of algorithms that we do not speak, or stand in the list above."""
    refused_though_valid = {
        case["tcId"]: (group.get("public") or group["private"])["alg"]
        for group, case in cases(JWS)
        if case["result"] == "valid" and case["tcId"] not in ACCEPTED_JWS
    }
    strangers = {"HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS384", "RS512", "ES384", "ES512", "ES521"}

    assert set(refused_though_valid.values()) <= strangers
    assert VALID_AND_REFUSED_ON_PURPOSE.keys() <= refused_though_valid.keys()
    assert len(ACCEPTED_JWS) + len(refused_though_valid) == 46


@pytest.mark.parametrize("number", [360, 361, 362, 363, 364, 365, 366, 368, 369, 371, 372, 373])
def test_foreign_characters_are_refused_before_the_key_matters(number: int) -> None:
    """The alphabet of RFC 7515 §2 has no space, ? or #; the file calls 372 and 373 valid."""
    (token,) = (case["jws"] for _, case in cases(JWS) if case["tcId"] == number)

    with pytest.raises(InvalidToken) as caught:
        jws.split(token)

    assert caught.value.why == "alphabet"


@pytest.mark.parametrize("number", [374, 375])
def test_unused_bits_are_refused_before_the_key_matters(number: int) -> None:
    """AB and AA would be the same byte."""
    (token,) = (case["jws"] for _, case in cases(JWS) if case["tcId"] == number)

    with pytest.raises(InvalidToken) as caught:
        jws.split(token)

    assert caught.value.why == "encoding"


def test_two_invalid_tokens_of_the_file_are_its_valid_one() -> None:
    """367 and 370 are about padding and have lost it: they are 357, character by character.

    So they prove nothing about padding, for us or for any library; ``tests/attacks/test_jwt_base64_spelling.py`` does.
    """
    by_number = {case["tcId"]: case for _, case in cases(JWS)}

    assert by_number[367]["jws"] == by_number[370]["jws"] == by_number[357]["jws"]
    assert (by_number[367]["result"], by_number[370]["result"], by_number[357]["result"]) == (
        "invalid",
        "invalid",
        "valid",
    )


@pytest.mark.parametrize("number", [353, 354, 355, 356])
def test_keys_for_encryption_are_refused(number: int) -> None:
    """They have no ``alg`` either, so it is set here to see the use itself refused."""
    (group,) = (group for group, case in cases(JWS) if case["tcId"] == number)
    algorithm = {"RSA": "RS256", "EC": "ES256"}[group["public"]["kty"]]

    with pytest.raises(ValueError, match="not meant for verifying"):
        VerifyingKey.from_jwk({**group["public"], "alg": algorithm})


def test_every_invalid_token_is_refused_by_the_whole_verifier_too() -> None:
    """With every key of the file that can be loaded in the set, under its own id where two do not share it."""
    loadable = {
        group["public"]["kid"]: VerifyingKey.from_jwk(group["public"])
        for group, _ in cases(JWS)
        if jws_key(group) is not None and "@" not in group["public"]["kid"]
    }
    keys = KeySet(loadable.values())
    invalid = [case["jws"] for _, case in cases(JWS) if case["result"] == "invalid"]

    assert len(keys) >= 3
    assert len(invalid) == 355
    for token in invalid:
        assert refused(token if isinstance(token, str) else json.dumps(token), keys)


def test_keys() -> None:
    """26 cases of JWK sets: the RS256 one verifies; the symmetric ones are refused when loaded, the valid ones too."""
    believed, loaded = set(), set()
    for group, case in cases("json_web_key_test.json"):
        try:
            keys = KeySet.from_jwks(group.get("public") or group["private"])
        except ValueError:
            continue
        loaded.add(case["tcId"])
        (key,) = keys
        if believes(key, case["jws"]):
            believed.add(case["tcId"])

    symmetric_and_valid = {2, 13, 14, 15}
    assert loaded == believed == {5}
    assert {
        case["tcId"] for _, case in cases("json_web_key_test.json") if case["result"] == "valid"
    } == believed | symmetric_and_valid


def test_the_older_combined_set() -> None:
    """83 cases of JWS and JWE: the two valid tokens of ES256 and RS256 are believed, nothing else is."""
    believed = {
        case["tcId"]
        for group, case in cases("json_web_crypto_test.json")
        if (key := jws_key(group)) is not None and isinstance(case.get("jws"), str) and believes(key, case["jws"])
    }

    assert len(cases("json_web_crypto_test.json")) == 83
    assert believed == {18, 33}


def test_encrypted_tokens_are_refused_valid_or_not() -> None:
    """139 cases of JWE and those of the older set: the third dot, or a brace, is enough."""
    encrypted = [
        case["jwe"]
        for name in ("json_web_encryption_test.json", "json_web_crypto_test.json")
        for _, case in cases(name)
        if "jwe" in case
    ]

    assert len(encrypted) > 139
    for token in encrypted:
        assert refused(token if isinstance(token, str) else json.dumps(token)) in {"alphabet", "segments", "length"}
