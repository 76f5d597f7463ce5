"""One setting's value: what people write, and what becomes of it."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.configuration.catalogue import entries
from doorward.configuration.values import convert, show_seconds
from doorward.core.secret import Secret

GOOD = [
    ("tokens.access_lifetime", "90", 90),
    ("tokens.access_lifetime", "30s", 30),
    ("tokens.access_lifetime", "10m", 600),
    ("tokens.access_lifetime", " 12h ", 43200),
    ("tokens.refresh_lifetime", "30d", 2592000),
    ("tokens.access_lifetime", 120, 120),
    ("serving.port", "443", 443),
    ("serving.port", 443, 443),
    ("serving.http_port", "", None),
    ("serving.http_port", None, None),
    ("serving.behind_proxy", "TRUE", True),
    ("serving.behind_proxy", "off", False),
    ("serving.behind_proxy", True, True),
    ("serving.trusted_proxies", "10.0.0.5, 10.0.0.6,", ("10.0.0.5", "10.0.0.6")),
    ("serving.trusted_proxies", "", ()),
    ("serving.trusted_proxies", ["10.0.0.5"], ("10.0.0.5",)),
    ("serving.certificate", "tls/chain.pem", Path("tls/chain.pem")),
    ("serving.certificate", Path("chain.pem"), Path("chain.pem")),
    ("tokens.algorithm", " EdDSA ", "EdDSA"),
    ("service_name", "Acme", "Acme"),
    ("secret", "one,two\nthree\n", (Secret("one"), Secret("two"), Secret("three"))),
    ("secret", ["one", Secret("two"), b"three"], (Secret("one"), Secret("two"), Secret("three"))),
    ("secret", Secret("one, whole"), (Secret("one, whole"),)),
    ("secret", b"one", (Secret("one"),)),
]

BAD = [
    ("tokens.access_lifetime", "ten minutes", "must be a duration like 90, 30s, 10m, 12h or 30d, not 'ten minutes'"),
    ("tokens.access_lifetime", "-5m", "must be a duration"),
    ("tokens.access_lifetime", "1.5h", "must be a duration"),
    ("tokens.access_lifetime", "٣٠", "must be a duration"),
    ("tokens.access_lifetime", "", "must be a duration"),
    ("tokens.access_lifetime", True, "must be a duration"),
    ("tokens.access_lifetime", "29s", "must be at least 30s"),
    ("tokens.access_lifetime", "2d", "must be at most 1d"),
    ("serving.port", "https", "must be a whole number, not 'https'"),
    ("serving.port", 1.5, "must be a whole number"),
    ("serving.port", True, "must be a whole number"),
    ("serving.port", "65536", "must be at most 65535"),
    ("serving.workers", "0", "must be at least 1"),
    ("serving.behind_proxy", "maybe", "must be true or false, not 'maybe'"),
    ("serving.behind_proxy", 1, "must be true or false"),
    ("serving.trusted_proxies", 7, "must be a list"),
    ("serving.trusted_proxies", [7], "must be a list of texts"),
    ("data_dir", "", "must be a path"),
    ("data_dir", "a\0b", "must be a path"),
    ("data_dir", 7, "must be a path"),
    ("tokens.algorithm", "none", "must be one of ES256, EdDSA, RS256, not 'none'"),
    ("tokens.algorithm", 7, "must be one of"),
    ("service_name", "", "must be at least 1 characters"),
    ("service_name", "a\x1bb", "contains a control character"),
    ("service_name", 7, "must be text"),
    ("secret", 7, "must be one or more secrets"),
    ("secret", [7], "must be a list of secrets"),
]


@pytest.mark.parametrize(("name", "written", "expected"), GOOD)
def test_what_people_write_becomes_typed(name: str, written: object, expected: object) -> None:
    """Text and typed values take the same way."""
    value = convert(entries()[name], written)

    assert value == expected


@pytest.mark.parametrize(("name", "written", "why"), BAD)
def test_what_cannot_be_meant_is_said_in_words(name: str, written: object, why: str) -> None:
    """The reason can stand in a sentence after the setting's name."""
    with pytest.raises(ValueError, match=r"must|contains") as raised:
        convert(entries()[name], written)

    assert str(raised.value).startswith(why)


def test_a_long_wrong_value_is_cut() -> None:
    """A log must not be flooded by a configuration."""
    with pytest.raises(ValueError, match="…") as raised:
        convert(entries()["serving.port"], "9" * 5000)

    assert len(str(raised.value)) < 100


@given(st.integers(min_value=30, max_value=86400))
def test_a_duration_shown_is_a_duration_read(seconds: int) -> None:
    """What the reference prints can be pasted into a configuration."""
    read = convert(entries()["tokens.access_lifetime"], show_seconds(seconds))

    assert read == seconds


@given(st.text(max_size=40))
def test_no_text_breaks_a_converter(text: str) -> None:
    """Whatever is written, the answer is a value or a ``ValueError``."""
    for entry in entries().values():
        with contextlib.suppress(ValueError):
            convert(entry, text)
