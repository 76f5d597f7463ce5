"""For how long a certificate is good."""

from pathlib import Path

from doorward.serving.certificates import development_certificate
from doorward.serving.validity import validity

NOW = 1_795_000_000


def test_the_first_certificate_of_a_file_tells_its_times(tmp_path: Path) -> None:
    """In seconds since 1970 UTC."""
    made = development_certificate(tmp_path, "localhost", now=NOW)

    assert validity(made.certificate) == (NOW - 3600, NOW - 3600 + 397 * 86400)


def test_what_cannot_be_read_has_no_times(tmp_path: Path) -> None:
    """Missing, or not PEM."""
    (tmp_path / "text").write_text("text")

    assert validity(tmp_path / "missing") is None
    assert validity(tmp_path / "text") is None
