"""The one accepted spelling of bytes and of JSON."""

import pytest

from doorward.jose.spelling import MAX_DEPTH, base64url_decode, base64url_encode, parse_strict, write_json


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff\xbf", "-_-_"), (b"\0" * 3, "AAAA")],
)
def test_base64url_is_that_of_rfc_4648_without_padding(data: bytes, text: str) -> None:
    """§10 and §5, as RFC 7515 appendix C writes it."""
    assert base64url_encode(data) == text
    assert base64url_decode(text) == data


@pytest.mark.parametrize(
    "text", ["A", "Zh", "Zm9", "Zg==", "Zg=", "Z g", "Zm9v\n", "+/+/", "Zm9vé", "AAAAA", "=", "Zg\0"]
)
def test_any_other_spelling_is_refused(text: str) -> None:
    """Trailing bits, padding, foreign characters, impossible lengths."""
    with pytest.raises(ValueError, match="not canonical base64url"):
        base64url_decode(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_counted_to_the_limit(opening: str, closing: str) -> None:
    """The object around counts as one."""
    inner = MAX_DEPTH - 1

    assert parse_strict(f'{{"x":{opening * inner}1{closing * inner}}}'.encode())
    with pytest.raises(ValueError):
        parse_strict(f'{{"x":{opening * MAX_DEPTH}1{closing * MAX_DEPTH}}}'.encode())


@pytest.mark.parametrize("text", ["[" * 20, "{" * 20, '\\"' + "[" * 20, "\\\\" + "{" * 20, '[\\\\\\"' * 20, "]" * 20])
def test_brackets_in_texts_are_no_depth(text: str) -> None:
    """Also behind escaped quotation marks and backslashes."""
    body = '{"a":"' + text + '","b":[[[]]]}'

    assert parse_strict(body.encode())["b"] == [[[]]]


@pytest.mark.parametrize("text", [r"\\", r"\\\\", r"\"\\", r"\\\""])
def test_brackets_behind_escapes_are_depth(text: str) -> None:
    """An escaped backslash before the closing quotation mark hides nothing behind it."""
    assert parse_strict(b'{"a":"' + text.encode() + b'","b":"' + b"[" * 20 + b'"}')
    with pytest.raises(ValueError):
        parse_strict(b'{"a":"' + text.encode() + b'","b":' + b"[" * 20 + b"]" * 20 + b"}")


def test_depth_is_counted_to_the_limit_among_many_brackets() -> None:
    """The count and not the number of brackets decides."""
    inner = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)

    assert parse_strict(b'{"x":' + inner + b',"y":' + inner + b"}")
    with pytest.raises(ValueError):
        parse_strict(b'{"x":' + inner + b',"y":[' + inner + b"]}")


def test_many_shallow_values_are_no_depth() -> None:
    """Width is bounded by the length alone."""
    assert parse_strict(b'{"a":[' + b",".join([b"[]", b"{}"] * 100) + b"]}")


@pytest.mark.parametrize(
    "number", ["0", "-0", "9007199254740991", "-9007199254740991", "1.5", "-1e3", "1e308", "1E-400"]
)
def test_numbers_that_others_read_the_same_are_read(number: str) -> None:
    """Integers to ±(2⁵³−1), and what fits a double."""
    assert parse_strict(f'{{"a":{number}}}'.encode()) == {"a": float(number)}


def test_json_is_written_compactly_in_utf_8() -> None:
    """One spelling for what we sign."""
    assert write_json({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()
