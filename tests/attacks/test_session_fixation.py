"""Session fixation: an identifier that somebody knew before the log-in is worth something after it (ASVS 7.2.4)."""

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import JSON, OURS, Answer, bearer, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")

LOGIN = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
OTHER_PASSWORD = "another correct horse battery staple"


def _value(answer: Answer) -> bytes:
    return answer.values(b"set-cookie")[0].partition(b";")[0]


async def _status(house: House, value: bytes) -> int:
    return (await call(house.auth, "GET", "/v1/me", headers=[cookie(value)])).status


async def test_a_log_in_makes_a_new_value_and_ends_the_old_session(house: House) -> None:
    """Whoever fixed or knew the cookie before holds nothing afterwards."""
    await house.register()
    first = await post(house.auth, "/v1/login", LOGIN)

    second = await post(house.auth, "/v1/login", LOGIN, cookie(_value(first)), OURS)

    assert _value(second) != _value(first)
    assert second.json["session_id"] != first.json["session_id"]
    assert await _status(house, _value(first)) == 401
    assert await _status(house, _value(second)) == 200


async def test_logging_in_as_somebody_else_ends_the_session_before(house: House) -> None:
    """The attacker's own session, fixed in the victim's browser, does not live beside the victim's."""
    await house.register("eve@example.test")
    await house.register()
    eves = await post(house.auth, "/v1/login", {**LOGIN, "login": "eve@example.test"})

    await post(house.auth, "/v1/login", LOGIN, cookie(_value(eves)), OURS)

    assert await _status(house, _value(eves)) == 401


async def test_a_log_in_that_fails_leaves_the_session_as_it_was(house: House) -> None:
    """Nobody is logged out by a typing error."""
    await house.register()
    first = await post(house.auth, "/v1/login", LOGIN)

    refused = await post(house.auth, "/v1/login", {**LOGIN, "password": "wrong"}, cookie(_value(first)), OURS)

    assert refused.status == 401
    assert refused.values(b"set-cookie") == []
    assert await _status(house, _value(first)) == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/reauthenticate", {"password": PASSWORD}),
        ("/v1/me/password", {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
    ],
)
async def test_a_step_up_and_a_password_change_replace_the_cookie(
    house: House, path: str, body: dict[str, str]
) -> None:
    """The value from before is dead at once; the session goes on under the new one."""
    await house.register()
    entered = await post(house.auth, "/v1/login", LOGIN)

    raised = await post(house.auth, path, body, cookie(_value(entered)), OURS)

    assert _value(raised) != _value(entered)
    assert await _status(house, _value(entered)) == 401
    assert await _status(house, _value(raised)) == 200


async def test_a_step_up_replaces_the_tokens(house: House) -> None:
    """The same for a program: the access token that asked and the refresh tokens from before are dead."""
    pair = await house.enter()

    raised = await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD}, bearer(pair["access_token"]))

    assert raised.json["session_id"] == pair["session_id"]
    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.refresh(pair["refresh_token"])).status_code == 401
    assert (await house.me(raised.json["access_token"])).status_code == 200
    assert (await house.refresh(raised.json["refresh_token"])).status_code == 200


async def test_a_session_is_never_taken_from_the_address_or_the_body(house: House) -> None:
    """RFC 6750 §2.3 and ASVS 7.2: only the cookie and the Authorization header carry a credential."""
    pair = await house.enter()
    entered = await post(house.auth, "/v1/login", LOGIN)
    value = _value(entered).partition(b"=")[2]
    token = pair["access_token"].encode()

    for query in (
        b"access_token=" + token,
        b"token=" + token,
        b"__Host-doorward=" + value,
        b"session=" + value,
        b"sid=" + pair["session_id"].encode(),
    ):
        shown = await call(house.auth, "GET", "/v1/me", query=query)
        posted = await call(house.auth, "POST", "/v1/token/exchange", headers=[JSON, OURS], query=query)
        assert (shown.status, posted.status) == (401, 401)
    for member in ("access_token", "token", "session", "session_id", "cookie"):
        answer = await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD, member: pair["access_token"]})
        assert answer.status == 401
    form = await call(
        house.auth,
        "POST",
        "/v1/token/exchange",
        headers=[(b"content-type", b"application/x-www-form-urlencoded"), OURS],
        body=b"access_token=" + token,
    )
    assert form.status == 401


@pytest.mark.parametrize("chosen", ["dws_", "dws_" + "A" * 75, "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", "x"])
async def test_no_value_that_a_caller_chose_becomes_a_session(house: House, chosen: str) -> None:
    """A log-in with a made-up cookie makes a value of its own."""
    await house.register()

    entered = await post(house.auth, "/v1/login", LOGIN, cookie("__Host-doorward=" + chosen), OURS)

    assert entered.status == 200
    assert _value(entered) != b"__Host-doorward=" + chosen.encode()
    assert await _status(house, b"__Host-doorward=" + chosen.encode()) == 401


async def test_the_old_value_is_refused_without_clearing_the_new_one(house: House) -> None:
    """A request that was on its way during the step-up, from another tab: its refusal must not log the browser out."""
    await house.register()
    entered = await post(house.auth, "/v1/login", LOGIN)
    raised = await post(house.auth, "/v1/reauthenticate", {"password": PASSWORD}, cookie(_value(entered)), OURS)

    late = await call(house.auth, "GET", "/v1/me", headers=[cookie(_value(entered))])
    await post(house.auth, "/v1/logout", {}, cookie(_value(raised)), OURS)
    ended = await call(house.auth, "GET", "/v1/me", headers=[cookie(_value(entered))])

    assert (late.status, late.values(b"set-cookie")) == (401, [])
    assert ended.values(b"set-cookie")[0].startswith(b"__Host-doorward=; ")
