"""Whatever comes in: a token is believed or it is an ``InvalidToken``, and nothing else ever happens."""

import contextlib
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import InvalidToken
from doorward.jose import jws, jwt
from doorward.jose.spelling import base64url_decode, base64url_encode
from tests.jose.forge import TYPE, b64, claims, header, key_set, signing_key, token

modest = settings(max_examples=150, deadline=None, database=None)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["ES256", TYPE]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)


def believed(text: str) -> jwt.Token | None:
    """Decode. Any refusal must have a short fixed reason and repeat nothing; what else is raised fails the test."""
    refusal: InvalidToken | None = None
    try:
        return jwt.decode(text, key_set(), typ=TYPE)
    except InvalidToken as caught:
        refusal = caught

    assert refusal.args == ("invalid_token",)
    assert re.fullmatch(r"[a-z ]{3,20}", refusal.why)
    assert len(text) < 24 or text not in f"{refusal!r}{refusal.__context__!r}"
    return None


@modest
@given(st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    """All of Unicode."""
    assert believed(text) is None


@modest
@given(st.lists(st.text(ALPHABET, max_size=120), min_size=1, max_size=6).map(".".join))
def test_any_text_of_the_right_alphabet_is_refused(text: str) -> None:
    """Segments and dots."""
    assert believed(text) is None


@modest
@given(st.lists(st.binary(max_size=80).map(b64), min_size=3, max_size=3).map(".".join))
def test_any_three_encoded_parts_are_refused(text: str) -> None:
    """They reach the reader of headers."""
    assert believed(text) is None


@modest
@given(st.data())
def test_any_change_of_a_genuine_token_is_refused(data: st.DataObject) -> None:
    """Characters replaced, inserted and removed anywhere."""
    genuine = token(key=signing_key(data.draw(st.sampled_from(["ES256", "EdDSA"]))))
    start = data.draw(st.integers(0, len(genuine)))
    stop = data.draw(st.integers(start, min(len(genuine), start + 3)))
    changed = genuine[:start] + data.draw(st.text(ALPHABET + ".=+/ \n\0é", max_size=3)) + genuine[stop:]

    assert believed(genuine)
    assert changed == genuine or believed(changed) is None


@modest
@given(st.data())
def test_any_change_of_a_bit_is_refused(data: st.DataObject) -> None:
    """Of the header, the payload or the signature, encoded again as it should be."""
    parts = token().split(".")
    segment = data.draw(st.integers(0, 2))
    raw = bytearray(base64url_decode(parts[segment]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[segment] = base64url_encode(bytes(raw))

    assert believed(".".join(parts)) is None


@modest
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]) | st.text(max_size=4), anything, max_size=5)
)
def test_any_header_that_is_not_ours_is_refused_although_signed(head: dict[str, object]) -> None:
    """The signature is good; only the header is strange."""
    assert believed(token(head)) is None


@modest
@given(st.fixed_dictionaries({"alg": anything, "kid": anything, "typ": anything}))
def test_a_header_of_our_members_with_other_values_is_refused(head: dict[str, object]) -> None:
    """No value but ours is any good."""
    assert believed(token(head)) is None or head == header()


@modest
@given(anything)
def test_any_payload_is_claims_or_refused(body: object) -> None:
    """The signature is good; JSON of any shape, NaN and lone surrogates included."""
    encoded = json.dumps(body).encode()

    result = believed(token(body=encoded))

    if result is not None:
        assert result.claims == body == json.loads(encoded)


@modest
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_object_or_a_value_error(data: bytes) -> None:
    """With one fixed text."""
    refusal = ""
    try:
        assert jwt.parse_strict(data) == json.loads(data)
    except ValueError as caught:
        refusal = str(caught)

    assert refusal in {"", "not a strict JSON object"}


@modest
@given(st.text('{}[]":,\\u0019e-. \tntd8', max_size=60).map(lambda text: '{"a":' + text + "}"))
def test_what_the_strict_reader_takes_the_lenient_one_reads_the_same(text: str) -> None:
    """Ours accepts less than the standard library, and never something else."""
    try:
        read = jwt.parse_strict(text.encode())
    except ValueError:
        return

    assert read == json.loads(text)


@modest
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), plain, max_size=5))
def test_claims_survive_signing_and_verifying(said: dict[str, object]) -> None:
    """All that I-JSON can say, within the depth."""
    assert jwt.decode(jwt.encode(said, signing_key(), typ=TYPE), key_set(), typ=TYPE).claims == said


@modest
@given(st.binary(max_size=400))
def test_payloads_survive_signing_and_verifying(payload: bytes) -> None:
    """Any bytes."""
    assert jws.verify(jws.sign(payload, signing_key(), typ=TYPE), key_set(), typ=TYPE).payload == payload


@modest
@given(st.text(ALPHABET + "=+/ \n", max_size=12))
def test_bytes_have_one_spelling(text: str) -> None:
    """What is read is written the same."""
    try:
        data = base64url_decode(text)
    except ValueError:
        return

    assert base64url_encode(data) == text


@modest
@given(anything, anything, anything, anything)
def test_any_claims_are_checked_without_surprise(iss: object, aud: object, exp: object, iat: object) -> None:
    """The checks refuse or return, whatever the types."""
    said = claims(iss=iss, aud=aud, exp=exp, iat=iat, jti=aud)
    for check in (
        lambda: jwt.check_issuer(said, "x"),
        lambda: jwt.check_audience(said, "x"),
        lambda: jwt.check_times(said, now=1, leeway=0, max_lifetime=9),
        lambda: jwt.text_claim(said, "jti"),
        lambda: jwt.texts_claim(said, "jti"),
        lambda: jwt.optional_text_claim(said, "jti"),
    ):
        with contextlib.suppress(InvalidToken):
            check()


def test_a_text_that_is_only_a_surrogate_is_refused() -> None:
    """It cannot even be encoded; hypothesis finds it seldom."""
    for text in ("\ud800", f"{token()}\udfff", "\ud800.\ud800.\ud800"):
        assert believed(text) is None


def test_the_reader_of_a_refusal_sees_invalid_token_only() -> None:
    """The reason stays in ``why``, for the log."""
    with pytest.raises(InvalidToken, match=r"^invalid_token$"):
        jwt.decode("x", key_set(), typ=TYPE)
