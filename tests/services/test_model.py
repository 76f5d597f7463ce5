"""The form of names and keys, and what a credential says. Pure."""

import base64

import pytest

from doorward.services.model import (
    Basic,
    Bearer,
    Nothing,
    Service,
    admits,
    digest_of,
    is_audience,
    is_name,
    read_credential,
    write_key,
)

KEY, FORMER, OTHER = (write_key(bytes([number]) * 32) for number in (1, 2, 3))


def service(**changes: object) -> Service:
    """Make a service whose key is ``KEY`` and was ``FORMER`` until 1,000."""
    members: dict[str, object] = {
        "name": "billing", "audience": "", "may": ("introspect",), "digest": digest_of(KEY),
        "former_digest": digest_of(FORMER), "former_until": 1_000, "created_at": 0, "rotated_at": 900,
    }  # fmt: skip
    return Service(**{**members, **changes})  # type: ignore[arg-type]


def basic_of(text: str) -> bytes:
    """Write the value of an Authorization header."""
    return b"Basic " + base64.b64encode(text.encode())


def test_a_key_has_a_prefix_and_256_bits() -> None:
    """43 characters of base64url after the prefix."""
    assert "dwk_" + base64.urlsafe_b64encode(b"\1" * 32).decode().rstrip("=") == KEY
    assert len(KEY) == 47


@pytest.mark.parametrize("name", ["a", "billing", "billing-2", "b" + "x" * 63])
def test_names_are_plain_words(name: str) -> None:
    """Lower-case letters, digits and hyphens."""
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "Billing", "2nd", "-a", "a-", "a_b", "acc_x", "a:b", "a b", "b" + "x" * 64, "ä"])
def test_other_names_are_none(name: str) -> None:
    """Nothing that could be taken for an account, or taken apart in HTTP Basic."""
    assert not is_name(name)


@pytest.mark.parametrize(("text", "fine"), [("", True), ("https://api.example", True), ("a b", False), ("é", False)])
def test_audiences_are_printable_ascii(text: str, fine: bool) -> None:
    """An empty one stands for that of the instance."""
    assert is_audience(text) is fine


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (basic_of(f"billing:{KEY}"), Basic("billing", KEY)),
        (basic_of("bill%69ng:dwk%5Fx"), Basic("billing", "dwk_x")),
        (b"bASIC " + base64.b64encode(b"a:b"), Basic("a", "b")),
        (b"Bearer " + KEY.encode(), Bearer(KEY)),
        (basic_of("no colon"), Nothing()),
        (b"Basic " + base64.b64encode(b"\xff:x"), Nothing()),
        (b"Basic !!", Nothing()),
        (b"Basic QQQQQ", Nothing()),
        (b"Basic", Nothing()),
        (b"Bearer", Nothing()),
        (b"Bearer a b", Nothing()),
        (b"Digest x", Nothing()),
        (b"Bearer " + b"x" * 600, Nothing()),
    ],
)
def test_a_credential_is_read_strictly(sent: bytes, read: object) -> None:
    """RFC 6749 section 2.3.1 and RFC 6750 section 2.1; everything else is no credential."""
    assert read_credential([(b"host", b"x"), (b"authorization", sent)]) == read


def test_without_a_header_there_is_nothing() -> None:
    """No Authorization header at all."""
    assert read_credential([]) == Nothing()


@pytest.mark.parametrize(
    ("key", "now", "fine"),
    [
        (KEY, 0, True),
        (KEY, 2_000, True),
        (FORMER, 999, True),
        (FORMER, 1_000, False),
        (OTHER, 0, False),
        ("", 0, False),
    ],
)
def test_the_former_key_is_believed_in_the_overlap_only(key: str, now: int, fine: bool) -> None:
    """The present key always, the former one until its time, others never."""
    assert admits(service(), key, now=now) is fine


def test_without_a_former_key_only_the_present_one_is_believed() -> None:
    """Nothing equals the absence of a key."""
    assert not admits(service(former_digest=None, former_until=None), FORMER, now=0)
    assert not admits(service(former_digest=None, former_until=None), "", now=0)
    assert not admits(None, KEY, now=0)


def test_neither_key_nor_digest_is_printed() -> None:
    """Values that pass through logs show nothing."""
    shown = repr([service(), Basic("billing", KEY), Bearer(KEY)])

    assert KEY not in shown
    assert repr(digest_of(KEY)) not in shown
