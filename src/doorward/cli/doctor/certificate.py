"""The certificate: whether it fits, for how long, and what must happen before it ends."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from doorward.cli.doctor.results import Result, advice, fine, must_fix, must_fix_all
from doorward.cli.doctor.settings import is_loopback
from doorward.cli.times import rough
from doorward.errors import Finding
from doorward.settings import Settings

DAY: Final = 86_400
ADVISED_BEFORE: Final = 30 * DAY
URGENT_BEFORE: Final = 7 * DAY
"""For a certificate of a year. A shorter one is advised at a quarter of its life and urgent at a tenth: who renews by
ACME does so at a third."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What serves TLS. Times are seconds since 1970 UTC, ``None`` where the certificate is not there or unreadable."""

    kind: Literal["own", "development", "proxy", "none"]
    certificate: Path | None = None
    findings: tuple[Finding, ...] = ()
    begins_at: int | None = None
    ends_at: int | None = None


def gather(settings: Settings, *, now: int) -> CertificateFacts:
    """Look at the files that a server would use now; the mode of the key is a rule of the settings."""
    from doorward.serving.material import check_pair
    from doorward.serving.validity import validity

    serving = settings.serving
    if serving.insecure_loopback:
        return CertificateFacts("none")
    if serving.behind_proxy:
        return CertificateFacts("proxy")
    if serving.certificate is not None and serving.private_key is not None:
        certificate, key = serving.certificate, serving.private_key
        host = urlsplit(settings.origin).hostname or ""
        findings = tuple(check_pair(certificate, key, host, now=now))
        begins_at, ends_at = validity(certificate) or (None, None)
        return CertificateFacts("own", certificate, findings, begins_at, ends_at)
    authority = settings.data_dir / "certificates" / "authority.pem"
    begins_at, ends_at = validity(authority) or (None, None)
    return CertificateFacts("development", authority, (), begins_at, ends_at)


def check_certificate(facts: CertificateFacts, settings: Settings, *, now: int) -> list[Result]:
    """Report what keeps the certificate from being served, its end, and a development one in front of other people."""
    if facts.kind == "proxy":
        return [fine("https", "The proxy ends TLS; its certificate cannot be seen from here.")]
    if facts.kind == "none":
        what = "Plain HTTP is served on this machine, for development (serving.insecure_loopback)."
        return [advice("https", what, "Unset DOORWARD_SERVING__INSECURE_LOOPBACK before anybody else logs in.")]
    results = must_fix_all("https", facts.findings)
    if facts.kind == "development" and not is_loopback(settings):
        what = f"{settings.origin} is served with a certificate made here, which no browser trusts."
        fix = "Set DOORWARD_SERVING__CERTIFICATE and DOORWARD_SERVING__PRIVATE_KEY, or put a proxy in front."
        results.append(advice("https", what, fix))
    if not facts.findings:
        results += _check_end(facts, now=now)
    return results or [fine("https", _summary(facts, now))]


def _check_end(facts: CertificateFacts, *, now: int) -> list[Result]:
    if facts.certificate is None or facts.begins_at is None or facts.ends_at is None:
        return []
    left, life = facts.ends_at - now, facts.ends_at - facts.begins_at
    what = f"{facts.certificate} ends in {rough(left)}."
    fix = "Renew it; a running server takes the new files by itself."
    if facts.kind == "development":
        fix = f"Remove {facts.certificate.parent} and start again; then trust the new authority."
    if left < min(URGENT_BEFORE, life // 10):
        return [must_fix("https", what, fix)]
    return [advice("https", what, fix)] if left < min(ADVISED_BEFORE, life // 4) else []


def _summary(facts: CertificateFacts, now: int) -> str:
    if facts.kind == "development":
        return "A local authority signs the certificate, which is right for development."
    return f"{facts.certificate} fits its key and the origin, and ends in {rough((facts.ends_at or now) - now)}."
