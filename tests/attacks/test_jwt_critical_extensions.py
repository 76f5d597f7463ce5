"""Extensions that must be understood (rows 8 and 9): we understand none, so every token with one is refused.

CVE-2025-59420 (Authlib), CVE-2026-32597 and CVE-2026-48525 (PyJWT).
"""

import pytest

from tests.jose.forge import header, refused, signing_key, token


@pytest.mark.parametrize(
    "crit",
    [
        [],
        ["exp"],
        ["b64"],
        ["alg"],
        ["kid", "kid"],
        ["absent"],
        ["http://example.com/UNDEFINED"],
        "exp",
        None,
        {},
        [1],
        [["exp"]],
    ],
)
def test_a_token_with_crit_is_refused(crit: object) -> None:
    """Row 8: unknown, empty, double, of a standard or an absent member, of a wrong type."""
    assert refused(token(header(crit=crit))) == "header members"


def test_crit_is_refused_beside_the_member_it_names() -> None:
    """Row 8: the example of RFC 7515 §4.1.11."""
    forged = header(crit=["http://example.invalid/UNDEFINED"], **{"http://example.invalid/UNDEFINED": True})

    assert refused(token(forged)) == "header members"


@pytest.mark.parametrize("b64", [False, True, None, "false"])
@pytest.mark.parametrize("crit", [..., ["b64"]])
def test_an_unencoded_payload_is_refused(b64: object, crit: object) -> None:
    """Row 9: RFC 7797 would let two readers see two payloads; also where it changes nothing."""
    assert refused(token(header(b64=b64, crit=crit))) == "header members"


def test_a_detached_payload_is_refused() -> None:
    """Row 9: the signature of a payload that is not there does not fit the empty one."""
    head, _, signature = token().split(".")

    assert refused(f"{head}..{signature}") == "signature"


@pytest.mark.parametrize("member", ["", "ALG", "Alg", "exp", "iss", "nonce", "url", "p2c", "epk", "enc", "__proto__"])
def test_any_other_member_is_refused(member: str) -> None:
    """Row 8: what is not one of the three is not ours."""
    assert refused(token(header(signing_key(), **{member: "x"}))) == "header members"
