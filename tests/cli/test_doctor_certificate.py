"""``doorward doctor``: the certificate, and what must happen before it ends."""

from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from doorward.cli.doctor.certificate import CertificateFacts, check_certificate, gather
from doorward.cli.doctor.results import Level
from doorward.core.clock import system_clock
from doorward.errors import Finding
from doorward.serving.certificates import development_certificate
from doorward.settings import Serving, Settings

NOW = 1_800_000_000
DAY = 86_400
PUBLIC = Settings(origin="https://auth.example.com")
OWN = CertificateFacts("own", Path("server.pem"), (), NOW - 60 * DAY, NOW + 305 * DAY)


@pytest.mark.parametrize(
    ("life", "left", "level"),
    [
        (365, 300, Level.FINE),
        (365, 31, Level.FINE),
        (365, 29, Level.ADVICE),
        (365, 8, Level.ADVICE),
        (365, 6, Level.MUST_FIX),
        (90, 30, Level.FINE),
        (90, 20, Level.ADVICE),
        (90, 6, Level.MUST_FIX),
        (6, 3, Level.FINE),
        (6, 1, Level.ADVICE),
    ],
)
def test_an_end_is_announced_in_time(life: int, left: int, level: Level) -> None:
    """In proportion to the life: who has certificates of six days renews them every few days."""
    facts = replace(OWN, begins_at=NOW - (life - left) * DAY, ends_at=NOW + left * DAY)

    (result,) = check_certificate(facts, PUBLIC, now=NOW)

    assert result.level is level
    assert f"{left} day" in result.what


def test_what_keeps_it_from_being_served_must_be_fixed() -> None:
    """Its end is then no news."""
    facts = replace(OWN, findings=(Finding("It is for somebody else.", "Get another."),), ends_at=NOW)

    results = check_certificate(facts, PUBLIC, now=NOW)

    assert [(each.level, each.what) for each in results] == [(Level.MUST_FIX, "It is for somebody else.")]


def test_behind_a_proxy_there_is_none_to_look_at(tmp_path: Path) -> None:
    """The proxy's certificate is on another machine, or another user's."""
    settings = Settings(serving=Serving(behind_proxy=True, trusted_proxies=("127.0.0.1",)), data_dir=tmp_path)

    (result,) = check_certificate(gather(settings, now=NOW), settings, now=NOW)

    assert result.level is Level.FINE
    assert "proxy" in result.what


def test_plain_http_on_this_machine_is_pointed_out(tmp_path: Path) -> None:
    """It is for development, and forgotten is how it gets elsewhere."""
    settings = Settings(origin="http://localhost:8443", serving=Serving(insecure_loopback=True), data_dir=tmp_path)

    (result,) = check_certificate(gather(settings, now=NOW), settings, now=NOW)

    assert result.level is Level.ADVICE
    assert "serving.insecure_loopback" in result.what


def test_a_development_certificate_is_right_for_development(tmp_path: Path) -> None:
    """Also before the first start has made it."""
    settings = Settings(data_dir=tmp_path)
    before = check_certificate(gather(settings, now=NOW), settings, now=NOW)
    development_certificate(tmp_path / "certificates", "localhost", now=NOW)

    (result,) = check_certificate(gather(settings, now=NOW), settings, now=NOW)

    assert [result] == before
    assert result.level is Level.FINE


def test_a_development_certificate_in_front_of_other_people_is_pointed_out(tmp_path: Path) -> None:
    """Their browsers would have to be told to look away."""
    settings = Settings(origin="https://auth.example.com", data_dir=tmp_path)

    (result,) = check_certificate(gather(settings, now=NOW), settings, now=NOW)

    assert result.level is Level.ADVICE
    assert "no browser trusts" in result.what


def test_the_end_of_the_local_authority_is_announced(tmp_path: Path) -> None:
    """Only a person may replace what other people have been told to trust."""
    settings = Settings(data_dir=tmp_path)
    development_certificate(tmp_path / "certificates", "localhost", now=NOW)
    later = NOW + 3648 * DAY

    (result,) = check_certificate(gather(settings, now=later), settings, now=later)

    assert result.level is Level.MUST_FIX
    assert result.fix.startswith(f"Remove {tmp_path / 'certificates'}")


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """A certificate of somebody's own, for the origin."""
    leaf = trustme.CA().issue_cert("auth.example.com")
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "server.pem"))
    leaf.private_key_pem.write_to_path(str(tmp_path / "server.key"))
    serving = Serving(certificate=tmp_path / "server.pem", private_key=tmp_path / "server.key")
    return Settings(origin="https://auth.example.com", serving=serving)


def test_a_certificate_of_ones_own_that_fits(own: Settings) -> None:
    """It names the origin, belongs to its key, and has time left."""
    now = system_clock()

    (result,) = check_certificate(gather(own, now=now), own, now=now)

    assert result.level is Level.FINE
    assert "fits its key and the origin" in result.what


def test_a_certificate_for_another_host_or_with_another_key(own: Settings, tmp_path: Path) -> None:
    """Whatever keeps it from being served."""
    now = system_clock()
    other_host = Settings(origin="https://other.example.com", serving=own.serving)
    results = check_certificate(gather(other_host, now=now), other_host, now=now)
    trustme.CA().issue_cert("x.example").private_key_pem.write_to_path(str(tmp_path / "server.key"))
    results += check_certificate(gather(own, now=now), own, now=now)

    assert [each.level for each in results] == [Level.MUST_FIX] * 2


@pytest.mark.parametrize("content", [None, "not PEM"])
def test_a_certificate_that_cannot_be_read(content: str | None, own: Settings, tmp_path: Path) -> None:
    """The doctor goes on."""
    (tmp_path / "server.pem").unlink()
    if content:
        (tmp_path / "server.pem").write_text(content)

    (result,) = check_certificate(gather(own, now=NOW), own, now=NOW)

    assert result.level is Level.MUST_FIX
    assert str(tmp_path / "server.pem") in result.what
