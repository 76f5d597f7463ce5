"""Passwords inside URLs are secrets (finding 9 of the review)."""

import pytest

from doorward.configuration.urls import has_password, masked

MASKED = [
    ("postgresql://door:hunter2@db/name", "postgresql://…@db/name"),
    ("postgresql://door:hun/ter@2@db/name", "postgresql://…@db/name"),
    ("postgresql://:hunter2@db/name", "postgresql://…@db/name"),
    ("postgresql://db/name?user=door&password=hunter2", "postgresql://db/name?user=door&password=…"),
    ("postgresql://db/name?p%61ssword=hunter2&x=1", "postgresql://db/name?p%61ssword=…&x=1"),
    ("postgresql://db/name?SSLpassword=hunter2", "postgresql://db/name?SSLpassword=…"),
    ("postgresql://a:hunter2@db/name?sslpassword=hunter2", "postgresql://…@db/name?sslpassword=…"),
    ("smtps://user:hunter2@host:465", "smtps://…@host:465"),
]
PLAIN = [
    "",
    "Acme: we sell to a@b",
    "sqlite:///data/doorward.db",
    "postgresql://door@db:5432/name?sslmode=verify-full&password=",
    "https://auth.example.com:8443",
]


@pytest.mark.parametrize(("url", "expected"), MASKED)
def test_a_password_in_a_url_is_masked(url: str, expected: str) -> None:
    """Wherever a driver would take it from."""
    assert masked(url) == expected
    assert has_password(url)


@pytest.mark.parametrize("text", PLAIN)
def test_everything_else_is_shown_as_it_is(text: str) -> None:
    """A user without a password, ports, and text that is no URL."""
    assert masked(text) == text
    assert not has_password(text)
