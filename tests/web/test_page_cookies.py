"""The small cookies of pages are read as strictly as the session's."""

import base64

import pytest

from doorward.core.clock import system_entropy
from doorward.core.secret import Secret, SecretRing
from doorward.web.page_cookies import Draft, PageCookies, owner_mark, seal_draft, unseal_draft

RING = SecretRing((Secret(b"s" * 32),))
OTHER = SecretRing((Secret(b"t" * 32),))


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ([b"__Host-doorward-visitor=abc"], "abc"),
        ([b"x=1;\t__Host-doorward-visitor=abc ; y=2"], "abc"),
        ([b"__Host-doorward-visitor=abc; __Host-doorward-visitor=abc"], ""),
        ([b"__Host-doorward-visitor=abc", b"__Host-doorward-visitor=def"], ""),
        ([b"\xa0__Host-doorward-visitor=abc"], ""),
        ([b"\x85__Host-doorward-visitor=abc"], ""),
        ([b"__Host-doorward-visitor\t=abc"], ""),
        ([b"__HOST-doorward-visitor=abc"], ""),
        ([b"=__Host-doorward-visitor=abc"], ""),
        ([b'__Host-doorward-visitor="abc"'], ""),
        ([b"__Host-doorward-visitor="], ""),
        ([b"__Host-doorward-visitor=" + b"a" * 4000], ""),
        ([], ""),
    ],
)
def test_one_cookie_of_exactly_this_name_counts(headers: list[bytes], value: str) -> None:
    """Tossed, doubled, quoted and misspelt ones are none."""
    assert (
        PageCookies.of("https://auth.example.test").visitor.read(
            [(b"host", b"x"), *((b"cookie", each) for each in headers)]
        )
        == value
    )


def test_a_draft_comes_back_as_it_was() -> None:
    """In a cookie's alphabet."""
    draft = Draft(owner_mark(RING, "acc_1"), "/account", {"name": "Ada ☕; =", "username": ""})

    assert unseal_draft(RING, seal_draft(RING, draft, entropy=system_entropy)) == draft


def test_a_draft_that_is_too_long_for_a_cookie_is_not_kept() -> None:
    """Browsers would drop it in silence."""
    assert seal_draft(RING, Draft("o", "/account", {"name": "x" * 3000}), entropy=system_entropy) == ""


def test_a_draft_tells_nothing_to_who_looks_into_the_cookies() -> None:
    """A session ends by itself where somebody has walked away from a shared computer."""
    draft = Draft(owner_mark(RING, "acc_1"), "/account/email", {"new_email": "secret@example.test"})

    value = seal_draft(RING, draft, entropy=system_entropy)
    seen = b"".join(base64.urlsafe_b64decode(part + "==") for part in value.split("."))

    assert b"secret" not in seen
    assert b"/account" not in seen
    assert value != seal_draft(RING, draft, entropy=system_entropy)


@pytest.mark.parametrize(
    "value",
    ["", ".", "x", "x.y", "A" * 80, seal_draft(OTHER, Draft("o", "/account", {}), entropy=system_entropy)],
    ids=["empty", "dot", "letter", "two letters", "long", "of another instance"],
)
def test_a_draft_of_somebody_else_is_none(value: str) -> None:
    """Only what this instance has sealed is shown."""
    assert unseal_draft(RING, value) is None


def test_owners_have_different_marks_in_every_instance() -> None:
    """And the mark does not tell the account."""
    assert len({owner_mark(RING, "acc_1"), owner_mark(RING, "acc_2"), owner_mark(OTHER, "acc_1")}) == 3


def test_over_plain_http_the_cookies_have_other_names() -> None:
    """Which are on this machine alone; neither kind ever passes for the other."""
    cookie = PageCookies.of("http://localhost:8080").visitor

    assert cookie.write("x") == "doorward-insecure-visitor=x; Path=/; HttpOnly; SameSite=Lax"
    assert cookie.read([(b"cookie", b"__Host-doorward-visitor=x")]) == ""
    assert cookie.clear() == "doorward-insecure-visitor=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
