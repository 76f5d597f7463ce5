"""A password that waits in a form is readable for its instance alone, for one form of one browser."""

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.secret import Secret, SecretRing
from doorward.web.challenged import Challenged, seal_password, unseal_password

OLD, NEW = Secret("o" * 32), Secret("n" * 32)
RING = SecretRing((OLD, NEW))
NOW = 1_800_000_000


def sealed(password: str, *, ring: SecretRing = RING) -> str:
    """Seal one for ten minutes."""
    return seal_password(ring, password, bound_to="/login\0visitor", until=NOW + 600, entropy=secrets.token_bytes)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_what_was_sealed_is_read_back(password: str) -> None:
    """Every character of it, and none of it stands there."""
    text = sealed(password)

    assert unseal_password(RING, text, bound_to="/login\0visitor", now=NOW + 599) == password
    assert len(password) < 3 or password not in text


def test_the_same_password_is_sealed_differently_each_time() -> None:
    """So nobody sees that two are alike."""
    assert sealed("one") != sealed("one")


def test_a_secret_that_is_no_longer_the_newest_still_reads() -> None:
    """Until it leaves the ring."""
    text = sealed("one", ring=SecretRing((OLD,)))

    assert unseal_password(RING, text, bound_to="/login\0visitor", now=NOW) == "one"
    assert unseal_password(SecretRing((NEW,)), text, bound_to="/login\0visitor", now=NOW) == ""


@pytest.mark.parametrize(
    ("bound_to", "now"), [("/login\0other", NOW), ("/register\0visitor", NOW), ("/login\0visitor", NOW + 600)]
)
def test_it_is_good_for_one_form_of_one_browser_and_not_for_long(bound_to: str, now: int) -> None:
    """In every other place it is nothing."""
    assert unseal_password(RING, sealed("one"), bound_to=bound_to, now=now) == ""


@pytest.mark.parametrize("cut", [0, 3, 8, 17, 30])
def test_a_part_of_it_is_nothing(cut: int) -> None:
    """However much is missing."""
    raw = base64.urlsafe_b64decode(sealed("one"))[:cut]

    assert unseal_password(RING, base64.urlsafe_b64encode(raw).decode(), bound_to="/login\0visitor", now=NOW) == ""


@given(st.text(max_size=80))
def test_nonsense_is_nothing(text: str) -> None:
    """Whatever is sent."""
    assert unseal_password(RING, text, bound_to="/login\0visitor", now=NOW) == ""


@pytest.mark.parametrize(("wait", "time"), [(30, "0:30"), (60, "1:00"), (3600, "60:00"), (0, "0:00")])
def test_how_long_to_wait_is_said_in_minutes_and_seconds(wait: int, time: str) -> None:
    """In one form for all languages."""
    shown = {"token": "dwc_x", "wait": wait}

    assert Challenged.of(shown, secret="", kept="", by_itself=False).time == time


def test_nothing_of_it_is_printed() -> None:
    """Neither the token nor what is kept."""
    text = repr(Challenged.of({"token": "dwc_token"}, secret="password", kept="c2VhbGVk", by_itself=True))

    assert "dwc_token" not in text
    assert "c2VhbGVk" not in text
