"""Encryption, compression and nesting (rows 23 to 26): we speak none of them.

CVE-2023-51774 (JWE instead of JWS), CVE-2023-6681 and CVE-2026-27932 (p2c), CVE-2024-33664, CVE-2026-39373 and
CVE-2025-62706 (zip), CVE-2026-28490 (RSA1_5).
"""

import pytest

from tests.jose.forge import b64, header, refused, token


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 6, 8])
def test_a_token_of_other_than_three_parts_is_refused(count: int) -> None:
    """Row 23: five parts are a JWE, and whatever it holds is not signed."""
    forged = ".".join([b64(b'{"alg":"dir","enc":"A128GCM"}')] * count)

    assert refused(forged) == ("segments" if count else "alphabet")


@pytest.mark.parametrize("cty", ["JWT", "jwt", "application/jwt", "", None])
def test_a_nested_token_is_refused(cty: object) -> None:
    """Row 23: one envelope is enough."""
    assert refused(token(header(cty=cty))) == "header members"


@pytest.mark.parametrize("alg", ["PBES2-HS256+A128KW", "PBES2-HS512+A256KW", "RSA1_5", "RSA-OAEP", "dir", "ECDH-ES"])
def test_an_algorithm_of_encryption_is_refused(alg: str) -> None:
    """Rows 24 and 26: no password is stretched, no padding is looked at."""
    assert refused(token(header(alg=alg))) == "algorithm"


def test_a_count_of_rounds_is_refused_before_any_is_run() -> None:
    """Row 24: two thousand million rounds cost nothing here."""
    forged = header(alg="PBES2-HS256+A128KW", p2c=2**31 - 1, p2s="AAAA", enc="A128GCM")

    assert refused(token(forged)) == "header members"


@pytest.mark.parametrize("value", ["DEF", "def", "GZ", None, ""])
def test_a_compressed_token_is_refused(value: object) -> None:
    """Row 25: nothing is inflated."""
    assert refused(token(header(zip=value))) == "header members"
