"""``doorward token inspect``: what a token is, whether it is believed, and if not, why not."""

import asyncio
import base64
import dataclasses
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import pytest

from doorward.cli import standard_input
from doorward.cli.judging import WORDS, decide_standing
from doorward.cli.output import Exit
from doorward.jose import jwt
from doorward.jose.keys import SigningKey
from doorward.settings import Tokens
from doorward.tokens.model import Family
from tests.cli.conftest import Operator
from tests.support.house import FakeClock, open_house

EMAIL = "ada@example.test"
LOUD = "*** NOT VERIFIED"


@dataclass
class Credentials:
    """What somebody who has logged in twice holds."""

    access: str
    refresh: str
    cookie: str
    account_id: str


@pytest.fixture
def held(operator: Operator) -> Credentials:
    """Log in by bearer and by cookie, at the real time."""

    async def act() -> Credentials:
        async with open_house(operator.settings, clock=FakeClock(int(time.time()))) as house:
            bearer = await house.enter(EMAIL)
            cookie = await house.auth.passwords.log_in(
                login=EMAIL, password="correct horse battery staple", transport="cookie"
            )
            assert cookie.cookie is not None
            return Credentials(bearer["access_token"], bearer["refresh_token"], cookie.cookie, bearer["account"]["id"])

    return asyncio.run(act())


def inspect(operator: Operator, token: str) -> dict[str, Any]:
    """Ask for JSON."""
    told: dict[str, Any] = json.loads(operator("token", "inspect", "--json", typed=f"{token}\n").output)
    return told


def forge(claims: dict[str, Any], *, key: SigningKey | None = None, typ: str = "at+jwt") -> str:
    """Sign claims with a key of somebody else."""
    return jwt.encode(claims, key or SigningKey.generate("ES256"), typ=typ)


def make(operator: Operator, **claims: Any) -> str:
    """Sign claims with the active key of the instance itself."""

    async def act() -> str:
        async with open_house(operator.settings, clock=FakeClock(int(time.time()))) as house:
            now = int(time.time())
            whole = {
                "iss": operator.settings.issuer,
                "aud": operator.settings.audience,
                "sub": "acc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
                "client_id": "doorward",
                "iat": now,
                "exp": now + 60,
                "jti": "one",
                "sid": "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa",
                "auth_time": now,
                "amr": ["pwd"],
            }
            return jwt.encode(whole | claims, house.auth.keys.active, typ="at+jwt")

    return asyncio.run(act())


# --- access tokens --------------------------------------------------------------------------------------------------


def test_a_good_access_token_is_told_in_words(operator: Operator, held: Credentials) -> None:
    """What it is, whose, and until when."""
    result = operator("token", "inspect", typed=held.access)

    assert result.exit_code == Exit.OK
    assert "kind                access token" in result.output
    assert "believed            yes: " in result.output
    assert f"email               {EMAIL}" in result.output
    assert "Claims, verified:" in result.output
    assert "(in 9 minutes)" in result.output or "(in 10 minutes)" in result.output
    assert LOUD not in result.output


def test_a_good_access_token_for_programs(operator: Operator, held: Credentials) -> None:
    """Claims are under ``claims`` only if they were verified."""
    told = inspect(operator, held.access)

    assert (told["believed"], told["verified"]) == (True, True)
    assert told["claims"]["sub"] == held.account_id
    assert told["facts"]["session"] == "live"
    assert told["facts"]["revoked"] == []
    assert "unverified_claims" not in told


@pytest.mark.parametrize(
    ("words", "revoked"),
    [(("account", "end-sessions", EMAIL), ["session"]), (("account", "disable", EMAIL), ["session"])],
)
def test_a_revoked_access_token_is_not_believed(
    words: tuple[str, ...], revoked: list[str], operator: Operator, held: Credentials
) -> None:
    """The database is asked, as every server asks."""
    operator(*words)

    told = inspect(operator, held.access)

    assert (told["believed"], told["verified"], told["why"]) == (False, True, "it was revoked")
    assert told["facts"]["revoked"] == revoked
    assert told["facts"]["session"].startswith("ended at ")


def test_a_token_revoked_by_itself_is_named_so(operator: Operator, held: Credentials) -> None:
    """Proving the password again ends the token that asked, not its session."""

    async def reauthenticate() -> None:
        async with open_house(operator.settings, clock=FakeClock(int(time.time()))) as house:
            await house.client.post(
                "/v1/reauthenticate",
                json={"password": "correct horse battery staple"},
                headers={"Authorization": f"Bearer {held.access}"},
            )

    asyncio.run(reauthenticate())
    told = inspect(operator, held.access)

    assert told["facts"]["revoked"] == ["token"]
    assert told["facts"]["session"] == "live"


def test_a_token_of_a_revoked_key_cannot_be_verified_any_more(operator: Operator, held: Credentials) -> None:
    """The key is erased, so nobody can tell whether it signed this."""
    operator("keys", "rotate", "--revoke")

    result = operator("token", "inspect", typed=held.access)

    assert result.exit_code == Exit.REFUSED
    assert "its key was retired" in result.output
    assert LOUD in result.output


def test_a_key_on_the_list_of_revocations_is_named(operator: Operator, held: Credentials) -> None:
    """While another process still has the key, the list speaks."""
    from doorward.verify.model import digest

    kid = json.loads(base64.urlsafe_b64decode(held.access.partition(".")[0] + "=="))["kid"]
    name = digest("key", kid).hex()
    blob = f"x'{name}'" if operator.settings.database.url.startswith("sqlite") else f"decode('{name}', 'hex')"
    operator.execute(f"INSERT INTO revocation (digest, recorded_at, forget_at) VALUES ({blob}, 0, 9999999999)")

    told = inspect(operator, held.access)

    assert told["facts"]["revoked"] == ["key"]


def test_a_key_sealed_with_another_secret_is_named(operator: Operator, held: Credentials) -> None:
    """Not called forged: it is the secret that is missing."""
    operator.environ["DOORWARD_SECRET"] = secrets.token_urlsafe(32)

    told = inspect(operator, held.access)

    assert told["why"] == "its key was sealed with a secret that is not set here"


def test_a_forged_token_is_loudly_not_verified(operator: Operator, held: Credentials) -> None:
    """For people by words that cannot be missed, for programs by the name of the member."""
    token = forge({"sub": held.account_id, "roles": ["admin"]})

    people = operator("token", "inspect", typed=token)
    told = inspect(operator, token)

    assert people.exit_code == Exit.REFUSED
    assert "believed  NO: no key of this instance has its kid" in people.output
    assert LOUD in people.output
    assert "Claims, NOT VERIFIED:" in people.output
    assert told["unverified_claims"]["roles"] == ["admin"]
    assert not {"claims", "header", "facts"} & told.keys()


def test_a_changed_signature_is_named(operator: Operator, held: Credentials) -> None:
    """The reason that a verifier keeps to itself."""
    header, payload, signature = held.access.split(".")
    other = "A" if signature[0] != "A" else "B"

    told = inspect(operator, f"{header}.{payload}.{other}{signature[1:]}")

    assert told["why"] == WORDS["signature"]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, WORDS["issuer"]),
        ({"aud": "https://other.example"}, WORDS["audience"]),
        ({"exp": 1_000_000_060, "iat": 1_000_000_000, "auth_time": 1}, WORDS["expired"]),
        ({"amr": []}, "its claim amr is missing or not of its form"),
        ({"sid": 7}, "its claim sid is missing or not of its form"),
        ({"jti": None}, "its claim jti is missing or not of its form"),
    ],
)
def test_a_well_signed_token_that_does_not_hold_says_why(claims: dict[str, Any], why: str, operator: Operator) -> None:
    """The signature is good, so the claims may be called verified; believed they are not."""
    told = inspect(operator, make(operator, **claims))

    assert (told["believed"], told["verified"], told["why"]) == (False, True, why)
    assert told["facts"]["session"] == "unknown"


@pytest.mark.parametrize("token", ["a.b.c", "..", "e30.e30.e30", "\x00.\x00.\x00", "e30.e30=.e30"])
def test_rubbish_with_two_dots_is_told_as_far_as_it_can_be_read(token: str, operator: Operator) -> None:
    """Nothing that can be typed is a defect."""
    result = operator("token", "inspect", typed=token)

    assert result.exit_code == Exit.REFUSED
    assert "believed  NO: " in result.output


def test_a_time_that_is_none_is_shown_as_it_stands(operator: Operator) -> None:
    """Claims of a stranger may be anything."""
    token = forge({"iat": 10**15, "exp": True, "nbf": -1, "auth_time": "now", "sub": {"a": [1]}})

    result = operator("token", "inspect", typed=token)

    assert "iat        1000000000000000\n" in result.output
    assert 'sub        {"a": [1]}' in result.output


def test_empty_claims_are_shown_as_nothing(operator: Operator) -> None:
    """A heading without anything below would look like a defect."""
    result = operator("token", "inspect", typed=forge({}))

    assert "Claims, NOT VERIFIED:\n-  -\n" in result.output


# --- refresh tokens -------------------------------------------------------------------------------------------------


def test_a_current_refresh_token_is_not_spent_by_looking(operator: Operator, held: Credentials) -> None:
    """It can be looked at as often as one likes."""
    first, second = inspect(operator, held.refresh), inspect(operator, held.refresh)

    assert (first["believed"], first["genuine"]) == (True, True)
    assert first["facts"]["current_generation"] == second["facts"]["generation"] == 1
    assert first["facts"]["account_id"] == held.account_id


def test_no_part_of_a_secret_is_printed(operator: Operator, held: Credentials) -> None:
    """Neither the token nor the handle in it, however it is spelt."""
    for token in (held.refresh, held.cookie):
        printed = operator("token", "inspect", typed=token).output + json.dumps(inspect(operator, token))
        raw = base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4))
        handle = raw[4:20]

        assert token[8:] not in printed
        assert handle.hex() not in printed
        assert base64.urlsafe_b64encode(handle).decode().rstrip("=") not in printed


def test_a_refresh_token_of_an_ended_session_is_dead(operator: Operator, held: Credentials) -> None:
    """Genuine, and good for nothing."""
    operator("account", "end-sessions", EMAIL)

    told = inspect(operator, held.refresh)

    assert (told["believed"], told["genuine"]) == (False, True)
    assert "over" in told["why"]


@pytest.mark.parametrize("prefix", ["dwr_", "dws_"])
def test_a_forged_opaque_token_is_not_genuine(prefix: str, operator: Operator) -> None:
    """The MAC is wrong; the database is not asked."""
    told = inspect(operator, prefix + "A" * 75)

    assert (told["believed"], told["genuine"]) == (False, False)


def test_a_refresh_token_of_another_database_is_genuine_and_unknown(operator: Operator, held: Credentials) -> None:
    """As after a backup was restored."""
    operator.execute("DELETE FROM token_family")

    told = inspect(operator, held.refresh)

    assert (told["genuine"], told["why"]) == (True, "it is genuine, but: unknown family")


NOW = 1_800_000_000
FAMILY = Family(
    id=b"x" * 16,
    session_id="ses_a",
    account_id="acc_a",
    client_id="doorward",
    scope="",
    generation=5,
    rotated_at=NOW - 10,
    expires_at=NOW + 1000,
    revoked=False,
    auth_time=NOW - 100,
    amr=("pwd",),
    roles=(),
    email_verified=False,
)


@pytest.mark.parametrize(
    ("changes", "presented", "good", "said"),
    [
        ({}, 5, True, "current"),
        ({"rotated_at": NOW - 500}, 5, True, "current"),
        ({}, 4, True, "spent 10 seconds ago"),
        ({"rotated_at": NOW - 31}, 4, False, "theft"),
        ({}, 3, False, "theft"),
        ({}, 6, False, "not known yet"),
        ({"revoked": True}, 5, False, "over"),
        ({"expires_at": NOW}, 5, False, "expired"),
        ({"rotated_at": NOW - 14 * 86400, "expires_at": NOW + 1}, 5, False, "idle"),
    ],
)
def test_what_a_generation_means(changes: dict[str, Any], presented: int, good: bool, said: str) -> None:
    """The same decision that a refresh would take, with its reason."""
    family = dataclasses.replace(FAMILY, **changes)

    decision = decide_standing(family, presented=presented, now=NOW, settings=Tokens())

    assert decision[0] is good
    assert said in decision[1]


# --- cookies --------------------------------------------------------------------------------------------------------


def test_a_live_cookie_is_not_used_by_looking(operator: Operator, held: Credentials) -> None:
    """Resuming would postpone the idle time-out."""
    seen = "SELECT last_seen_at FROM session WHERE transport = 'cookie'"
    operator.execute("UPDATE session SET last_seen_at = last_seen_at - 100 WHERE transport = 'cookie'")
    before = operator.execute(seen)[0][0]["last_seen_at"]

    told = inspect(operator, held.cookie)

    assert (told["believed"], told["facts"]["session"]) == (True, "live")
    assert operator.execute(seen)[0][0]["last_seen_at"] == before


@pytest.mark.parametrize(
    ("sql", "why", "session"),
    [
        ("UPDATE session SET generation = 2", "replaced by a newer cookie", "live"),
        ("UPDATE session SET last_seen_at = 0", "session is over", "timed out"),
        ("UPDATE session SET ended_at = 1000", "session is over", "ended at 1970-01-01T00:16:40Z"),
        ("UPDATE account SET disabled_at = 1000", "account is disabled", "live"),
    ],
)
def test_a_cookie_that_is_good_for_nothing_says_why(
    sql: str, why: str, session: str, operator: Operator, held: Credentials
) -> None:
    """Where a browser is only told to log in."""
    operator.execute(sql)

    told = inspect(operator, held.cookie)

    assert (told["believed"], told["genuine"], told["facts"]["session"]) == (False, True, session)
    assert why in told["why"]


def test_a_cookie_of_a_forgotten_session(operator: Operator, held: Credentials) -> None:
    """Genuine, but there is nothing behind it."""
    operator.execute("DELETE FROM session")

    told = inspect(operator, held.cookie)

    assert (told["genuine"], told["believed"]) == (True, False)
    assert "no such session" in told["why"]


def test_a_bearer_session_past_its_deadline_has_timed_out(operator: Operator, held: Credentials) -> None:
    """It is seen when its tokens rotate, so its idle time is the family's."""
    operator.execute("UPDATE session SET expires_at = 1000")

    told = inspect(operator, held.access)

    assert told["facts"]["session"] == "timed out"


# --- anything else --------------------------------------------------------------------------------------------------


def test_what_has_no_form_of_ours_is_said_to_be_unknown(operator: Operator) -> None:
    """And not repeated."""
    result = operator("token", "inspect", typed="a password, by mistake")

    assert result.exit_code == Exit.REFUSED
    assert "kind      unknown" in result.output
    assert "by mistake" not in result.output


def test_nothing_on_standard_input_is_refused(operator: Operator) -> None:
    """A pipe that failed must not look like a bad token."""
    result = operator("token", "inspect", typed="\n \n")

    assert result.exit_code == Exit.REFUSED
    assert "Standard input holds no token." in result.stderr


def test_on_a_terminal_it_says_what_it_waits_for(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would seem to hang."""
    monkeypatch.setattr(standard_input, "is_terminal", lambda: True)

    result = operator("token", "inspect", typed="x")

    assert "Paste the token" in result.stderr
