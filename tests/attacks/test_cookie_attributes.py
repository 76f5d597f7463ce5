"""A cookie without its attributes is stolen, sent along or fixed (RFC 6265bis §4.1.3.2, ASVS 3.3)."""

from http.cookies import SimpleCookie

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import OURS, Answer, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")


async def _all_set_cookies(house: House) -> dict[str, str]:
    """Collect every Set-Cookie that a journey meets."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    entered = await post(house.auth, "/v1/login", login, OURS)
    held = _cookie(entered)
    proved = await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD}, held, OURS)
    held = _cookie(proved)
    change = {"current_password": PASSWORD, "new_password": "another correct horse battery staple"}
    changed = await post(house.auth, "/v1/me/password", change, held, OURS)
    left = await post(house.auth, "/v1/logout", {}, _cookie(changed), OURS)
    dead = await call(house.auth, "GET", "/v1/me", headers=[_cookie(changed)])
    answers = {"log-in": entered, "step-up": proved, "change": changed, "refusal": dead, "log-out": left}
    return {name: answer.values(b"set-cookie")[0].decode() for name, answer in answers.items()}


def _cookie(answer: Answer) -> tuple[bytes, bytes]:
    return cookie(answer.values(b"set-cookie")[0].partition(b";")[0])


async def test_every_cookie_that_is_set_has_every_attribute_and_no_domain(house: House) -> None:
    """Also the one that clears: a browser ignores a ``__Host-`` cookie that lacks one, and keeps the old value."""
    for where, text in (await _all_set_cookies(house)).items():
        morsel = SimpleCookie(text)["__Host-doorward"]

        assert morsel["secure"] is True, where
        assert morsel["httponly"] is True, where
        assert morsel["path"] == "/", where
        assert morsel["samesite"] == "Lax", where
        assert morsel["domain"] == "", where


async def test_only_a_remembered_session_outlives_the_browser(house: House) -> None:
    """Without ``remember`` the cookie has no age; with it, the age is the session's."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}

    plain = await post(house.auth, "/v1/login", login)
    remembered = await post(house.auth, "/v1/login", {**login, "remember": True})

    assert b"Max-Age" not in plain.values(b"set-cookie")[0]
    assert remembered.values(b"set-cookie")[0].endswith(
        b"Max-Age=%d" % house.auth.settings.sessions.remembered_lifetime
    )


@pytest.mark.parametrize("seconds", [0, -1])
async def test_the_servers_clock_ends_the_session_whatever_the_browser_keeps(house: House, seconds: int) -> None:
    """authentik CVE-2025-64708: expiry is checked at use, with no clean-up having run (ASVS 7.3.2)."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    held = _cookie(await post(house.auth, "/v1/login", login))
    house.clock.advance(house.auth.settings.sessions.idle_lifetime + seconds)

    answer = await call(house.auth, "GET", "/v1/me", headers=[held])

    assert answer.status == (401 if seconds == 0 else 200)


async def test_use_does_not_extend_the_absolute_lifetime(house: House) -> None:
    """Somebody who holds a stolen cookie cannot keep it alive by using it (ASVS 7.3.2)."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    held = _cookie(await post(house.auth, "/v1/login", login))
    sessions = house.auth.settings.sessions
    statuses = []
    for _ in range(sessions.lifetime // 3600 + 1):
        statuses.append((await call(house.auth, "GET", "/v1/me", headers=[held])).status)
        house.clock.advance(3600)

    assert statuses == [200] * (sessions.lifetime // 3600) + [401]
