"""The development certificate: what it may sign, when it is renewed, and that nothing good is overwritten."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from doorward.errors import Misconfigured
from doorward.serving import certificates
from doorward.serving.certificates import development_certificate
from doorward.serving.material import check_pair

NOW = 1_800_000_000
DAY = 86400


def load(path: Path) -> x509.Certificate:
    """Read one certificate."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_authority_can_sign_little(tmp_path: Path) -> None:
    """Whoever trusts it is exposed to this machine's names only (RFC 5280 sections 4.2.1.9 and 4.2.1.10)."""
    made = development_certificate(tmp_path, "auth.test", now=NOW)

    authority = load(made.authority)
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees or ()] == [
        "localhost",
        "127.0.0.1/32",
        "::1/128",
        "auth.test",
    ]
    assert (basic.ca, basic.path_length) == (True, 0)
    assert (authority.not_valid_after_utc - datetime.fromtimestamp(NOW, UTC)).days <= 3650


def test_the_leaf_is_for_the_loopback_names_and_the_origins_host(tmp_path: Path) -> None:
    """It is signed by the authority and lives at most 397 days."""
    made = development_certificate(tmp_path, "localhost", now=NOW)

    leaf = load(made.certificate)
    leaf.verify_directly_issued_by(load(made.authority))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1", "::1"]
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 397
    assert check_pair(made.certificate, made.private_key, "127.0.0.1", now=NOW) == []


def test_keys_are_private_from_the_first_moment(tmp_path: Path) -> None:
    """The folder is too."""
    made = development_certificate(tmp_path / "certificates", "localhost", now=NOW)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.authority.parent.glob("*.*")}
    assert modes["authority.key"] == modes["server.key"] == 0o600
    assert stat.S_IMODE(made.authority.parent.stat().st_mode) == 0o700


def test_nothing_is_overwritten_while_it_is_good(tmp_path: Path) -> None:
    """A browser that trusts the authority goes on trusting it."""
    first = development_certificate(tmp_path, "localhost", now=NOW)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    development_certificate(tmp_path, "localhost", now=NOW + 366 * DAY)

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert first.certificate in before


@pytest.mark.parametrize("file", ["server.pem", "server.key"])
def test_a_leaf_that_is_missing_or_damaged_is_made_again(file: str, tmp_path: Path) -> None:
    """The authority stays."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    authority = made.authority.read_bytes()
    (tmp_path / file).write_text("damaged")

    development_certificate(tmp_path, "localhost", now=NOW)

    assert check_pair(made.certificate, made.private_key, "localhost", now=NOW) == []
    assert made.authority.read_bytes() == authority


def test_a_leaf_with_another_kind_of_key_is_made_again(tmp_path: Path) -> None:
    """Somebody put a key of their own there."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    key = ed25519.Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made.private_key.write_bytes(key.private_bytes(*form))

    development_certificate(tmp_path, "localhost", now=NOW)

    assert check_pair(made.certificate, made.private_key, "localhost", now=NOW) == []


def test_a_leaf_is_renewed_when_thirty_days_are_left(tmp_path: Path) -> None:
    """At the start; nobody has to think of it."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    before = made.certificate.read_bytes()

    development_certificate(tmp_path, "localhost", now=NOW + 368 * DAY)

    assert made.certificate.read_bytes() != before
    assert check_pair(made.certificate, made.private_key, "localhost", now=NOW + 700 * DAY) == []


@pytest.mark.parametrize(("host", "later"), [("other.test", 0), ("localhost", 3630 * DAY), ("localhost", -2 * DAY)])
def test_an_authority_that_cannot_sign_is_never_replaced_in_silence(host: str, later: int, tmp_path: Path) -> None:
    """People have been told to trust it, so a person decides."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    before = made.authority.read_bytes()

    with pytest.raises(Misconfigured, match="Remove"):
        development_certificate(tmp_path, host, now=NOW + later)

    assert made.authority.read_bytes() == before


@pytest.mark.parametrize("missing", ["authority.pem", "authority.key"])
def test_half_an_authority_is_never_replaced_in_silence(missing: str, tmp_path: Path) -> None:
    """Finding 6 of the review: a new one was made, and nobody trusted the server any more."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    (tmp_path / missing).unlink()
    made.certificate.unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(Misconfigured, match=f"{missing} is missing"):
        development_certificate(tmp_path, "localhost", now=NOW)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_good_leaf_is_served_without_the_key_of_its_authority(tmp_path: Path) -> None:
    """Who keeps that key elsewhere is careful, not wrong."""
    made = development_certificate(tmp_path, "localhost", now=NOW)
    (tmp_path / "authority.key").unlink()

    again = development_certificate(tmp_path, "localhost", now=NOW)

    assert again == made
    assert not (tmp_path / "authority.key").exists()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or not at all."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(certificates.os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        development_certificate(tmp_path, "localhost", now=NOW)

    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
