"""Huge tokens, headers and crowds of dots (row 28).

golang-jwt CVE-2025-30204, Authlib CVE-2025-61920, joserfc CVE-2025-65015 (the error text repeats the token).
"""

import tracemalloc

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jws, jwt
from tests.jose.forge import TYPE, accepted, claims, header, key_set, refused, signing_key, token


def of_length(length: int) -> str:
    """A genuine token of exactly that many characters."""
    key = signing_key("EdDSA")
    fixed = len(jws.sign(b"", key, typ=TYPE))
    payload = b'{"a":"' + b"x" * ((length - fixed) * 3 // 4 - 8) + b'"}'
    return jws.sign(payload, key, typ=TYPE)


def test_a_token_at_the_limit_is_accepted_and_one_beyond_is_refused() -> None:
    """The boundary: 8192 characters."""
    longest = next(genuine for size in range(4) if len(genuine := of_length(8192 - size)) == 8192)

    assert accepted(longest)
    assert refused(longest + "A") == "length"


def test_a_token_that_nobody_would_read_is_not_made() -> None:
    """The other side of the boundary: signing refuses what verifying would."""
    with pytest.raises(ValueError, match="too long"):
        jwt.encode(claims(name="x" * 8192), signing_key(), typ=TYPE)


@pytest.mark.parametrize("piece", ["A", ".", "A.", "..A", "\u0000", "é", '{"a":'])
def test_megabytes_are_refused_by_their_length_alone(piece: str) -> None:
    """Nothing is split, decoded or copied first."""
    huge = piece * (4_000_000 // len(piece))
    tracemalloc.start()

    assert refused(huge) == "length"

    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@pytest.mark.parametrize("dots", [0, 1, 3, 4, 100, 8000])
def test_any_number_of_dots_but_two_is_refused(dots: int) -> None:
    """Splitting stops behind the third."""
    assert refused("A" + "." * dots + "A") == "segments"


def test_a_header_beyond_one_kilobyte_is_refused() -> None:
    """Ours has about a hundred bytes."""
    wide = str(header()).replace("'", '"').encode()

    assert accepted(token(wide[:-1] + b" " * (1024 - len(wide)) + b"}"))
    assert refused(token(wide[:-1] + b" " * (1025 - len(wide)) + b"}")) == "header"


@pytest.mark.parametrize(
    "forged",
    ["CANARY" * 100, "CANARY." * 3, "CANARY!.CANARY.CANARY", "Q0FOQVJZ.CANARY.CANARYQQ", "CANARY.CANARY.CANARY" * 1000],
)
def test_an_error_repeats_nothing_of_the_token(forged: str) -> None:
    """The text and everything it was caused by are fixed and short."""
    with pytest.raises(InvalidToken) as caught:
        jwt.decode(forged, key_set(), typ=TYPE)

    error: BaseException | None = caught.value
    while error is not None:
        assert "CANARY" not in f"{error!r} {error} {vars(error)}"
        assert len(repr(error)) < 100
        error = error.__context__
