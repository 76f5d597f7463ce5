"""Codes as they are derived and typed, and when a challenge is over. Pure."""

import dataclasses
from collections import Counter

import pytest

from doorward.settings import Verification
from doorward.verification.model import (
    CODE_DIGITS,
    PREFIXES,
    Challenge,
    Purpose,
    code_purpose,
    derive_code,
    lifetime_of,
    read_code,
)

CHALLENGE = Challenge(
    id="chl_x",
    handle=b"h" * 16,
    generation=1,
    key_id=b"kkkk",
    purpose="reset",
    account_id="acc_x",
    address="ada@example.test",
    payload=None,
    tries=0,
    created_at=0,
    expires_at=100,
    ended_at=None,
)


@pytest.mark.parametrize(
    "typed",
    [
        "12345678",
        "1234 5678",
        " 1234-5678 ",
        "1234\u00a05678",
        "１２３４５６７８",
        "١٢٣٤٥٦٧٨",
        "1234\u20115678",
        "\u200e12345678",
    ],
)
def test_a_code_is_read_in_every_spelling(typed: str) -> None:
    """Vault CVE-2025-6014: normalised before it is compared, so that no spelling is another code."""
    assert read_code(typed) == "12345678"


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "1234567a", "+12345678", "12345678.0", "½2345678"])
def test_what_is_no_code(typed: str) -> None:
    """Eight digits, and nothing but spaces and hyphens between them."""
    assert read_code(typed) is None


def test_codes_have_eight_digits_and_all_of_them_occur() -> None:
    """Leading zeros too."""
    codes = [derive_code(b"k" * 32, number.to_bytes(16, "big"), 1) for number in range(2000)]

    assert all(len(code) == CODE_DIGITS and code.isdecimal() for code in codes)
    assert len(Counter(code[0] for code in codes)) == 10


def test_a_code_belongs_to_its_generation_its_handle_and_its_key() -> None:
    """Another one of each gives another code."""
    codes = {
        derive_code(key, handle, generation)
        for key in (b"a" * 32, b"b" * 32)
        for handle in (b"1" * 16, b"2" * 16)
        for generation in (1, 2)
    }

    assert len(codes) == 8


def test_every_purpose_has_keys_of_its_own() -> None:
    """For its tokens and for its codes."""
    purposes = [*PREFIXES.values(), *(code_purpose(purpose) for purpose in PREFIXES)]

    assert len(set(purposes)) == 2 * len(PREFIXES)


@pytest.mark.parametrize("purpose", PREFIXES)
def test_every_purpose_has_a_lifetime(purpose: Purpose) -> None:
    """What logs somebody in or sets a password lives shortest (ASVS 6.5.5; NIST SP 800-63B-4: 24 hours at most)."""
    lifetime = lifetime_of(purpose, Verification())

    assert 0 < lifetime <= (7 * 86_400 if purpose in ("undo", "invite") else 86_400)


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, True), ({"ended_at": 1}, False), ({"expires_at": 50}, False), ({"account_id": None}, False)],
)
def test_when_a_challenge_is_live(change: dict[str, int], expected: bool) -> None:
    """Expiry is a comparison, not a job."""
    assert dataclasses.replace(CHALLENGE, **change).is_live(50) is expected  # type: ignore[arg-type]


def test_a_challenge_is_not_printed_with_its_secrets() -> None:
    """Neither what its secrets are derived from, nor what it carries."""
    shown = repr(dataclasses.replace(CHALLENGE, payload="hunter2-canary"))

    assert "hhhh" not in shown
    assert "hunter2" not in shown
