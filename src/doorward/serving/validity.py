"""For how long a certificate is good: what ``doorward doctor`` asks before anybody is surprised by its end."""

from pathlib import Path

from cryptography import x509


def validity(certificate: Path) -> tuple[int, int] | None:
    """Return when the first certificate of a PEM file begins and ends, in seconds since 1970 UTC.

    ``None`` if it cannot be read; why is told by ``check_pair``.
    """
    try:
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError):
        return None
    return int(leaf.not_valid_before_utc.timestamp()), int(leaf.not_valid_after_utc.timestamp())
