"""TLS material that was handed in: whether it can be served, and a copy of it that nobody can change meanwhile.

Granian reads certificate and key by path, and a file that is being replaced at that moment would take the process down
with it. So both are read once, judged as they were read, and given to Granian as files in memory (``memfd_create``):
what was judged is what is served, and no second copy of a private key touches a disk.
"""

import ipaddress
import os
from datetime import UTC, datetime
from pathlib import Path, PosixPath
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from doorward.errors import Finding, Misconfigured

MIN_RSA_BITS: Final = 2048
"""The least that the CA/Browser Forum allows, and that rustls takes."""


class InMemory(PosixPath):
    """The path of an open descriptor. It resolves to itself: what it points to has no name on any disk."""

    def resolve(self, strict: bool = False) -> "InMemory":  # noqa: ARG002 - the signature of Path.resolve
        """Return the path itself."""
        return self


class Material:
    """Certificate chain and key as they were at one moment."""

    def __init__(self, certificate: Path, private_key: Path) -> None:
        """Read both. Raises ``Misconfigured`` when they cannot be read, do not belong together or are too weak."""
        self.findings: list[Finding] = []
        chain = self._read(certificate, "The certificate")
        key = self._read(private_key, "The private key")
        self._name = str(certificate)
        self._leaf = self._parse_chain(chain, certificate)
        self._check_key(key, private_key)
        if self._leaf is None or chain is None or key is None or self.findings:
            raise Misconfigured(*self.findings)
        self._contents = (chain, key)

    def check(self, host: str, *, now: int) -> list[Finding]:
        """Return why a browser would refuse it for ``host`` at ``now`` (seconds since 1970 UTC). Trust is not asked."""
        leaf = self._leaf
        assert leaf is not None  # noqa: S101 - the constructor raises without it
        findings = []
        moment = datetime.fromtimestamp(now, UTC)
        if moment >= leaf.not_valid_after_utc:
            findings.append(Finding(f"{self._name} ended on {leaf.not_valid_after_utc:%Y-%m-%d}.", "Renew it."))
        if moment < leaf.not_valid_before_utc:
            what = f"{self._name} begins on {leaf.not_valid_before_utc:%Y-%m-%d}."
            findings.append(Finding(what, "Wait, or correct the clock of this machine."))
        if not _covers(leaf, host):
            findings.append(
                Finding(f"{self._name} is not for {host}, the host of the origin.", "Get one that names it.")
            )
        return findings

    def open(self) -> tuple[InMemory, InMemory]:
        """Return paths of certificate and key, good until :func:`close`."""
        return _in_memory(self._contents[0]), _in_memory(self._contents[1])

    def _read(self, path: Path, name: str) -> bytes | None:
        try:
            return path.read_bytes()
        except OSError as problem:
            self.findings.append(Finding(f"{name} {path} cannot be read: {problem.strerror}.", "Correct the path."))
            return None

    def _parse_chain(self, chain: bytes | None, path: Path) -> x509.Certificate | None:
        if chain is None:
            return None
        try:
            return x509.load_pem_x509_certificates(chain)[0]
        except ValueError:
            self.findings.append(Finding(f"The certificate {path} is not a PEM file of certificates.", "Give one."))
            return None

    def _check_key(self, data: bytes | None, path: Path) -> None:
        if data is None:
            return
        try:
            key = serialization.load_pem_private_key(data, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            self.findings.append(Finding(f"The private key {path} is not an unencrypted PEM key.", "Give one."))
            return
        match key:
            case rsa.RSAPrivateKey() if key.key_size < MIN_RSA_BITS:
                what = f"The private key {path} has {key.key_size} bits."
                self.findings.append(Finding(what, f"Make one with {MIN_RSA_BITS} or more, or an ECDSA key."))
            case rsa.RSAPrivateKey() | ed25519.Ed25519PrivateKey():
                pass
            case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1() | ec.SECP384R1()):
                pass
            case _:
                what = f"The private key {path} is of a kind that TLS clients do not know."
                self.findings.append(Finding(what, "Make an ECDSA key on P-256."))
        if self._leaf is not None and key.public_key() != self._leaf.public_key():
            what = f"{path} is not the key of {self._name}."
            self.findings.append(Finding(what, "Give the two that belong together."))


def check_pair(certificate: Path, private_key: Path, host: str, *, now: int) -> list[Finding]:
    """Return what keeps a certificate and its key from being served for ``host``; an empty list means they are good."""
    try:
        return Material(certificate, private_key).check(host, now=now)
    except Misconfigured as problem:
        return list(problem.findings)


def close(*paths: InMemory) -> None:
    """Give the memory back."""
    for path in paths:
        os.close(int(path.name))


def _in_memory(content: bytes) -> InMemory:
    descriptor = os.memfd_create("doorward")
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return InMemory(f"/proc/self/fd/{descriptor}")


def _covers(leaf: x509.Certificate, host: str) -> bool:
    """Match as RFC 9525 §6.3 does: a name in full, or ``*`` for the leftmost label."""
    try:
        listed = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return x509.IPAddress(ipaddress.ip_address(host)) in listed
    except ValueError:
        wanted = {host.lower(), "*." + host.lower().partition(".")[2]}
        return any(each.lower() in wanted for each in listed.get_values_for_type(x509.DNSName))
