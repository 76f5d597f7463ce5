"""Finding the one bearer token of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import InvalidRequest
from doorward.verify.headers import bearer_token, header, separated


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"bEaReR"])
def test_the_scheme_is_compared_without_regard_to_letter_case(scheme: bytes) -> None:
    """RFC 9110 section 11.1."""
    assert bearer_token([(b"host", b"x"), (b"authorization", scheme + b" abc.def-_~+/==")]) == "abc.def-_~+/=="


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"cookie", b"authorization=Bearer abc")],
        [(b"x-authorization", b"Bearer abc")],
        [(b"proxy-authorization", b"Bearer abc")],
        [(b"authorization", b"Basic dXNlcjpwYXNz")],
        [(b"authorization", b"Bearerish abc")],
        [(b"authorization", b"Bearer-2 abc")],
        [(b"authorization", b"abc.def.ghi")],
        [(b"authorization", b"")],
    ],
)
def test_no_bearer_credential_is_no_credential(headers: list[tuple[bytes, bytes]]) -> None:
    """Other headers and other schemes say nothing to this verifier."""
    assert bearer_token(headers) is None


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer",
        b"Bearer ",
        b" Bearer abc",
        b"Bearer  abc",
        b"Bearer abc ",
        b"Bearer\tabc",
        b"Bearer\x00abc",
        b"Bearer abc def",
        b"Bearer abc, Bearer def",
        b"Bearer abc,def",
        b"Bearer a=b",
        b"Bearer ==",
        b'Bearer "abc"',
        b"Bearer=abc",
        b"Bearer:abc",
        b"Bearer a%2Eb",
        b"Bearer \xef\xbb\xbfabc",
        "Bearer ａｂｃ".encode(),
        b"Bearer abc\r\nX: y",
        b"bearer bearer abc",
    ],
)
def test_a_malformed_bearer_credential_is_said_to_be_one(value: bytes) -> None:
    """It was meant as a credential and is none (RFC 6750 section 3.1: ``invalid_request``)."""
    with pytest.raises(InvalidRequest):
        bearer_token([(b"authorization", value)])


@pytest.mark.parametrize("second", [b"Bearer abc", b"Bearer def", b"Basic eDp5", b"", b"garbage"])
@pytest.mark.parametrize("first", [b"Bearer abc", b"Basic eDp5", b""])
def test_two_authorization_headers_are_refused(first: bytes, second: bytes) -> None:
    """Whoever stands in front may have looked at the other one."""
    with pytest.raises(InvalidRequest):
        bearer_token([(b"authorization", first), (b"accept", b"*/*"), (b"authorization", second)])


def test_repeated_headers_are_joined() -> None:
    """RFC 9110 section 5.3."""
    assert header([(b"accept", b"a"), (b"x", b"y"), (b"accept", b"b")], b"accept") == b"a, b"
    assert header([], b"accept") == b""


@pytest.mark.parametrize(
    ("joined", "parts"),
    [
        ("Bearer abc", 1),
        ("Basic eDp5", 1),
        ('Digest username="ada", realm="x", uri="/"', 1),
        ("", 1),
        ("Bearer abc,Bearer abc", 2),
        ("Bearer abc, Basic eDp5", 2),
        ("Basic eDp5,Bearer abc", 2),
        ("Basic eDp5,garbage", 2),
        ("Basic eDp5,", 2),
        (",Bearer abc", 2),
        ('Digest username="ada", realm="x", Bearer abc', 2),
    ],
)
def test_what_a_gateway_has_joined_is_taken_apart(joined: str, parts: int) -> None:
    """Parameters of one credential are ``name=value``; whatever else follows a comma was a second one."""
    assert len(separated(joined)) == parts


@given(first=st.binary(max_size=40), second=st.sampled_from([b"Bearer abc", b"Basic eDp5", b"garbage", b""]))
def test_two_joined_headers_are_never_one(first: bytes, second: bytes) -> None:
    """Property: whatever came first, a credential behind it is refused as ambiguous or is none, never believed."""
    joined = (first + b"," + second).decode("latin-1")

    try:
        found = bearer_token(separated(joined))
    except InvalidRequest:
        found = None

    assert found is None
