"""``doorward doctor``: what the settings alone can tell."""

from typing import Any

import pytest

from doorward.cli.doctor import settings as checks
from doorward.cli.doctor.results import Level
from doorward.errors import Finding
from doorward.settings import Database, Mail, Passwords, Serving, Settings

FINE, ADVICE, MUST_FIX = Level.FINE, Level.ADVICE, Level.MUST_FIX


def test_what_stops_a_start_must_be_fixed() -> None:
    """The same findings, each with its fix."""
    results = checks.check_rules([Finding("It is weak.", "Make one."), Finding("It is open.", "Close it.")])

    assert [(each.level, each.what, each.fix) for each in results] == [
        (MUST_FIX, "It is weak.", "Make one."),
        (MUST_FIX, "It is open.", "Close it."),
    ]


def test_settings_without_a_finding_are_fine() -> None:
    """And nothing needs to be done."""
    (result,) = checks.check_rules([])

    assert (result.level, result.fix) == (FINE, "")


@pytest.mark.parametrize(
    ("origin", "level"),
    [
        ("https://localhost:8443", ADVICE),
        ("https://127.0.0.1", ADVICE),
        ("https://[::1]:8443", ADVICE),
        ("https://auth.example.com", FINE),
    ],
)
def test_the_default_origin_is_pointed_out(origin: str, level: Level) -> None:
    """It is for development: nobody else can reach it."""
    (result,) = checks.check_origin(Settings(origin=origin))

    assert result.level is level


@pytest.mark.parametrize(("least", "level"), [(8, ADVICE), (14, ADVICE), (15, FINE), (20, FINE)])
def test_short_passwords_are_allowed_and_advised_against(least: int, level: Level) -> None:
    """NIST SP 800-63B-4 wants 15 where a password is all there is."""
    (result,) = checks.check_password_length(Settings(passwords=Passwords(min_length=least)))

    assert result.level is level


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        ({}, []),
        ({"behind_proxy": True, "trusted_proxies": ("127.0.0.1", "::1")}, []),
        ({"trusted_proxies": ("127.0.0.1",)}, ["not told that it is behind one"]),
        ({"behind_proxy": True, "trusted_proxies": ("10.0.0.5",)}, ["without encryption"]),
        ({"behind_proxy": True, "trusted_proxies": ("10.0.0.0/16",)}, ["Any of the 65536", "without encryption"]),
        ({"trusted_proxies": ("fd00::/32",)}, ["not told", "Any of the"]),
        ({"behind_proxy": True, "trusted_proxies": ("nonsense",)}, []),
    ],
)
def test_whose_forwarded_headers_are_believed(serving: dict[str, Any], said: list[str]) -> None:
    """Whoever may forge them may be anybody; what cannot be read is a finding of the rules."""
    results = checks.check_proxies(Settings(serving=Serving(**serving)))

    assert [each.level for each in results] == ([ADVICE] * len(said) or [FINE])
    assert all(words in each.what for words, each in zip(said, results, strict=False))


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("", FINE),
        ("postgresql:///doorward", FINE),
        ("postgresql://doorward@localhost/doorward", FINE),
        ("postgresql://doorward@db.example.com/doorward", ADVICE),
        ("postgresql://doorward@db.example.com/doorward?sslmode=require", ADVICE),
        ("postgresql://doorward@db.example.com/doorward?sslmode=verify-full", FINE),
        ("postgresql://doorward@db.example.com/doorward?sslmode=disable&sslmode=verify-ca", FINE),
    ],
)
def test_the_way_to_the_database(url: str, level: Level) -> None:
    """Across a network it is encrypted, and its server has proved who it is."""
    (result,) = checks.check_database_link(Settings(database=Database(url=url)))

    assert result.level is level


@pytest.mark.parametrize(
    ("mail", "level", "said"),
    [
        (Mail(), ADVICE, "Mail goes nowhere"),
        (Mail(delivery="file", from_="door@example.com"), ADVICE, "Mail reaches nobody"),
        (Mail(smtp_url="smtps://user:password@mail.example.com:465", from_="door@example.com"), FINE, "Mail goes "),
    ],
)
def test_where_mail_goes_is_said(mail: Mail, level: Level, said: str) -> None:
    """Without the password of the mail server."""
    (result,) = checks.check_mail(Settings(mail=mail))

    assert (result.level, result.what.startswith(said)) == (level, True)
    assert "password" not in result.what or level is ADVICE
