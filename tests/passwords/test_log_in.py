"""Logging in, proving the password again and changing it."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from doorward.accounts.model import Account
from doorward.db import statement
from doorward.errors import InvalidCredentials, Overloaded
from doorward.hooks import Event, PasswordChanged, SignedIn, SignInRefused
from doorward.passwords.hashing import Hasher
from doorward.passwords.model import Admit, Candidate, Refuse, decide_login
from doorward.settings import Accounts, Limits, Passwords, Settings
from tests.support.house import PASSWORD, House, bearer, open_house

NEW_PASSWORD = "another horse, another staple"

ACCOUNT = Account(
    id="acc_a",
    email="ada@example.test",
    email_verified_at=None,
    username=None,
    profile={},
    roles=(),
    created_at=0,
    last_login_at=None,
    disabled_at=None,
)


@pytest.mark.parametrize(
    ("exists", "stored", "verified", "disabled", "verification", "expected"),
    [
        (False, None, False, False, "off", ("unknown login", "invalid_credentials")),
        (True, None, False, False, "off", ("account has no password", "invalid_credentials")),
        (True, None, True, False, "off", ("account has no password", "invalid_credentials")),
        (True, "hash", False, False, "off", ("wrong password", "invalid_credentials")),
        (True, "hash", False, True, "off", ("wrong password", "invalid_credentials")),
        (True, "hash", True, True, "off", ("account is disabled", "account_disabled")),
        (True, "hash", True, True, "required", ("account is disabled", "account_disabled")),
        (True, "hash", True, False, "required", ("address is not verified", "email_not_verified")),
        (True, "hash", True, False, "off", None),
    ],
)
def test_every_branch_of_a_log_in_is_decided_by_a_table(
    exists: bool,
    stored: str | None,
    verified: bool,
    disabled: bool,
    verification: str,
    expected: tuple[str, str] | None,
) -> None:
    """Only the right password learns more than that login or password is wrong."""
    account = ACCOUNT if not disabled else Account(**{**_members(ACCOUNT), "disabled_at": 1})
    candidate = Candidate(account, stored, 1, 0) if exists else None

    decision = decide_login(
        candidate,
        verified=verified,
        within_bound=True,
        settings=Accounts(email_verification=verification),  # type: ignore[arg-type]
    )

    match decision:
        case Refuse(why, _, answer):
            assert (why, answer) == expected
        case Admit(_, proved):
            assert expected is None
            assert proved == stored


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("disabled", [None, 1])
def test_beyond_the_bound_the_right_password_is_as_good_as_a_wrong_one(verified: bool, disabled: int | None) -> None:
    """Otherwise a guesser goes on until the answer is another (NIST SP 800-63B-4 §3.2.2)."""
    account = Account(**{**_members(ACCOUNT), "disabled_at": disabled})

    decision = decide_login(
        Candidate(account, "hash", 1, 0), verified=verified, within_bound=False, settings=Accounts()
    )

    assert decision == Refuse("too many wrong passwords in a row", account.id)


async def test_a_username_logs_in_as_well(house: House) -> None:
    """Whatever its letter case."""
    await house.register(username="Ada.L")

    assert (await house.log_in("ada.l"))["account"]["username"] == "Ada.L"


@pytest.mark.parametrize("login", ["ada@example.test", "nobody@example.test", "nobody", "", "@", "ada@example.test\t"])
async def test_a_wrong_login_or_password_is_one_answer(house: House, login: str) -> None:
    """And one hash, whoever it is."""
    await house.register()
    before = house.auth.pool.performed

    answer = await house.client.post("/v1/login", json={"login": login, "password": "not it, I am afraid"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_credentials"
    assert house.auth.pool.performed == before + 1


async def test_failures_are_counted_until_the_right_password(house: House) -> None:
    """The count is the account's, and a success resets it."""
    account = await house.register()
    for _ in range(3):
        await house.client.post("/v1/login", json={"login": account["email"], "password": "not it, I am afraid"})
    sql = "SELECT failures FROM password WHERE account_id = :id"

    row = await house.auth._database.fetch_one(sql, id=account["id"])
    await house.log_in()
    reset = await house.auth._database.fetch_one(sql, id=account["id"])

    assert row is not None
    assert reset is not None
    assert (row["failures"], reset["failures"]) == (3, 0)


async def test_tries_are_limited_per_login_before_anything_is_hashed(settings: Settings) -> None:
    """Time passes, and the owner is let in."""
    async with open_house(replace(settings, limits=Limits(per_account=2))) as house:
        await house.register()
        tries = [
            await house.client.post("/v1/login", json={"login": "ada@example.test", "password": "not it at all"})
            for _ in range(3)
        ]
        hashes = house.auth.pool.performed
        house.clock.advance(86_400)
        await house.log_in()

    assert [answer.status_code for answer in tries] == [401, 401, 429]
    assert hashes == 3  # the registration, and two tries


async def test_a_success_gives_its_try_back(settings: Settings) -> None:
    """An office behind one address is not locked out by logging in."""
    async with open_house(replace(settings, limits=Limits(per_account=2, per_network=3))) as house:
        await house.register()
        for _ in range(6):
            await house.log_in()


async def test_an_old_hash_is_replaced_at_the_log_in(settings: Settings) -> None:
    """The only moment that holds the password; parameters that have risen are applied then."""
    async with open_house(settings) as house:
        account = await house.register()
    stronger = replace(settings, passwords=Passwords(argon2_iterations=3, hash_threads=1))
    sql = "SELECT hash FROM password WHERE account_id = :id"
    async with open_house(stronger) as house:
        await house.log_in()
        row = await house.auth._database.fetch_one(sql, id=account["id"])
        await house.log_in()
        unchanged = await house.auth._database.fetch_one(sql, id=account["id"])

    assert row is not None
    assert unchanged is not None
    assert "t=3" in row["hash"]
    assert row["hash"] == unchanged["hash"]


async def test_a_full_queue_puts_the_better_hash_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password was right: the log-in happens, and the next one tries again."""

    async def full(_: str) -> str:
        raise Overloaded("full")

    await house.register()
    monkeypatch.setattr(house.auth.pool, "needs_rehash", lambda *_: True)
    monkeypatch.setattr(house.auth.pool, "hash", full)

    await house.log_in()


async def test_a_password_changed_while_it_was_being_checked_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is guarded by the very hash that was verified."""
    account = await house.register()
    pool, verify = house.auth.pool, house.auth.pool.verify

    async def verify_late(stored: str | None, password: str) -> bool:
        verified = await verify(stored, password)
        await house.auth._database.write(
            statement("UPDATE password SET version = version + 1 WHERE account_id = :id", id=account["id"])
        )
        return verified

    monkeypatch.setattr(pool, "verify", verify_late)

    with pytest.raises(InvalidCredentials):
        await house.auth.passwords.log_in(login="ada@example.test", password=PASSWORD)


async def test_proving_the_password_again_renews_a_bearer_session(house: House) -> None:
    """A new auth_time and new tokens; the old ones are dead, the session is the same."""
    pair = await house.enter()
    house.clock.advance(1000 - 600)

    answer = await house.client.post(
        "/v1/reauthenticate", json={"password": PASSWORD}, headers=bearer(pair["access_token"])
    )
    renewed = answer.json()

    principal = house.auth.verifier.check(renewed["access_token"])
    assert renewed["session_id"] == pair["session_id"]
    assert principal.auth_time == house.clock.now
    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.refresh(pair["refresh_token"])).status_code == 401
    assert (await house.refresh(renewed["refresh_token"])).status_code == 200


async def test_proving_the_password_again_changes_the_cookie(house: House) -> None:
    """The old value is refused from then on (ASVS 7.2.4)."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    before = _cookie((await house.browser.post("/v1/login", json=login)).headers)

    answer = await house.browser.post("/v1/reauthenticate", json={"password": PASSWORD})
    after = _cookie(answer.headers)

    assert set(answer.json()) == {"session_id", "account"}
    assert before != after
    assert (await house.client.get("/v1/me", headers={"Cookie": before})).status_code == 401
    assert (await house.client.get("/v1/me", headers={"Cookie": after})).status_code == 200


async def test_a_wrong_password_proves_nothing(house: House) -> None:
    """And the session goes on as it was."""
    pair = await house.enter()

    answer = await house.client.post(
        "/v1/reauthenticate", json={"password": "not it, I am afraid"}, headers=bearer(pair["access_token"])
    )

    assert answer.json()["code"] == "invalid_credentials"
    assert (await house.me(pair["access_token"])).status_code == 200


async def test_a_changed_password_ends_the_other_sessions(house: House) -> None:
    """The one that asked goes on; only the new password logs in."""
    mine, other = await house.enter(), await house.log_in()
    heard: list[Event] = []
    house.auth.events.subscribe(PasswordChanged, heard.append)

    answer = await house.client.post(
        "/v1/me/password",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers=bearer(mine["access_token"]),
    )

    assert answer.status_code == 204
    assert len(heard) == 1
    assert (await house.me(mine["access_token"])).status_code == 200
    assert (await house.me(other["access_token"])).status_code == 401
    assert (await house.refresh(other["refresh_token"])).status_code == 401
    old = await house.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})
    new = await house.client.post("/v1/login", json={"login": "ada@example.test", "password": NEW_PASSWORD})
    assert (old.status_code, new.status_code) == (401, 200)


async def test_a_changed_password_changes_the_cookie(house: House) -> None:
    """Whoever had copied the old value is out."""
    await house.register()
    login = {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    before = _cookie((await house.browser.post("/v1/login", json=login)).headers)

    answer = await house.browser.post(
        "/v1/me/password", json={"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    )

    assert (await house.client.get("/v1/me", headers={"Cookie": before})).status_code == 401
    assert (await house.client.get("/v1/me", headers={"Cookie": _cookie(answer.headers)})).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "status", "code"),
    [
        ("not it, I am afraid", NEW_PASSWORD, 401, "invalid_credentials"),
        (PASSWORD, "short", 422, "password_too_short"),
        (PASSWORD, "passwordpassword", 422, "password_too_common"),
        (PASSWORD, "ada@example.test", 422, "password_too_similar"),
    ],
)
async def test_a_change_needs_the_current_password_and_a_good_new_one(
    house: House, current: str, new: str, status: int, code: str
) -> None:
    """Nothing is changed otherwise."""
    pair = await house.enter()

    answer = await house.client.post(
        "/v1/me/password",
        json={"current_password": current, "new_password": new},
        headers=bearer(pair["access_token"]),
    )

    problem = answer.json()
    assert answer.status_code == status
    assert code in (problem["code"], *(error["code"] for error in problem.get("errors", [])))
    await house.log_in()


async def test_two_changes_at_once_are_one(house: House) -> None:
    """The second finds another password than the one it has verified."""
    pair = await house.enter()

    answers = await asyncio.gather(
        *(
            house.client.post(
                "/v1/me/password",
                json={"current_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {n}"},
                headers=bearer(pair["access_token"]),
            )
            for n in range(4)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]


async def test_the_policy_answers_a_form(house: House) -> None:
    """Acceptable, score and what is wrong with it."""
    good = await house.client.post("/v1/password/check", json={"password": PASSWORD})
    bad = await house.client.post("/v1/password/check", json={"password": "password", "email": "a@example.test"})

    assert good.json() == {"acceptable": True, "score": 4, "errors": []}
    assert bad.json()["acceptable"] is False
    assert bad.json()["errors"][0]["code"] == "password_too_common"


async def test_every_log_in_is_in_the_trail_and_told_to_the_host(house: House) -> None:
    """Once each, refusals with their private reason."""
    heard: list[Event] = []

    async def hear(event: Event) -> None:
        heard.append(event)

    house.auth.events.subscribe(Event, hear)
    await house.register()
    await house.log_in()
    await house.client.post("/v1/login", json={"login": "nobody", "password": "not it, I am afraid"})

    rows = await house.auth._database.fetch_all("SELECT event, detail FROM audit_event ORDER BY id")
    assert [row["event"] for row in rows] == ["account.registered", "session.started", "session.refused"]
    assert rows[2]["detail"] == '{"why":"unknown login"}'
    assert [type(event) for event in heard[1:]] == [SignedIn, SignInRefused]


async def test_bcrypt_can_be_chosen(settings: Settings) -> None:
    """With its limit of 72 bytes said as a field error."""
    chosen = replace(settings, passwords=Passwords(algorithm="bcrypt", hash_threads=2))
    async with open_house(chosen) as house:
        await house.enter()
        answer = await house.client.post(
            "/v1/accounts", json={"email": "b@example.test", "password": PASSWORD + "x" * 60}
        )

    assert answer.json()["errors"][0]["code"] == "password_too_long"


async def test_a_hash_from_elsewhere_logs_in_and_becomes_ours(house: House) -> None:
    """A PBKDF2 hash of Django's, imported, is verified once and replaced."""
    account = await house.register()
    foreign = "pbkdf2_sha256$1000$salt$" + _django(PASSWORD, b"salt", 1000)
    await house.auth._database.write(
        statement("UPDATE password SET hash = :hash WHERE account_id = :id", hash=foreign, id=account["id"])
    )

    await house.log_in()

    row = await house.auth._database.fetch_one("SELECT hash FROM password WHERE account_id = :id", id=account["id"])
    assert row is not None
    assert Hasher(house.auth.settings.passwords).verify(row["hash"], PASSWORD)
    assert row["hash"].startswith("$argon2id$")


def _members(account: Account) -> dict[str, object]:
    return {name: getattr(account, name) for name in Account.__slots__}


def _cookie(headers: Mapping[str, str]) -> str:
    return headers["set-cookie"].split(";")[0]


def _django(password: str, salt: bytes, rounds: int) -> str:
    return base64.b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)).decode()
