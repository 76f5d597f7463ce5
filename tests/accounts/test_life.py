"""The corners of an account's life: what is refused, what is overtaken, and what is held."""

import asyncio

import pytest

from doorward.core.secret import Secret, SecretRing
from doorward.core.source import Source
from doorward.db import Database
from doorward.errors import LoginTaken, NotFound
from doorward.hooks import AccountDeleted, Event
from tests.support.house import PASSWORD, House, bearer
from tests.support.life import ADA, KINDS, sign_up
from tests.support.mailbox import letter, letters


async def test_an_address_that_is_none_is_not_changed_to(mailing_house: House) -> None:
    """Said beside its own field."""
    await sign_up(mailing_house)
    headers = bearer((await mailing_house.log_in())["access_token"])

    answer = await mailing_house.client.post("/v1/me/email", json={"new_email": "nobody"}, headers=headers)

    assert answer.json()["errors"][0]["pointer"] == "/new_email"


@pytest.mark.parametrize("body", [{}, {"challenge": "chl_x", "email": ADA}])
async def test_which_mail_to_send_again_is_said_in_one_way(mailing_house: House, body: dict[str, str]) -> None:
    """By its challenge or by its address."""
    answer = await mailing_house.client.post("/v1/email/verify/resend", json=body)

    assert answer.json()["code"] == "invalid_fields"


async def test_two_who_register_one_address_at_once_are_answered_alike(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one finds the address taken, looks again, and its registration stands beside the first."""
    house = mailing_house
    body = {"email": ADA, "password": PASSWORD}

    answers = await asyncio.gather(*(house.client.post("/v1/accounts", json=body) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {202}
    assert len(await letters(house, ADA)) == 5


async def test_two_who_register_one_name_at_once_are_not(mailing_house: House) -> None:
    """A name is public: the slower one is told."""
    bodies = [{"email": f"p{n}@example.test", "password": PASSWORD, "username": "ada"} for n in range(5)]

    answers = await asyncio.gather(*(mailing_house.client.post("/v1/accounts", json=body) for body in bodies))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]


async def test_an_account_that_is_gone_is_not_deleted_twice(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is told, whichever of the two is quicker."""
    account = await sign_up(mailing_house)
    deleted: list[Event] = []
    mailing_house.auth.events.subscribe(AccountDeleted, deleted.append)
    await mailing_house.auth.life.leaving.delete(str(account["id"]))

    with pytest.raises(NotFound):
        await mailing_house.auth.life.leaving.delete(str(account["id"]))

    assert [event.account_id for event in deleted] == [account["id"]]


async def test_nothing_names_an_account_that_is_gone(mailing_house: House) -> None:
    """No table knows the id, the address or the name any more; the trail has a pseudonym."""
    house = mailing_house
    account = await sign_up(house, username="ada", profile={"name": "Ada Lovelace"})
    await house.log_in()
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    await house.client.post("/v1/accounts", json={"email": ADA.upper(), "password": PASSWORD})
    await house.client.post("/v1/email/verify/resend", json={"email": ADA})
    await letters(house)

    await house.auth.life.leaving.delete(str(account["id"]))
    farewell = (await letters(house, ADA))[-1]

    everything = await _everything(house.auth._database)
    assert farewell.subject == "Your account was deleted"
    for name in (str(account["id"]), ADA, "Lovelace", "'ada'", "203.0.113"):
        assert name not in everything.replace(ADA.upper(), ADA)
    assert "'ano_" in everything
    assert "account.deleted" in everything


async def _everything(database: Database) -> str:
    return repr(
        [
            tuple(map(row.__getitem__, row.keys()))
            for table in await _tables(database)
            for row in await database.fetch_all(f"SELECT * FROM {table}")
        ]
    )


async def _tables(database: Database) -> list[str]:
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if database.dialect == "sqlite"
        else "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    return [row["name"] for row in await database.fetch_all(sql)]


async def test_every_table_that_names_an_account_is_held_or_goes_with_it(mailing_house: House) -> None:
    """A slice that begins to keep something about people shows it to them, and erases it."""
    database = mailing_house.auth._database
    if database.dialect == "sqlite":
        sql = """
            SELECT master.name AS name FROM sqlite_master AS master, pragma_table_info(master.name) AS info
            WHERE master.type = 'table' AND info.name = 'account_id'
        """
    else:
        sql = """
            SELECT table_name AS name FROM information_schema.columns
            WHERE column_name = 'account_id' AND table_schema = current_schema()
        """
    naming = {row["name"] for row in await database.fetch_all(sql)}

    account = await sign_up(mailing_house)
    held = await mailing_house.auth.life.leaving.export(str(account["id"]))

    assert naming == {"password", "session", "audit_event", "mail", "challenge"}
    assert set(held) == {"account", "password", "sessions", "trail", "mails", "challenges"}


async def test_an_account_without_a_password_is_exported_too(mailing_house: House) -> None:
    """With nothing to tell about it."""
    account = await sign_up(mailing_house)
    await mailing_house.auth._database.write(mailing_house.auth.passwords.forgetting(str(account["id"])))

    held = await mailing_house.auth.life.leaving.export(str(account["id"]))

    assert held["password"] == {}
    assert held["account"]["created_at"] == "2027-01-15T08:00:00Z"


async def test_an_invitation_to_a_name_that_is_taken_is_refused(mailing_house: House) -> None:
    """Like a registration."""
    await sign_up(mailing_house, username="ada")

    with pytest.raises(LoginTaken):
        await mailing_house.auth.life.recovery.invite("bob@example.test", username="ada")


async def test_a_log_in_by_mail_takes_the_place_of_a_session(mailing_house: House) -> None:
    """As one by password does: no browser collects sessions."""
    house = mailing_house
    await sign_up(house)
    login = {"login": ADA, "password": PASSWORD, "transport": "cookie"}
    entered = await house.browser.post("/v1/login", json=login)
    old = entered.headers["set-cookie"].split(";")[0]
    await house.client.post("/v1/login/link", json={"login": ADA})

    bearer_now = await house.browser.post("/v1/login/link/redeem", json=(await letter(house)).token)

    assert bearer_now.json()["token_type"] == "Bearer"
    assert "Max-Age=0" in bearer_now.headers["set-cookie"]
    assert (await house.client.get("/v1/me", headers={"Cookie": old})).status_code == 401


async def test_a_link_to_an_account_that_is_gone_in_between_is_dead(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found, and then not there any more."""
    house = mailing_house
    kind = next(one for one in KINDS if one.name == "sign in")
    mail = await kind.ask(house)

    async def nobody(_account_id: str) -> None:
        return None

    monkeypatch.setattr(house.auth.passwords, "by_account", nobody)

    assert (await kind.redeem(house, mail.token)).json()["code"] == "challenge_invalid"


async def test_a_reset_of_an_account_that_is_gone_in_between_is_dead(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for a password."""
    house = mailing_house
    kind = next(one for one in KINDS if one.name == "reset")
    mail = await kind.ask(house)

    async def nobody(_account_id: str) -> None:
        return None

    monkeypatch.setattr(house.auth.passwords, "by_account", nobody)

    assert (await kind.redeem(house, mail.token)).json()["code"] == "challenge_invalid"


async def test_a_reset_by_an_operator_needs_an_account(mailing_house: House) -> None:
    """An id that nobody has is not found."""
    with pytest.raises(NotFound):
        await mailing_house.auth.life.recovery.start("acc_aaaaaaaaaaaaaaaaaaaaaaaaaa")


async def test_a_code_whose_key_is_gone_is_dead(mailing_house: House) -> None:
    """The instance's secret was replaced; the code was counted, and compares to nothing."""
    mail = await KINDS[0].ask(mailing_house)
    mailing_house.auth.life.challenges._ring = SecretRing((Secret("z" * 32),))

    assert (await KINDS[0].redeem(mailing_house, mail.code)).json()["code"] == "challenge_invalid"


async def test_a_host_that_calls_in_process_is_not_counted(mailing_house: House) -> None:
    """There is no network to count by; an import may ask a thousand times."""
    most = mailing_house.auth.settings.limits.per_recovery

    for _ in range(most + 1):
        await mailing_house.auth.life.recovery.forgot(ADA)


async def test_a_queue_without_a_mailer_waits(mailing_house: House) -> None:
    """A mail that is there is not lost when the mailer is taken away."""
    await mailing_house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})
    mailing_house.auth.life.delivery._mailer = None

    assert await mailing_house.auth.life.delivery.deliver() == 0
    (waiting,) = await mailing_house.auth.mail.page("waiting")
    assert waiting.why == "no mailer is configured"


async def test_an_owner_hears_of_a_stolen_session(mailing_house: House) -> None:
    """A spent refresh token came back after its window."""
    house = mailing_house
    await sign_up(house)
    pair = await house.log_in()
    await house.refresh(pair["refresh_token"])
    house.clock.advance(house.auth.settings.tokens.replay_window + 1)

    await house.refresh(pair["refresh_token"])

    assert (await letters(house, ADA))[-1].subject == "A session was ended for your safety"


@pytest.mark.parametrize(
    ("agent", "network", "told"),
    [
        ("Mozilla/5.0 Firefox/140.0 Linux", "203.0.113.7", False),
        ("Mozilla/5.0 Chrome/142.0 Windows", "203.0.113.7", True),
        ("Mozilla/5.0 Firefox/140.0 Linux", "198.51.100.7", True),
    ],
)
async def test_an_owner_hears_of_a_new_device(mailing_house: House, agent: str, network: str, told: bool) -> None:
    """Browser and network must both have been seen; the first log-in of all is no news."""
    house = mailing_house
    await sign_up(house)
    await _enter(house, "Mozilla/5.0 Firefox/140.0 Linux", "203.0.113.7")
    first = [mail for mail in await letters(house, ADA) if mail.subject == "A new device has logged in"]

    await _enter(house, agent, network)

    after = [mail for mail in await letters(house, ADA) if mail.subject == "A new device has logged in"]
    assert first == []
    assert len(after) == (1 if told else 0)


async def _enter(house: House, agent: str, network: str) -> None:
    await house.auth.passwords.log_in(login=ADA, password=PASSWORD, source=Source.of(network, agent, ""))


async def test_the_address_may_change_its_letters(mailing_house: House) -> None:
    """The same address in other letters is still the owner's own."""
    house = mailing_house
    await sign_up(house)
    headers = bearer((await house.log_in())["access_token"])
    await house.client.post("/v1/me/email", json={"new_email": "Ada@Example.test"}, headers=headers)

    moved = await house.client.post("/v1/email/verify", json=(await letter(house, "Ada@Example.test")).token)

    assert moved.json()["account"]["email"] == "Ada@Example.test"
