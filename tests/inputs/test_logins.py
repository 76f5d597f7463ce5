"""E-mail addresses, usernames and roles: what they may be, and what comparing them means."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.accounts.model import MAX_EMAIL, check_email, check_role, check_username, login_key
from tests.inputs.conftest import check_refusal
from tests.support.house import PASSWORD, House
from tests.support.raw import post

ALLOWED = set(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-.@")

ACCEPTED = [
    "a@b.co",
    "Ada.Lovelace+tag@mail.example.test",
    "o'brien@example.test",
    "!#$%&'*+/=?^_`{|}~-@example.test",
    "a@1.2.3.4.test",
    "x@" + "a" * 63 + ".test",
    "a" * 64 + "@example.test",
    "user@xn--bcher-kva.example",
]

REFUSED = [
    "", "@", "a@", "@b.co", "a", "a@b", "a@@b.co", "a@b..co", ".a@b.co", "a.@b.co", "a..b@b.co", "a@-b.co", "a@b-.co",
    "a@.b.co", "a@b.co.", " a@b.co", "a@b.co ", "a @b.co", "a@b.co\n", "a@b.co\r\nBcc: eve@example.test", "a\0@b.co",
    '"e@attacker.com"@victim.com', '"a b"@b.co', "a@[127.0.0.1]", "a@b.co,eve@b.co", "a@b.co;eve@b.co", "<a@b.co>",
    "Ada <a@b.co>", "a(comment)@b.co", "a@b.co(comment)", "ä@b.co", "a@bücher.example", "a\u200b@b.co", "a@b\u3002co",
    "a@b.co%00", "a\\@b.co", "a:b@b.co", "mailto:a@b.co", "a" * 65 + "@b.co", "a@" + "b" * 64 + ".co",
    "a@" + ".".join(["b" * 60] * 5), "\ud800@b.co", "\uff41@b.co", "a\u202e@b.co",
]  # fmt: skip


@pytest.mark.parametrize("email", ACCEPTED)
def test_an_ordinary_address_is_accepted(email: str) -> None:
    """RFC 5321 §4.1.2: a dot-string at a domain with a dot."""
    assert check_email(email) is None


@pytest.mark.parametrize("email", REFUSED)
def test_whatever_two_parsers_could_read_differently_is_refused(email: str) -> None:
    """next-auth GHSA-5jpx-9hw9-2fx4 (quotes), Keycloak CVE-2025-8419 (injection), GitLab CVE-2023-7028 (lists)."""
    error = check_email(email)

    assert error is not None
    assert (error.pointer, error.code) == ("/email", "invalid_email")
    assert len(email) < 2 or email not in error.detail


@given(st.text() | st.from_regex(r"[^@]{1,80}@[^@]{1,200}") | st.emails())
def test_an_accepted_address_is_plain(email: str) -> None:
    """Nothing that a mail header, a shell, a log or HTML could take for more than a letter passes."""
    if check_email(email) is not None:
        return
    assert len(email) <= MAX_EMAIL
    assert email.count("@") == 1
    assert set(email) <= ALLOWED
    assert login_key(email) == email.lower()


@given(st.text())
def test_a_key_of_a_key_is_the_key(login: str) -> None:
    """Normalising twice changes nothing, so what was remembered under a key is found under it."""
    assert login_key(login_key(login)) == login_key(login)


@given(st.text() | st.from_regex(r"\A[A-Za-z0-9._-]{1,40}\Z"))
def test_a_username_cannot_be_taken_for_an_address_or_for_another_name(username: str) -> None:
    """ASCII letters, digits and three signs; two names are the same if and only if their letters are."""
    if check_username(username) is not None:
        return
    assert 3 <= len(username) <= 32
    assert username.isascii()
    assert "@" not in username
    assert login_key(username) == username.lower()


@given(st.text() | st.from_regex(r"\A[a-z][a-z0-9_.:-]*\Z"))
def test_a_role_needs_no_quoting_anywhere(role: str) -> None:
    """Roles stand in tokens, headers and lists that are separated by spaces and commas."""
    if check_role(role):
        assert set(role) <= set(string.ascii_lowercase + string.digits + "_.:-")
        assert 1 <= len(role) <= 64


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 60000 + "@",
        "a." * 30000 + "@b.co",
        "a@" + "a." * 30000,
        "a@" + "a-" * 30000,
        "a@" + "-" * 60000,
        "@" * 60000,
        "a" * 60000,
        "\u0301" * 30000,
        "\ufdfa" * 20000,
    ],
)
def test_no_address_takes_long_to_refuse(hostile: str) -> None:
    """No regular expression here goes back and forth over what it has read (ReDoS)."""
    began = time.perf_counter()
    for check in (check_email, check_username):
        assert check(hostile) is not None
    assert not check_role(hostile)

    assert time.perf_counter() - began < 0.5


async def test_a_refused_address_makes_no_account(target: House) -> None:
    """Over HTTP: one field error, nothing stored, for every row above."""
    for email in REFUSED:
        answer = await post(target.auth, "/v1/accounts", {"email": email, "password": PASSWORD})

        check_refusal(answer, 400, 422)
    assert await target.auth._database.fetch_all("SELECT id FROM account") == []


@pytest.mark.parametrize("login", ["ａｄａ@example.test", "ADA@EXAMPLE.TEST", "aDa@example.test"])
async def test_the_same_login_in_another_spelling_is_the_same_account(target: House, login: str) -> None:
    """One person, one account: what is compared is the key."""
    account = await target.register("Ada@Example.test")

    assert (await target.log_in(login))["account"]["id"] == account["id"]


@pytest.mark.parametrize(
    "login", ["ada@example.test\0", "ada@example.test ", "ada\u200b@example.test", "ada@example.tes"]
)
async def test_a_login_that_is_almost_one_is_nobodys(target: House, login: str) -> None:
    """Nothing is trimmed or repaired."""
    await target.register()

    answer = await post(target.auth, "/v1/login", {"login": login, "password": PASSWORD})

    check_refusal(answer, 400, 401)
