"""A small list that decompresses to gigabytes: jwcrypto CVE-2026-39373, where the input was capped, not the output."""

import tracemalloc
import zlib

import pytest

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.spelling import base64url_encode
from doorward.verify.status_list import MAX_LIST_BYTES, read_list, unpack
from tests.verify.parties import NOW, Issuer

PARTY = Issuer()
URI = "https://auth.example/v1/status-lists/0"


def test_no_more_is_decompressed_than_a_list_may_have() -> None:
    """Memory is bounded by the cap, not by what is in there."""
    bomb = base64url_encode(zlib.compress(b"\0" * (64 * MAX_LIST_BYTES), 9))
    assert len(bomb) < MAX_LIST_BYTES // 8

    tracemalloc.start()
    try:
        with pytest.raises(InvalidToken):
            unpack(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 * MAX_LIST_BYTES


def test_a_bomb_within_a_token_of_ordinary_length_is_refused() -> None:
    """Four kilobytes are enough for three megabytes."""
    lst = base64url_encode(zlib.compress(b"\0" * (3 * MAX_LIST_BYTES), 9))
    claims = {"sub": URI, "iat": NOW, "exp": NOW + 60, "status_list": {"bits": 1, "lst": lst}}
    token = jwt.encode(claims, PARTY.key, typ="statuslist+jwt")

    with pytest.raises(InvalidToken):
        read_list(token, keys=PARTY.keys, uri=URI, now=NOW, leeway=0)


def test_a_bomb_in_a_bomb_is_one() -> None:
    """Nothing is decompressed twice."""
    inner = zlib.compress(b"\0" * MAX_LIST_BYTES, 9)

    assert unpack(base64url_encode(zlib.compress(inner, 9))) == inner
