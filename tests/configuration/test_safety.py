"""Every rule that stops an unsafe start, one row each; all findings come at once."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from doorward.configuration import check_settings
from doorward.core.secret import Secret
from doorward.settings import (
    Accounts,
    Browser,
    Database,
    Mail,
    Passwords,
    Serving,
    Sessions,
    Settings,
    Tokens,
    Verification,
)


def strong(seed: str) -> Secret:
    """A secret that looks random and is the same in every run."""
    return Secret(hashlib.sha256(seed.encode()).hexdigest())


def safe(**changes: Any) -> Settings:
    """Settings that may start, with changes."""
    given: dict[str, Any] = {"secret": (strong("one"),), "accounts": Accounts(email_verification="off"), **changes}
    return Settings(**given)


def whats(settings: Settings) -> list[str]:
    """The findings, without their fixes."""
    return [finding.what for finding in check_settings(settings)]


SAFE = [
    {},
    {"secret": (strong("one"), strong("two"))},
    {"origin": "https://auth.example.com"},
    {"origin": "https://auth.example.com:8443"},
    {"origin": "https://127.0.0.1:8443"},
    {"origin": "https://[::1]:8443"},
    {"origin": "https://xn--bcher-kva.example"},
    {"mount_path": "/auth"},
    {"mount_path": "/a/b-c_d.e"},
    {"database": Database(url="postgresql://user@host/name")},
    {"database": Database(url="sqlite:///x.db")},
    {"serving": Serving(behind_proxy=True, trusted_proxies=("10.0.0.5", "fd00::/64"))},
    {"passwords": Passwords(pepper=(strong("pepper"),))},
    {"accounts": Accounts(), "mail": Mail(smtp_url="smtps://u:p@mail.test", from_="door@a.test")},
    {"accounts": Accounts(), "mail": Mail(delivery="host"), "origin": "https://a.example"},
    {"accounts": Accounts(), "mail": Mail(delivery="file"), "verification": Verification(sign_in_links=True)},
    {"origin": "http://localhost:8443", "serving": Serving(insecure_loopback=True)},
    {"origin": "http://localhost", "serving": Serving(insecure_loopback=True, host="::1", workers=2)},
    {"origin": "http://127.0.0.1:8080", "serving": Serving(insecure_loopback=True, host="127.3.4.5")},
    {"origin": "http://[::1]:8080", "serving": Serving(insecure_loopback=True)},
    {"browser": Browser(allowed_origins=("https://app.example.com", "https://app.example.com:8443"))},
    {
        "origin": "http://localhost:8443",
        "serving": Serving(insecure_loopback=True),
        "browser": Browser(allowed_origins=("http://localhost:5173", "https://app.example.com")),
    },
]

_CLEAR = "http://localhost:8443"

UNSAFE = [
    ({"secret": ()}, "No secret is set."),
    ({"secret": (Secret("short"),)}, "secret has 5 bytes, and 32 are needed."),
    ({"secret": (strong("one"), Secret("changeme" * 5))}, "secret number 2 is a default or an example."),
    ({"secret": (strong("one"), strong("one"))}, "secret lists the same value twice."),
    ({"passwords": Passwords(pepper=(strong("one"),))}, "secret and passwords.pepper share a value."),
    ({"passwords": Passwords(pepper=(Secret("x" * 40),))}, "passwords.pepper is guessable"),
    ({"origin": "http://localhost:8080"}, "origin must begin with https://"),
    *(
        (
            {"origin": origin, "serving": Serving(insecure_loopback=True)},
            f"serving.insecure_loopback is on, and origin {what}",
        )
        for origin, what in (
            ("https://localhost:8443", "must begin with http://."),
            ("http://auth.example.com", "is not localhost."),
            ("http://localhost.example.com", "is not localhost."),
            ("http://192.168.1.2:8443", "is not localhost."),
            ("http://localhost:80", "is not in its plain form, which is http://localhost."),
            ("http://LOCALHOST:8443", "is not in its plain form"),
            ("http://localhost:x", "is not a URL."),
            ("http://localhost:8443/", "must end after host and port"),
        )
    ),
    *(
        ({"origin": _CLEAR, "serving": Serving(insecure_loopback=True, **given)}, what)
        for given, what in (
            (
                {"host": "0.0.0.0"},
                "serving.insecure_loopback is on, and serving.host, '0.0.0.0', is no loopback address.",
            ),
            ({"host": "::"}, "serving.insecure_loopback is on, and serving.host, '::', is no loopback address."),
            (
                {"host": "192.168.1.2"},
                "serving.insecure_loopback is on, and serving.host, '192.168.1.2', is no loopback address.",
            ),
            (
                {"host": "localhost"},
                "serving.insecure_loopback is on, and serving.host, 'localhost', is no loopback address.",
            ),
            ({"host": ""}, "serving.insecure_loopback is on, and serving.host, '', is no loopback address."),
            (
                {"behind_proxy": True, "trusted_proxies": ("127.0.0.1",)},
                "serving.insecure_loopback is on together with serving.behind_proxy.",
            ),
            (
                {"trusted_proxies": ("127.0.0.1",)},
                "serving.insecure_loopback is on together with serving.trusted_proxies.",
            ),
            (
                {"certificate": Path(__file__), "private_key": Path("no")},
                "serving.insecure_loopback is on together with serving.certificate.",
            ),
            (
                {"certificate": Path(__file__), "private_key": Path("no")},
                "serving.insecure_loopback is on together with serving.private_key.",
            ),
        )
    ),
    *(
        ({"browser": Browser(allowed_origins=(origin,))}, f"browser.allowed_origins: {origin!r} {what}")
        for origin, what in (
            ("*", "must begin with https://"),
            ("null", "must begin with https://"),
            ("http://app.example.com", "must begin with https://"),
            ("http://localhost:5173", "must begin with https://"),
            ("https://*.example.com", "has no valid host name"),
            ("https://app.example.com/", "must end after host and port"),
            ("https://App.example.com", "is not in its plain form"),
            ("https://app.example.com:443", "is not in its plain form"),
        )
    ),
    (
        {
            "origin": _CLEAR,
            "serving": Serving(insecure_loopback=True),
            "browser": Browser(allowed_origins=("http://app.example.com",)),
        },
        "browser.allowed_origins: 'http://app.example.com' must begin with https://",
    ),
    (
        {"origin": "https://a.example", "browser": Browser(allowed_origins=("https://a.example",))},
        "browser.allowed_origins lists the origin itself.",
    ),
    (
        {"browser": Browser(allowed_origins=("https://a.example", "https://a.example"))},
        "browser.allowed_origins lists an origin twice.",
    ),
    ({"origin": "auth.example.com"}, "origin must begin with https://"),
    ({"origin": "https://auth.example.com/"}, "origin must end after host and port"),
    ({"origin": "https://auth.example.com/path"}, "origin must end after host and port"),
    ({"origin": "https://auth.example.com?x=1"}, "origin must end after host and port"),
    ({"origin": "https://auth.example.com?"}, "origin must end after host and port"),
    ({"origin": "https://auth.example.com#"}, "origin must end after host and port"),
    ({"origin": "https://user:pw@auth.example.com"}, "origin must not carry a user"),
    ({"origin": "https://auth.example.com:443"}, "origin is not in its plain form, which is https://auth.example.com."),
    ({"origin": "https://Auth.Example.com"}, "origin is not in its plain form, which is https://auth.example.com."),
    ({"origin": "https://auth.example.com:99999"}, "origin is not a URL."),
    ({"origin": "https://[::1"}, "origin is not a URL."),
    ({"origin": "https://[::1]:443"}, "origin is not in its plain form, which is https://[::1]."),
    ({"origin": "https://bücher.example"}, "origin has no valid host name"),
    ({"origin": "https://-bad.example"}, "origin has no valid host name"),
    ({"origin": "https://"}, "origin has no valid host name"),
    ({"origin": "https://[v1.a:b]"}, "origin has no valid host name"),
    ({"origin": "https://[fe80::1%eth0]"}, "origin has no valid host name"),
    ({"mount_path": "auth"}, "mount_path must be empty"),
    ({"mount_path": "/auth/"}, "mount_path must be empty"),
    ({"mount_path": "/"}, "mount_path must be empty"),
    ({"mount_path": "//evil.example"}, "mount_path must be empty"),
    ({"mount_path": "/../x"}, "mount_path must be empty"),
    ({"accounts": Accounts()}, "accounts.email_verification is 'required', and nothing says where mail goes"),
    ({"verification": Verification(sign_in_links=True)}, "verification.sign_in_links is on, and nothing says where"),
    ({"mail": Mail(smtp_url="mail.test", from_="d@a.test")}, "mail.smtp_url must begin with smtps://"),
    ({"mail": Mail(smtp_url="smtps://mail.test")}, "mail.from is empty"),
    ({"mail": Mail(smtp_url="smtps://mail.test", from_="Door <d@a.test>")}, "mail.from is not a plain e-mail address"),
    (
        {"origin": "https://a.example", "mail": Mail(delivery="file")},
        "mail.delivery is 'file', which is for development",
    ),
    ({"origin": "https://a.example", "mail": Mail(delivery="console")}, "mail.delivery is 'console', which is for"),
    (
        {"mail": Mail(smtp_url="smtps://mail.test", from_="d@a.test", ca_file=Path("/nowhere"))},
        "mail.ca_file, /nowhere, is not a file",
    ),
    ({"database": Database(url="mysql://x")}, "database.url names no database"),
    ({"database": Database(timeout=0)}, "database.timeout is 0"),
    ({"tokens": Tokens(access_lifetime=30, replay_window=30)}, "tokens.replay_window (30 s) must be shorter"),
    ({"tokens": Tokens(refresh_lifetime=600, refresh_idle_lifetime=600)}, "tokens.access_lifetime (600 s) must be"),
    ({"tokens": Tokens(key_lifetime=3600)}, "tokens.key_publication (86400 s) must be shorter"),
    ({"tokens": Tokens(refresh_idle_lifetime=2592001)}, "tokens.refresh_idle_lifetime (2592001 s) is longer"),
    ({"sessions": Sessions(idle_lifetime=43201)}, "sessions.idle_lifetime (43201 s) is longer"),
    ({"sessions": Sessions(remembered_idle_lifetime=2592001)}, "sessions.remembered_idle_lifetime"),
    ({"sessions": Sessions(fresh_lifetime=43200)}, "sessions.fresh_lifetime (43200 s) must be shorter"),
    ({"serving": Serving(behind_proxy=True)}, "serving.behind_proxy is on and no proxy is listed"),
    ({"serving": Serving(trusted_proxies=("0.0.0.0/0",))}, "serving.trusted_proxies: '0.0.0.0/0' is so wide"),
    ({"serving": Serving(trusted_proxies=("::/0",))}, "serving.trusted_proxies: '::/0' is so wide"),
    ({"serving": Serving(trusted_proxies=("0.0.0.0/1", "128.0.0.0/1"))}, "serving.trusted_proxies: '0.0.0.0/1'"),
    ({"serving": Serving(trusted_proxies=("proxy.local",))}, "serving.trusted_proxies: 'proxy.local' is not an addr"),
    ({"serving": Serving(trusted_proxies=("10.0.0.1/8",))}, "serving.trusted_proxies: '10.0.0.1/8' is not an address"),
    ({"serving": Serving(port=8080)}, "serving.port, http_port and management_port must differ."),
    ({"serving": Serving(workers=0)}, "serving.workers must be at least 1."),
    ({"tokens": Tokens(access_lifetime=5)}, "tokens.access_lifetime must be at least 30s."),
]


@pytest.mark.parametrize("changes", SAFE, ids=str)
def test_safe_settings_have_no_finding(changes: dict[str, Any]) -> None:
    """The rules leave people alone who have done nothing wrong."""
    assert whats(safe(**changes)) == []


@pytest.mark.parametrize(("changes", "beginning"), UNSAFE, ids=lambda value: str(value)[:60])
def test_an_unsafe_setting_is_found(changes: dict[str, Any], beginning: str) -> None:
    """One row a rule; the finding names the setting and has a fix."""
    findings = check_settings(safe(**changes))

    assert any(finding.what.startswith(beginning) for finding in findings), findings
    assert all(finding.fix for finding in findings)


def test_all_findings_come_at_once() -> None:
    """One start, one list."""
    settings = Settings(origin="http://x", mount_path="x", serving=Serving(behind_proxy=True))

    assert len(whats(settings)) == 5


def test_what_could_not_be_read_is_not_judged_by_its_default() -> None:
    """A secret file that cannot be read is one finding, not two."""
    findings = check_settings(safe(secret=()), unread=frozenset({"secret"}))

    assert findings == []


def test_a_finding_never_shows_the_secret() -> None:
    """Findings end in logs."""
    findings = check_settings(safe(secret=(Secret("hunter2hunter2"),)))

    assert "hunter2" not in str(findings)


@pytest.mark.parametrize(
    ("certificate", "private_key", "expected"),
    [
        (True, False, "serving.certificate is set without serving.private_key."),
        (False, True, "serving.private_key is set without serving.certificate."),
    ],
)
def test_a_certificate_needs_its_key_and_the_other_way_round(
    certificate: bool, private_key: bool, expected: str, tmp_path: Path
) -> None:
    """Half a pair would fall back to the development certificate, which nobody expects in production."""
    path = tmp_path / "file.pem"
    path.write_text("x")
    path.chmod(0o600)
    serving = Serving(certificate=path if certificate else None, private_key=path if private_key else None)

    assert whats(safe(serving=serving)) == [expected]


def test_certificate_files_must_be_there(tmp_path: Path) -> None:
    """Both are told, with their paths."""
    serving = Serving(certificate=tmp_path / "a.pem", private_key=tmp_path / "b.pem")

    found = whats(safe(serving=serving))

    assert found == [
        f"serving.certificate, {tmp_path / 'a.pem'}, is not a file that can be seen.",
        f"serving.private_key, {tmp_path / 'b.pem'}, is not a file that can be seen.",
    ]


@pytest.mark.parametrize(
    ("mode", "is_safe"), [(0o600, True), (0o400, True), (0o640, True), (0o644, False), (0o660, False)]
)
def test_a_private_key_is_for_its_owner_and_at_most_read_by_its_group(mode: int, is_safe: bool, tmp_path: Path) -> None:
    """Debian keeps TLS keys readable by the group ssl-cert; anything wider stops the start."""
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.write_text("x")
    key.write_text("x")
    key.chmod(mode)

    found = whats(safe(serving=Serving(certificate=certificate, private_key=key)))

    assert (not found) == is_safe
    assert is_safe or f"(mode {mode:04o})" in found[0]


def test_plain_http_is_refused_with_every_reason_at_once() -> None:
    """Whoever turns it on for a real server reads all that is wrong with that."""
    serving = Serving(insecure_loopback=True, host="0.0.0.0", behind_proxy=True, trusted_proxies=("10.0.0.5",))

    found = whats(safe(origin="https://auth.example.com", serving=serving))

    assert len(found) == 4
    assert all("serving.insecure_loopback is on" in what for what in found)
