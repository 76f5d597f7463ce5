"""The shipped list holds what it says, and a damaged one is noticed."""

import gzip
import hashlib
import re
import struct
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.passwords.blocklist import BUCKETS, MAGIC, Blocklist, pack, place

DATA = files("doorward.passwords").joinpath("data")
SHIPPED = Blocklist()
VECTORS = Path(__file__).parents[1] / "vectors"
SAMPLE = gzip.decompress((VECTORS / "common_passwords.txt.gz").read_bytes()).decode().split("\n")


@pytest.mark.parametrize("least", [8, 15])
def test_list_holds_ten_thousand_that_satisfy_the_length(least: int) -> None:
    """ASVS 6.2.4 asks for 3,000, the purpose of this list for 10,000; every one of the sample is found."""
    long_enough = {word for word in SAMPLE if len(word) >= least}

    assert len(long_enough) >= 10_000
    assert all(word in SHIPPED for word in long_enough)


@pytest.mark.parametrize("password", ["password", "PASSWORD", "Password1", "qwertyuiop", "leavemealone", "letmein"])
def test_well_known_password_is_listed(password: str) -> None:
    """In any letter case."""
    assert password in SHIPPED
    assert SHIPPED.reason(password) == "The password is on a list of common passwords."


@pytest.mark.parametrize("password", ["monkey2024!!", "zyxwvutsrqponm", "abababababababab"])
def test_shape_is_refused_with_its_reason(password: str) -> None:
    """What is not on the list may still be made of it."""
    assert password not in SHIPPED
    assert SHIPPED.reason(password) is not None


@pytest.mark.parametrize("password", ["xK9#vQ2mLp", "zebra umbrella 42", "", "\ud7ff"])
def test_unknown_password_is_not_listed(password: str) -> None:
    """And nothing is said against it."""
    assert SHIPPED.reason(password) is None


def test_readme_tells_the_truth() -> None:
    """Counts, size and checksum in data/README.md are those of the file."""
    told = DATA.joinpath("README.md").read_text()
    raw = DATA.joinpath("common.bin").read_bytes()

    figures = [int(figure.replace(",", "")) for figure in re.findall(r"\| ([\d,]+)(?: bytes)? \|", told)[:4]]
    assert figures == [len(SHIPPED), SHIPPED.at_least_8, SHIPPED.at_least_15, len(raw)]
    assert hashlib.sha256(raw).hexdigest() in told
    assert len(raw) < 3_000_000


def test_licences_travel_with_the_list() -> None:
    """The notices of the three sources are shipped."""
    notices = DATA.joinpath("LICENSES.txt").read_text()

    assert all(name in notices for name in ("Django Software Foundation", "Daniel Wolf", "Seantis", "Daniel Miessler"))


@settings(deadline=None)
@given(st.sets(st.text(alphabet="abcß", min_size=1, max_size=6), min_size=1, max_size=50))
def test_packed_list_holds_its_words_and_no_others(words: set[str]) -> None:
    """What is packed is found again."""
    made = Blocklist(pack(words))

    assert len(made) == len(words)
    assert all(made._holds(word) for word in words)
    assert not any(made._holds(word + "!") for word in words)


@pytest.mark.parametrize(("with_itself", "expected"), [(False, False), (True, True)])
def test_match_across_two_neighbours_is_none(with_itself: bool, expected: bool) -> None:
    """Remainders lie side by side without a gap; only a whole one counts, and it is found behind a false match."""
    bucket, remainder = place("word")
    entries = [b"\0\0" + remainder[:2], remainder[2:] + b"\xff\xff", *([remainder] if with_itself else [])]
    sizes = bytearray(BUCKETS)
    sizes[bucket] = len(entries)

    made = Blocklist(struct.pack(">8sIII", MAGIC, len(entries), 0, 0) + bytes(sizes) + b"".join(entries))

    assert ("word" in made) is expected


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:1000],
        lambda raw: raw[:-1],
        lambda raw: raw[:-4],
        lambda raw: raw + b"\0\0\0\0",
        lambda raw: b"XXCOMM1\n" + raw[8:],
        lambda raw: raw[:100] + bytes([raw[100] + 1]) + raw[101:],
    ],
)
def test_damaged_list_stops_the_start(damage: object) -> None:
    """An incomplete list would let common passwords through in silence."""
    raw = pack({"password", "letmein"})

    with pytest.raises(ValueError, match="damaged"):
        Blocklist(damage(raw))  # type: ignore[operator]
