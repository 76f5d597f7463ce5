"""Certificates that are handed in: what is refused, and that what was judged is what is served."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from doorward.errors import Misconfigured
from doorward.serving.certificates import development_certificate
from doorward.serving.material import Material, check_pair, close

NOW = 1_795_000_000
DAY = 86400


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of a real-looking authority, for a name and its subdomains."""
    issued = trustme.CA().issue_cert("auth.example.com", "*.example.org", "192.0.2.7")
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return certificate, key


@pytest.mark.parametrize("host", ["auth.example.com", "AUTH.example.com", "a.example.org", "192.0.2.7"])
def test_a_pair_that_names_the_host_is_good(host: str, pair: tuple[Path, Path]) -> None:
    """A name in full, a wildcard for its leftmost label, or an address (RFC 9525 section 6.3)."""
    assert check_pair(*pair, host, now=NOW) == []


@pytest.mark.parametrize("host", ["example.com", "example.org", "a.b.example.org", "192.0.2.8", "x.auth.example.com"])
def test_a_pair_for_another_host_is_found(host: str, pair: tuple[Path, Path]) -> None:
    """A browser would refuse it."""
    findings = check_pair(*pair, host, now=NOW)

    assert [finding.what for finding in findings] == [f"{pair[0]} is not for {host}, the host of the origin."]


def test_a_certificate_without_names_covers_nothing(tmp_path: Path) -> None:
    """The common name has not counted for years."""
    made = development_certificate(tmp_path, "localhost", now=NOW)

    findings = check_pair(made.authority, tmp_path / "authority.key", "localhost", now=NOW)

    assert "is not for localhost" in findings[0].what


def test_a_key_of_another_certificate_is_found(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """The most common mistake of a renewal."""
    other = development_certificate(tmp_path / "other", "localhost", now=NOW)

    findings = check_pair(pair[0], other.private_key, "auth.example.com", now=NOW)

    assert [finding.what for finding in findings] == [f"{other.private_key} is not the key of {pair[0]}."]


@pytest.mark.parametrize(("days", "word"), [(-2, "begins on"), (398, "ended on")])
def test_a_certificate_outside_its_time_is_found(days: int, word: str, tmp_path: Path) -> None:
    """With the date."""
    made = development_certificate(tmp_path, "localhost", now=NOW)

    findings = check_pair(made.certificate, made.private_key, "localhost", now=NOW + days * DAY)

    assert word in findings[0].what


def pem(key: PrivateKeyTypes) -> bytes:
    """Write a key."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)


@pytest.mark.parametrize("content", [None, b"text", b""], ids=["missing", "text", "empty"])
def test_files_that_are_none_are_found_together(content: bytes | None, tmp_path: Path) -> None:
    """Certificate and key, missing or not PEM: both are told at once."""
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    if content is not None:
        certificate.write_bytes(content)
        key.write_bytes(content)

    with pytest.raises(Misconfigured) as raised:
        Material(certificate, key)

    assert len(raised.value.findings) == 2


def test_an_encrypted_key_is_found(pair: tuple[Path, Path]) -> None:
    """Nobody is there to type its password."""
    key = serialization.load_pem_private_key(pair[1].read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"x")
    pair[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))

    findings = check_pair(*pair, "auth.example.com", now=NOW)

    assert "is not an unencrypted PEM key" in findings[0].what


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "has 1024 bits"),
        (ed448.Ed448PrivateKey.generate, "of a kind that TLS clients do not know"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "of a kind that TLS clients do not know"),
    ],
)
def test_a_key_that_is_weak_or_unknown_to_clients_is_found(key: object, word: str, pair: tuple[Path, Path]) -> None:
    """rustls would end the process instead of saying so."""
    assert callable(key)
    pair[1].write_bytes(pem(key()))

    findings = check_pair(*pair, "auth.example.com", now=NOW)

    assert word in findings[0].what


@pytest.mark.parametrize("key", [lambda: rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate])
def test_other_good_keys_are_only_wrong_for_this_certificate(key: object, pair: tuple[Path, Path]) -> None:
    """RSA with 2048 bits and Ed25519 can be served."""
    assert callable(key)
    pair[1].write_bytes(pem(key()))

    findings = check_pair(*pair, "auth.example.com", now=NOW)

    assert [finding.what for finding in findings] == [f"{pair[1]} is not the key of {pair[0]}."]


def test_what_was_judged_is_what_is_served(pair: tuple[Path, Path]) -> None:
    """A file that changes meanwhile changes nothing, and the copy has no name on a disk."""
    before = [path.read_bytes() for path in pair]
    paths = Material(*pair).open()
    for path in pair:
        path.write_text("damaged")

    assert [path.read_bytes() for path in paths] == before
    assert all(path.resolve() is path for path in paths)
    assert all("memfd" in str(path.readlink()) for path in paths)
    close(*paths)
