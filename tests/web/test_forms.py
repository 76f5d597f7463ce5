"""Forms are read strictly."""

import string
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from doorward.errors import BodyTooLarge, InvalidFields, MalformedRequest, UnsupportedMediaType
from doorward.web.forms import MAX_FIELDS, MAX_FORM_BYTES, Form, check_filled, parse_form, read_form

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
FORM = b"application/x-www-form-urlencoded"


def request(body: bytes, *types: bytes) -> Request:
    """A request with a body of one piece."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", each) for each in types]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=MAX_FIELDS))
def test_what_a_browser_writes_is_read_back(fields: dict[str, str]) -> None:
    """Every text that a person can type arrives as it was typed, blanks and all."""
    assert parse_form(urlencode(fields).encode()) == fields


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"a=1&%61=2",
        b"a",
        b"=1",
        b"a=1&",
        b"&a=1",
        b"a=%00",
        b"a\0=1",
        b"a=%ff",
        b"a=\xff",
        b"a=%ed%a0%80",
        b"a=%c0%80",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"&".join(b"f%d=" % number for number in range(MAX_FIELDS + 1)),
    ],
)
def test_what_is_doubtful_is_refused(body: bytes) -> None:
    """Doubled, nameless and broken fields, NUL, surrogates, overlong and other wrong UTF-8, and too many fields."""
    with pytest.raises(MalformedRequest):
        parse_form(body)


@given(st.binary(max_size=200))
def test_nonsense_is_a_refusal_and_never_a_defect(body: bytes) -> None:
    """Whatever is sent, there is a form or a 400."""
    try:
        fields = parse_form(body)
    except MalformedRequest:
        return
    assert "\0" not in "".join([*fields, *fields.values()])


@pytest.mark.parametrize("kind", [FORM, FORM + b"; charset=UTF-8", FORM.upper() + b';charset="utf-8"'])
async def test_a_form_is_read(kind: bytes) -> None:
    """With the content type that browsers write."""
    form = await read_form(request(b"a=1", kind), ["a", "b"])

    assert dict(form) == {"a": "1"}
    assert (form["b"], len(form), repr(form)) == ("", 1, "Form(…)")
    assert form.only(["a", "b"]) == {"a": "1"}


@pytest.mark.parametrize("kinds", [(), (b"text/plain",), (b"multipart/form-data; boundary=x",), (FORM, FORM),
                                   (FORM + b"; charset=latin-1",), (FORM + b"x",)])  # fmt: skip
async def test_other_content_types_are_refused(kinds: tuple[bytes, ...]) -> None:
    """What an old browser can be made to send from elsewhere is no form, and neither is a doubtful type."""
    with pytest.raises(UnsupportedMediaType):
        await read_form(request(b"a=1", *kinds), ["a"])


async def test_a_form_is_capped_before_it_is_parsed() -> None:
    """However its bytes would read."""
    with pytest.raises(BodyTooLarge):
        await read_form(request(b"&" * (MAX_FORM_BYTES + 1), FORM), ["a"])


async def test_an_unknown_field_is_refused() -> None:
    """A form has the fields that it was shown with (mass assignment)."""
    with pytest.raises(MalformedRequest):
        await read_form(request(b"a=1&roles=admin", FORM), ["a"])


def test_fields_are_filled_in_and_not_too_long() -> None:
    """With everything that is wrong said at once."""
    with pytest.raises(InvalidFields) as refused:
        check_filled(Form({"a": "x" * 3, "b": ""}), {"a": 2, "b": 2, "c": 2})

    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/a", "too_long"),
        ("/b", "required"),
        ("/c", "required"),
    ]
    check_filled(Form({"a": string.ascii_letters}), {"a": 60})
