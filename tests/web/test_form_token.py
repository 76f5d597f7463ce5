"""Form tokens belong to one session of one instance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.secret import Secret, SecretRing
from doorward.web.form_token import is_form_token, make_form_token

OLD, NEW = Secret(b"o" * 32), Secret(b"n" * 32)


def test_a_token_is_good_where_it_was_made() -> None:
    """And stays so when the instance gets a new secret, until the old one is dropped."""
    token = make_form_token(SecretRing((OLD,)), "ses_1")

    assert is_form_token(SecretRing((OLD,)), "ses_1", token)
    assert is_form_token(SecretRing((OLD, NEW)), "ses_1", token)
    assert not is_form_token(SecretRing((NEW,)), "ses_1", token)


def test_a_token_of_another_session_is_none() -> None:
    """It is bound."""
    ring = SecretRing((OLD,))

    assert not is_form_token(ring, "ses_2", make_form_token(ring, "ses_1"))


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_nonsense_is_no_token(text: str) -> None:
    """And no defect."""
    assert not is_form_token(SecretRing((OLD,)), "ses_1", text)


@pytest.mark.parametrize("change", [lambda token: token + "=", lambda token: token[:-1], lambda token: token.lower()])
def test_a_token_has_one_spelling(change: object) -> None:
    """No second spelling passes."""
    ring = SecretRing((OLD,))

    assert not is_form_token(ring, "ses_1", change(make_form_token(ring, "ses_1")))  # type: ignore[operator]
