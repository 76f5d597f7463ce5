"""The certificate for development: made when it is missing, renewed before it ends, never overwritten while it is good.

A local certificate authority and one leaf are kept in ``<data_dir>/certificates``. Trusting that
authority is a risk for whoever does it, so it can sign little: path length 0 and name constraints (RFC 5280 §4.2.1.9,
§4.2.1.10) hold it to this machine's loopback names and the origin's host.
"""

import fcntl
import ipaddress
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from doorward.errors import Finding, Misconfigured

AUTHORITY_LIFETIME: Final = timedelta(days=3650)
LEAF_LIFETIME: Final = timedelta(days=397)
"""The longest that browsers have accepted since 2020."""

RENEW_BEFORE: Final = timedelta(days=30)
_BACKDATED: Final = timedelta(hours=1)
"""Clocks of one machine and its virtual guests differ."""

_PRIVATE: Final = 0o600
_PUBLIC: Final = 0o644


@dataclass(frozen=True, slots=True)
class DevelopmentCertificate:
    """Files of the local authority and of the leaf it signed."""

    authority: Path
    certificate: Path
    private_key: Path


def development_certificate(folder: Path, host: str, *, now: int) -> DevelopmentCertificate:
    """Return the development certificate for ``host`` and the loopback names, made or renewed where that is due.

    ``now`` is in seconds since 1970 UTC. Raises ``Misconfigured`` when the authority in ``folder`` cannot sign for the
    host, is about to end, or is half missing when a leaf is due: only a person may replace what other people have been
    told to trust. A good leaf is served without the authority's key, which may be kept elsewhere.
    """
    moment = datetime.fromtimestamp(now, UTC)
    names = _names(host)
    with _alone(folder):
        files = DevelopmentCertificate(folder / "authority.pem", folder / "server.pem", folder / "server.key")
        authority_key_file = folder / "authority.key"
        if not files.authority.exists() and not authority_key_file.exists():
            _make_authority(files.authority, authority_key_file, names, moment)
        if not files.authority.exists():
            raise _half_missing(files.authority, folder)
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        if not _may_sign(authority, names, moment):
            what = f"The development authority in {folder} does not cover {host}, or is about to end."
            raise Misconfigured(Finding(what, f"Remove {folder} and start again; then trust the new authority."))
        if not _leaf_is_good(files, authority, names, moment):
            if not authority_key_file.exists():
                raise _half_missing(authority_key_file, folder)
            _make_leaf(files, authority, _load_key(authority_key_file), names, moment)
    return files


def _half_missing(file: Path, folder: Path) -> Misconfigured:
    what = f"{file} is missing, and the other half of the development authority is there."
    return Misconfigured(Finding(what, f"Restore it; or remove {folder}, start again and trust the new authority."))


def _names(host: str) -> list[x509.GeneralName]:
    wanted = dict.fromkeys(("localhost", "127.0.0.1", "::1", host))
    return [_name(each) for each in wanted]


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make_authority(certificate: Path, private_key: Path, names: list[x509.GeneralName], moment: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"doorward development authority {serial:x}"[:48])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = _usage(key_cert_sign=True, crl_sign=True)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), serial, moment - _BACKDATED, moment + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints([_constraint(each) for each in names], None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(private_key, _pem(key), _PRIVATE)
    _write(certificate, built.public_bytes(serialization.Encoding.PEM), _PUBLIC)


def _constraint(name: x509.GeneralName) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(name.value)) if isinstance(name, x509.IPAddress) else name


def _make_leaf(
    files: DevelopmentCertificate,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    moment: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(moment - _BACKDATED + LEAF_LIFETIME, authority.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "doorward development")])
    signer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    built = (
        x509.CertificateBuilder(
            authority.subject, subject, key.public_key(), x509.random_serial_number(), moment - _BACKDATED, end
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(files.private_key, _pem(key), _PRIVATE)
    _write(files.certificate, built.public_bytes(serialization.Encoding.PEM), _PUBLIC)


def _usage(**used: bool) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: used.get(name, False) for name in every.split()})


def _may_sign(authority: x509.Certificate, names: list[x509.GeneralName], moment: datetime) -> bool:
    allowed = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    in_time = authority.not_valid_before_utc <= moment < authority.not_valid_after_utc - RENEW_BEFORE
    return in_time and all(_constraint(name) in allowed for name in names)


def _leaf_is_good(
    files: DevelopmentCertificate, authority: x509.Certificate, names: list[x509.GeneralName], moment: datetime
) -> bool:
    try:
        leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        leaf.verify_directly_issued_by(authority)
        mine = _load_key(files.private_key).public_key() == leaf.public_key()
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    listed = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    in_time = leaf.not_valid_before_utc <= moment < leaf.not_valid_after_utc - RENEW_BEFORE
    return mine and in_time and all(name in listed for name in names)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not a key of ours")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put a file in place whole or not at all, with its mode from the first moment."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600 until it is complete
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, made with mode 0700 if need be, against another instance that starts at the same moment."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
