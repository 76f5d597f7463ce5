"""Time, names, secrets and opaque tokens."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.clock import rfc3339, system_clock, system_entropy
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.core.opaque import Opaque, seal, unseal
from doorward.core.secret import Secret, SecretRing, key_id
from doorward.core.source import Source

OLD, NEW = Secret(b"o" * 32), Secret(b"n" * 32)
RING = SecretRing((OLD, NEW))
OPAQUE = Opaque(handle=bytes(range(16)), generation=7)


def test_the_system_clock_tells_whole_seconds_of_this_century() -> None:
    """It is a NumericDate."""
    assert 1_700_000_000 < system_clock() < 10_000_000_000


def test_times_are_shown_in_utc() -> None:
    """RFC 3339 with a Z."""
    assert rfc3339(0) == "1970-01-01T00:00:00Z"


def test_identifiers_are_random_and_have_their_form() -> None:
    """Two are never the same, and each has the prefix of its kind."""
    one, other = new_identifier("acc", system_entropy), new_identifier("acc", system_entropy)

    assert one != other
    assert is_identifier("acc", one)
    assert len(one) == 30


@pytest.mark.parametrize(
    "text", ["", "acc_", "ses_" + "a" * 26, "acc_" + "A" * 26, "acc_" + "a" * 27, "acc_" + "1" * 26]
)
def test_what_only_looks_like_an_identifier_is_none(text: str) -> None:
    """Another prefix, letter case, length or alphabet."""
    assert not is_identifier("acc", text)


def test_a_secret_is_never_shown_or_pickled() -> None:
    """Printing, formatting and pickling give nothing away."""
    secret = Secret("hush hush")

    assert "hush" not in repr(secret) + str(secret) + f"{secret}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    """Bytes that happen to be the same are not a secret."""
    assert Secret("a" * 32) == Secret(b"a" * 32)
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a") != b"a"
    assert len(Secret("abc")) == 3


def test_a_ring_needs_distinct_secrets() -> None:
    """None, or the same one twice, is a mistake in the configuration."""
    with pytest.raises(ValueError, match="at least one"):
        SecretRing(())
    with pytest.raises(ValueError, match="twice"):
        SecretRing((OLD, OLD))


def test_every_purpose_has_its_own_key() -> None:
    """A key for one thing is worth nothing for another."""
    assert RING.newest_key("a") != RING.newest_key("b")
    assert RING.newest_key("a") == RING.newest_key("a")
    assert RING.key(key_id(OLD), "a") != RING.newest_key("a")


def test_a_secret_that_left_the_ring_has_no_key() -> None:
    """What was made with it cannot be checked any more."""
    assert SecretRing((NEW,)).key(key_id(OLD), "a") is None


def test_an_opaque_token_comes_back() -> None:
    """Handle and generation survive, and the spelling is always the same."""
    token = seal(RING, "dwr_", OPAQUE)

    assert unseal(RING, "dwr_", token) == OPAQUE
    assert token == seal(RING, "dwr_", OPAQUE)


def test_a_token_outlives_a_new_secret_and_dies_with_its_own() -> None:
    """The newest secret makes, all of them check, none that is gone does."""
    token = seal(SecretRing((OLD,)), "dwr_", OPAQUE)

    assert unseal(RING, "dwr_", token) == OPAQUE
    assert unseal(SecretRing((NEW,)), "dwr_", token) is None


def test_a_token_of_one_purpose_never_passes_for_another() -> None:
    """A refresh token is no cookie, even when the prefix is exchanged (Keycloak CVE-2026-4282)."""
    token = seal(RING, "dwr_", OPAQUE)

    assert unseal(RING, "dws_", token) is None
    assert unseal(RING, "dws_", token.replace("dwr_", "dws_")) is None


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    """Nothing raises, nothing is accepted."""
    assert unseal(RING, "dwr_", text) is None
    assert unseal(RING, "dwr_", "dwr_" + text) is None


@given(st.integers(0, 78), st.sampled_from("AZaz09-_=+/ \n"))
def test_a_token_has_one_spelling(position: int, character: str) -> None:
    """Whatever is changed anywhere, the trailing bits of the last character too, the token is another one."""
    token = seal(RING, "dwr_", OPAQUE)
    changed = token[:position] + character + token[position + 1 :]

    assert (unseal(RING, "dwr_", changed) is None) == (changed != token)


@pytest.mark.parametrize(
    ("address", "network", "prefix"),
    [
        ("203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("", "local", "local"),
        ("unix:", "local", "local"),
    ],
)
def test_a_source_remembers_a_network_and_not_an_address(address: str, network: str, prefix: str) -> None:
    """Limits count an IPv4 address or an IPv6 /64; less than that is kept."""
    source = Source.of(address, "Mozilla/5.0\r\nforged", "request-1")

    assert (source.network, source.ip_prefix) == (network, prefix)
    assert source.user_agent == "Mozilla/5.0forged"
