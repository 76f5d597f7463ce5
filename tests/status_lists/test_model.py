"""Places and bytes of status lists, with the vectors of the draft. Pure."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import InvalidToken
from doorward.jose.spelling import base64url_encode
from doorward.status_lists.model import LIST_SIZE, Bits, pack, place_of, serials_of
from doorward.verify.status_list import MAX_LIST_BYTES, status_at, unpack

SPARSE = (0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345)

VECTORS: dict[str, tuple[Bits, dict[int, int], str]] = {
    "section 4.1, one bit": (
        1,
        dict(enumerate((1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1))),
        "eNrbuRgAAhcBXQ",
    ),
    "section 4.1, two bits": (
        2,
        dict(enumerate((1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3))),
        "eNo76fITAAPfAgc",
    ),
    "appendix C, one bit": (
        1,
        dict.fromkeys(SPARSE, 1),
        (
            "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAA"
            "AJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb"
        ),
    ),
    "appendix C, two bits": (
        2,
        dict(zip(SPARSE, (1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3), strict=True)),
        (
            "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5"
            "WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoA"
            "AAAAAAAAAAAAAEBqH81gAQw"
        ),
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_draft_are_read(name: str) -> None:
    """draft-ietf-oauth-status-list: every status that is told, and 0 everywhere else."""
    bits, statuses, lst = VECTORS[name]

    packed = unpack(lst)

    indexes = range(16) if len(packed) < 8 else [index + step for index in SPARSE for step in (0, 1, 2, 3)]
    found = {index: status_at(packed, bits=bits, index=index) for index in indexes if index < len(packed) * 8 // bits}
    assert found == {index: statuses.get(index, 0) for index in found}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_draft_are_written(name: str) -> None:
    """To the byte, compression included."""
    bits, statuses, lst = VECTORS[name]
    size = len(unpack(lst)) * 8 // bits

    assert base64url_encode(zlib.compress(pack(statuses.items(), bits=bits, size=size), 9)) == lst


def test_the_first_vector_is_the_two_bytes() -> None:
    """B9 A3, in both directions."""
    assert unpack("eNrbuRgAAhcBXQ") == b"\xb9\xa3"
    assert base64url_encode(zlib.compress(b"\xb9\xa3", 9)) == "eNrbuRgAAhcBXQ"


@given(st.sampled_from((1, 2, 4, 8)), st.dictionaries(st.integers(0, 999), st.integers(0, 255), max_size=50))
def test_what_is_written_is_read(bits: Bits, statuses: dict[int, int]) -> None:
    """For every width."""
    fitting = {index: status % (1 << bits) for index, status in statuses.items()}

    packed = pack(fitting.items(), bits=bits, size=1000)

    assert {index: status_at(packed, bits=bits, index=index) for index in fitting} == fitting
    assert unpack(base64url_encode(zlib.compress(packed))) == packed


def test_the_serials_of_a_list_have_all_its_places_once() -> None:
    """A permutation: nobody shares a place, and none is left out."""
    for number in (0, 3):
        first, behind = serials_of(number)
        places = [place_of(serial, b"k" * 32) for serial in range(first, behind)]

        assert {place.number for place in places} == {number}
        assert sorted(place.index for place in places) == list(range(LIST_SIZE))


def test_places_tell_nothing_of_neighbours() -> None:
    """Sessions that begin one after the other are far apart, and differently in every list and instance."""
    of_key = [place_of(serial, b"k" * 32).index for serial in range(100)]
    of_other_key = [place_of(serial, b"o" * 32).index for serial in range(100)]
    of_next_list = [place_of(LIST_SIZE + serial, b"k" * 32).index for serial in range(100)]

    assert sum(abs(one - two) < 100 for one, two in pairwise(of_key)) < 20
    assert len({tuple(of_key), tuple(of_other_key), tuple(of_next_list)}) == 3


@pytest.mark.parametrize("lst", ["", "x", "eNrbuRgAAhcBXQ=", "!!!", "AAAA", base64url_encode(b"\xb9\xa3")])
def test_what_cannot_be_decompressed_is_refused(lst: str) -> None:
    """Another spelling of base64url, no zlib at all, nothing."""
    with pytest.raises(InvalidToken):
        unpack(lst)


def test_a_list_that_is_cut_off_or_followed_by_more_is_refused() -> None:
    """Two readers could see two lists."""
    whole = zlib.compress(b"\0" * 100)

    for data in (whole[:-1], whole[:4], whole + b"x"):
        with pytest.raises(InvalidToken):
            unpack(base64url_encode(data))


def test_the_largest_list_is_read() -> None:
    """To the byte."""
    assert len(unpack(base64url_encode(zlib.compress(b"\0" * MAX_LIST_BYTES)))) == MAX_LIST_BYTES
    with pytest.raises(InvalidToken):
        unpack(base64url_encode(zlib.compress(b"\0" * (MAX_LIST_BYTES + 1))))
