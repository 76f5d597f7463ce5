"""The JOSE cookbook (RFC 7520, RFC 7797, RFC 8037), and the examples printed in RFC 7638 and RFC 8037."""

import json

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jws
from doorward.jose.algorithms import RSAPublicKey
from doorward.jose.keys import VerifyingKey, thumbprint
from tests.jose.forge import refused
from tests.jose.vectors import VECTORS, believes, load, read

COMPACT = sorted(str(path.relative_to(VECTORS)) for path in (VECTORS / "jose-cookbook").rglob("*.json"))


def public(jwk: dict[str, str], alg: str) -> dict[str, str]:
    """The public half of a cookbook key, with the algorithm of its example."""
    return {name: value for name, value in jwk.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}} | {"alg": alg}


@pytest.mark.parametrize("name", ["jws/4_1.rsa_v15_signature", "curve25519/jws"])
def test_the_examples_of_our_algorithms_are_believed(name: str) -> None:
    """RFC 7520 §4.1 and RFC 8037 A.4, below the rules for headers, with the payload they print."""
    example = read(f"jose-cookbook/{name}.json")
    key = load(public(example["input"]["key"], example["input"]["alg"]))
    assert key is not None

    assert believes(key, example["output"]["compact"])
    assert jws.split(example["output"]["compact"]).payload == example["input"]["payload"].encode()


@pytest.mark.parametrize("name", ["jws/4_1.rsa_v15_signature", "curve25519/jws"])
def test_a_changed_example_is_not_believed(name: str) -> None:
    """The same with another last byte of the payload."""
    example = read(f"jose-cookbook/{name}.json")
    key = load(public(example["input"]["key"], example["input"]["alg"]))
    head, payload, signature = example["output"]["compact"].split(".")
    assert key is not None

    assert not believes(key, f"{head}.{payload[:-4]}AAAA.{signature}")


@pytest.mark.parametrize(
    ("name", "alg"),
    [
        ("4_2.rsa-pss_signature", "PS384"),
        ("4_3.ecdsa_signature", "ES512"),
        ("4_4.hmac-sha2_integrity_protection", "HS256"),
    ],
)
def test_keys_of_other_algorithms_are_refused(name: str, alg: str) -> None:
    """RFC 7520 §4.2 to §4.4 use what we do not speak."""
    assert load(public(read(f"jose-cookbook/jws/{name}.json")["input"]["key"], alg)) is None


@pytest.mark.parametrize("name", COMPACT)
def test_every_form_of_every_example_is_refused_by_the_whole_verifier(name: str) -> None:
    """They are JWE, nested, detached, JSON, of other algorithms, or lack our header: none is a token of ours."""
    outputs = read(name).get("output", {})
    forms = outputs.values() if isinstance(outputs, dict) else []

    for form in forms:
        assert refused(form if isinstance(form, str) else json.dumps(form))


@pytest.mark.parametrize("name", ["3_2.ec_private_key", "3_4.rsa_private_key"])
def test_private_keys_are_refused_among_public_ones(name: str) -> None:
    """RFC 7520 §3.2 and §3.4."""
    with pytest.raises(ValueError, match="private"):
        VerifyingKey.from_jwk({**read(f"jose-cookbook/jwk/{name}.json"), "kid": "k", "alg": "RS256"})


@pytest.mark.parametrize("name", ["3_5.symmetric_key_mac_computation", "3_6.symmetric_key_encryption"])
def test_symmetric_keys_are_refused(name: str) -> None:
    """RFC 7520 §3.5 and §3.6."""
    assert load(read(f"jose-cookbook/jwk/{name}.json")) is None


def test_the_public_rsa_key_loads() -> None:
    """RFC 7520 §3.3; its id has an @, so it gets another."""
    assert load({**read("jose-cookbook/jwk/3_3.rsa_public_key.json"), "alg": "RS256"}) is not None


def test_an_unencoded_payload_is_refused_in_its_compact_form() -> None:
    """RFC 7797: the payload has spaces; and were it encoded, ``b64`` and ``crit`` are no members of ours."""
    compact = read("jose-cookbook/rfc7797/hmac-sha2_b64_false.json")["output"]["compact"]
    header = jws.read_header(compact.split(".")[0])

    assert refused(compact) == "alphabet"
    assert header == {"alg": "HS256", "b64": False, "crit": ["b64"]}
    with pytest.raises(InvalidToken):
        jws.check_members(header)


def test_the_thumbprint_of_rfc_7638() -> None:
    """§3.1 prints an RSA key and its thumbprint."""
    jwk = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    }

    assert thumbprint(RSAPublicKey.from_members(jwk)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_rfc_8037() -> None:
    """A.3 prints that of the Ed25519 key of its signature example."""
    key = load(public(read("jose-cookbook/curve25519/jws.json")["input"]["key"], "EdDSA"))
    assert key is not None

    assert thumbprint(key._public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
