"""A disabled account that still gets in: allauth CVE-2025-65430, authentik CVE-2025-53942, simplejwt CVE-2024-22513.

Account state × kind of credential: every pathway asks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from doorward.db import statement
from doorward.sessions.hot import TRUSTED_FOR
from tests.support.house import PASSWORD, House
from tests.support.life import ADA, KINDS, Kind, sign_up
from tests.support.mailbox import letters
from tests.support.raw import OURS, Answer, bearer, call, cookie, post

pytestmark = pytest.mark.usefixtures("quick")

OTHER_PASSWORD = "another correct horse battery staple"


@dataclass
class Held:
    """Everything that somebody may hold of an account."""

    account_id: str
    access: str
    refresh: str
    cookie: tuple[bytes, bytes]
    exchanged: str
    session_id: str


async def _hold(house: House) -> Held:
    pair = await house.enter()
    entered = await post(
        house.auth, "/v1/login", {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])
    exchanged = await call(house.auth, "POST", "/v1/token/exchange", headers=[held, OURS])
    return Held(
        account_id=pair["account"]["id"],
        access=pair["access_token"],
        refresh=pair["refresh_token"],
        cookie=held,
        exchanged=exchanged.json["access_token"],
        session_id=pair["session_id"],
    )


Use = Callable[[House, Held], Awaitable[Answer]]

USES: dict[str, Use] = {
    "access token": lambda house, held: call(house.auth, "GET", "/v1/me", headers=[bearer(held.access)]),
    "exchanged token": lambda house, held: call(house.auth, "GET", "/v1/me", headers=[bearer(held.exchanged)]),
    "cookie": lambda house, held: call(house.auth, "GET", "/v1/me", headers=[held.cookie]),
    "exchange": lambda house, held: call(house.auth, "POST", "/v1/token/exchange", headers=[held.cookie, OURS]),
    "refresh token": lambda house, held: post(house.auth, "/v1/token/refresh", {"refresh_token": held.refresh}),
    "step-up with a token": lambda house, held: post(
        house.auth, "/v1/reauthenticate", {"password": PASSWORD}, bearer(held.access)
    ),
    "step-up with a cookie": lambda house, held: post(
        house.auth, "/v1/reauthenticate", {"password": PASSWORD}, held.cookie, OURS
    ),
    "password change": lambda house, held: post(
        house.auth,
        "/v1/me/password",
        {"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        bearer(held.access),
    ),
    "profile change": lambda house, held: call(
        house.auth,
        "PATCH",
        "/v1/me",
        headers=[bearer(held.access), (b"content-type", b"application/json")],
        body=b'{"profile": {"a": 1}}',
    ),
    "list of sessions": lambda house, held: call(house.auth, "GET", "/v1/me/sessions", headers=[held.cookie]),
    "ending a session": lambda house, held: call(
        house.auth, "DELETE", f"/v1/me/sessions/{held.session_id}", headers=[held.cookie, OURS]
    ),
}


@pytest.mark.parametrize("use", USES)
async def test_each_credential_works_before(house: House, use: str) -> None:
    """The matrix below would prove nothing if a row were refused for another reason."""
    answer = await USES[use](house, await _hold(house))

    assert answer.status < 300


async def test_a_disabled_account_is_refused_by_every_pathway_at_once(house: House) -> None:
    """On the very next request (ASVS 7.4.2), and re-enabling the account revives nothing."""
    held = await _hold(house)

    await house.auth.accounts.disable(held.account_id)
    disabled = {name: (await use(house, held)).status for name, use in USES.items()}
    await house.auth.accounts.enable(held.account_id)
    enabled = {name: (await use(house, held)).status for name, use in USES.items()}

    assert disabled == dict.fromkeys(USES, 401)
    assert enabled == dict.fromkeys(USES, 401)


async def test_the_password_of_a_disabled_account_opens_nothing_until_it_is_enabled(house: House) -> None:
    """Only who knows the password is told the reason."""
    held = await _hold(house)
    login = {"login": "ada@example.test", "password": PASSWORD}
    await house.auth.accounts.disable(held.account_id)

    right = await post(house.auth, "/v1/login", login)
    wrong = await post(house.auth, "/v1/login", {**login, "password": "wrong"})
    page = await post(house.auth, "/v1/login", {**login, "transport": "cookie"})
    await house.auth.accounts.enable(held.account_id)
    again = await post(house.auth, "/v1/login", login)

    assert (right.status, right.code) == (403, "account_disabled")
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")
    assert (page.status, page.values(b"set-cookie")) == (403, [])
    assert again.status == 200


async def test_a_disabled_account_whose_sessions_were_left_alone_is_refused_all_the_same(house: House) -> None:
    """Also if somebody sets the column by hand, which nobody is told: every pathway asks for the state, memory soon."""
    held = await _hold(house)
    database = house.auth._database
    await database.write(statement("UPDATE account SET disabled_at = 1 WHERE id = :id", id=held.account_id))
    house.clock.advance(TRUSTED_FOR)

    by_hand = {name: (await use(house, held)).status for name, use in USES.items()}

    assert {status for name, status in by_hand.items() if name != "profile change"} <= {401, 403}
    assert by_hand["profile change"] >= 400


@pytest.mark.parametrize(
    "ending", ["log-out", "everywhere", "owner ends it", "operator", "password change elsewhere", "others"]
)
async def test_an_ended_session_is_refused_by_every_pathway_at_once(house: House, ending: str) -> None:
    """Whatever ends it: token, refresh token and step-up of that session are dead on the next request."""
    held = await _hold(house)
    other = await house.log_in()
    match ending:
        case "log-out":
            await post(house.auth, "/v1/logout", {}, bearer(held.access))
        case "everywhere":
            await post(house.auth, "/v1/logout", {"everywhere": True}, bearer(other["access_token"]))
        case "owner ends it":
            path = f"/v1/me/sessions/{held.session_id}"
            await call(house.auth, "DELETE", path, headers=[bearer(other["access_token"])])
        case "operator":
            await house.auth.sessions.end_all(held.account_id, why="an operator")
        case "others":
            await call(
                house.auth,
                "DELETE",
                "/v1/me/sessions",
                headers=[bearer(other["access_token"])],
                query=b"others=true",
            )
        case _:
            change = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
            await post(house.auth, "/v1/me/password", change, bearer(other["access_token"]))

    statuses = {
        name: (await USES[name](house, held)).status
        for name in ("access token", "refresh token", "step-up with a token", "password change", "profile change")
    }

    assert statuses == dict.fromkeys(statuses, 401)


async def test_the_refresh_token_of_an_ended_session_stays_dead_when_its_owner_logs_in_again(house: House) -> None:
    """A new session of the same account does not lend its life to an old one."""
    held = await _hold(house)
    await post(house.auth, "/v1/logout", {"everywhere": True}, bearer(held.access))
    await house.log_in()

    assert (await house.refresh(held.refresh)).status_code == 401
    assert (await call(house.auth, "GET", "/v1/me", headers=[held.cookie])).status == 401


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("how", ["token", "code"])
async def test_a_secret_from_a_mail_of_a_disabled_account_is_dead(mailing_house: House, kind: Kind, how: str) -> None:
    """allauth CVE-2025-65430: reset, verification, link and invitation ask for the account's state as well."""
    mail = await kind.ask(mailing_house)
    account = await mailing_house.auth.accounts.find_by_email(ADA)
    await mailing_house.auth.accounts.disable(account.id)

    refused = await kind.redeem(mailing_house, mail.secret(how))

    assert refused.json()["code"] == "challenge_invalid"
    await mailing_house.auth.accounts.enable(account.id)
    assert (await kind.redeem(mailing_house, mail.token)).status_code == kind.status


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_secret_from_a_mail_of_a_deleted_account_is_dead(mailing_house: House, kind: Kind) -> None:
    """Nothing is left that it could belong to."""
    mail = await kind.ask(mailing_house)
    account = await mailing_house.auth.accounts.find_by_email(ADA)
    await mailing_house.auth.life.leaving.delete(account.id)

    refused = [await kind.redeem(mailing_house, mail.secret(how)) for how in ("token", "code")]

    assert [answer.json()["code"] for answer in refused] == ["challenge_invalid"] * 2


async def test_a_disabled_account_gets_no_mail_that_opens_it(mailing_house: House) -> None:
    """Neither a reset nor a link; an operator's reset waits until it is enabled again."""
    account = await sign_up(mailing_house)
    await mailing_house.auth.accounts.disable(str(account["id"]))
    before = len(await letters(mailing_house))

    for path in ("/v1/password/forgot", "/v1/login/link"):
        assert (await mailing_house.client.post(path, json={"login": ADA})).status_code == 202

    assert len(await letters(mailing_house)) == before


async def test_an_account_disabled_at_the_last_moment_is_not_entered_by_link(mailing_house: House) -> None:
    """Between the reading and the write: the write asks again."""
    house = mailing_house
    kind = next(one for one in KINDS if one.name == "sign in")
    mail = await kind.ask(house)
    account = await house.auth.accounts.find_by_email(ADA)
    found = house.auth.passwords.by_account

    async def and_then_disable(account_id: str) -> object:
        candidate = await found(account_id)
        await house.auth.accounts.disable(account.id)
        return candidate

    house.auth.passwords.by_account = and_then_disable  # type: ignore[method-assign, assignment]

    assert (await kind.redeem(house, mail.token)).json()["code"] == "challenge_invalid"
