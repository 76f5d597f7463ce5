"""The first screen."""

from pathlib import Path

import pytest

from doorward.serving.screen import first_screen
from doorward.settings import Accounts, Database, Mail, Passwords, Serving, Settings

AUTHORITY = Path("data/certificates/authority.pem")


def test_it_names_the_address_the_database_the_mail_and_the_next_command() -> None:
    """For somebody who has just typed the second command of their life with doorward."""
    text = first_screen(Settings(accounts=Accounts(email_verification="off")), authority=AUTHORITY)

    assert "https://localhost:8443  (TLS on 127.0.0.1:8443)" in text
    assert "SQLite, data/doorward.db" in text
    assert "nowhere: e-mail verification is off" in text
    assert "127.0.0.1:8080 points pages to HTTPS" in text
    assert "curl --cacert data/certificates/authority.pem https://localhost:8443/v1/accounts" in text


def test_it_counts_the_memory_of_hashing() -> None:
    """Threads times cost, in every worker."""
    passwords = Passwords(hash_threads=3, argon2_memory=65536)

    text = first_screen(Settings(passwords=passwords, serving=Serving(workers=2)), authority=None)

    assert "argon2id, at most 384 MiB (3 threads × 64 MiB × 2 workers)" in text


def test_bcrypt_needs_next_to_nothing() -> None:
    """4 KiB a hash."""
    text = first_screen(Settings(passwords=Passwords(algorithm="bcrypt", hash_threads=4)), authority=None)

    assert "bcrypt, at most 0 MiB (4 threads × 4 KiB × 1 workers)" in text


def test_a_real_certificate_needs_no_words() -> None:
    """Whoever set it knows it."""
    text = first_screen(Settings(serving=Serving(http_port=None)), authority=None)

    assert "Certificate" not in text
    assert "HTTP " not in text
    assert "--cacert" not in text


def test_the_password_of_the_database_is_not_shown() -> None:
    """Screens are shared."""
    url = "postgresql://door:hunter2@db.example/auth"

    text = first_screen(Settings(database=Database(url=url)), authority=None)

    assert "PostgreSQL, auth on db.example" in text
    assert "hunter2" not in text


def test_a_database_on_the_local_socket_is_told() -> None:
    """An URL may name nothing at all."""
    text = first_screen(Settings(database=Database(url="postgresql://")), authority=None)

    assert "PostgreSQL, default database on the local socket" in text


def test_behind_a_proxy_it_names_the_proxies() -> None:
    """And the address that browsers see."""
    serving = Serving(behind_proxy=True, trusted_proxies=("10.0.0.5", "10.0.0.6"))

    text = first_screen(Settings(origin="https://auth.example.com", serving=serving), authority=None)

    assert "https://auth.example.com  (plain HTTP for the proxy on 127.0.0.1:8443)" in text
    assert "10.0.0.5, 10.0.0.6" in text


def test_an_origin_with_another_port_is_pointed_out() -> None:
    """The usual cause of a page that does not load after ``--port``."""
    text = first_screen(Settings(serving=Serving(port=9443)), authority=AUTHORITY)

    assert "the origin says port 8443; set DOORWARD_ORIGIN if browsers use 9443" in text


def test_the_management_listener_is_named() -> None:
    """So that it can be pasted into the configuration of Prometheus."""
    text = first_screen(Settings(serving=Serving(management_port=9443)), authority=None)

    assert "http://127.0.0.1:9443/metrics" in text


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        (Mail(delivery="file"), "into data/mail, for development"),
        (Mail(delivery="console"), "onto the terminal, for development"),
        (Mail(delivery="host"), "by the host's own mailer"),
        (Mail(smtp_url="smtps://u:hunter2@mail.test", from_="d@a.test"), "from d@a.test by mail.test:465 (TLS)"),
        (Mail(smtp_url="smtp://mail.test", from_="d@a.test"), "from d@a.test by mail.test:587 (STARTTLS)"),
        (Mail(smtp_url="smtp+plain://127.0.0.1", from_="d@a.test"), "by 127.0.0.1:25 (without TLS, on this machine)"),
        (Mail(), "nowhere"),
    ],
)
def test_it_tells_where_mail_goes(mail: Mail, said: str) -> None:
    """And never the password on the way."""
    text = first_screen(Settings(mail=mail), authority=None)

    assert said in text
    assert "hunter2" not in text


def test_plain_http_on_this_machine_comes_with_a_warning() -> None:
    """First, before the facts; and no word of a listener that points to HTTPS."""
    settings = Settings(origin="http://localhost:8443", serving=Serving(insecure_loopback=True))

    text = first_screen(settings, authority=None)

    assert text.index("WARNING: serving.insecure_loopback is on") < text.index("Address")
    assert "http://localhost:8443  (PLAIN HTTP on 127.0.0.1:8443)" in text
    assert "points pages to HTTPS" not in text
    assert "curl http://localhost:8443/v1/accounts" in text
