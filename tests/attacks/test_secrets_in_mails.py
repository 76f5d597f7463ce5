"""Every kind of secret in a mail, held to the same rules: once, in time, for one thing, with few guesses.

Keycloak CVE-2026-4282 (one kind passes for another), authentik CVE-2023-26481 (a link works for another user) and
CVE-2025-64708 (expiry left to a clean-up job), Vault CVE-2025-6014 (a spelling is another try), better-auth
CVE-2026-53518 (used twice).
"""

from itertools import product

import pytest

from doorward.core.opaque import Opaque, seal
from doorward.core.secret import Secret, SecretRing
from doorward.db import Statement, statement
from tests.support.house import House
from tests.support.life import ADA, KINDS, OTHER_PASSWORD, Kind, sign_up
from tests.support.mailbox import letter, letters

HOW = ("token", "code")
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@each_kind
@pytest.mark.parametrize("how", HOW)
async def test_a_secret_works_once(mailing_house: House, kind: Kind, how: str) -> None:
    """The second time it is as unknown as one that never was; and its twin, the other spelling, is spent with it."""
    mail = await kind.ask(mailing_house)

    first = await kind.redeem(mailing_house, mail.secret(how))
    second = [await kind.redeem(mailing_house, mail.secret(other)) for other in HOW]
    unknown = await kind.redeem(mailing_house, {"challenge": "chl_aaaaaaaaaaaaaaaaaaaaaaaaaa", "code": "12345678"})

    assert first.status_code == kind.status, first.text
    assert {answer.status_code for answer in second} == {400}
    assert {answer.text for answer in second} == {unknown.text}
    assert unknown.json()["code"] == "challenge_invalid"


@each_kind
@pytest.mark.parametrize("how", HOW)
async def test_a_secret_is_too_old_without_any_clean_up(mailing_house: House, kind: Kind, how: str) -> None:
    """Expiry is asked at use, to the second; no job has run."""
    mail = await kind.ask(mailing_house)
    challenge = await mailing_house.auth.life.challenges.peek(mail.challenge)
    assert challenge is not None
    mailing_house.clock.now = challenge.expires_at

    late = await kind.redeem(mailing_house, mail.secret(how))
    mailing_house.clock.now -= 1
    in_time = await kind.redeem(mailing_house, mail.secret(how))

    assert (late.status_code, in_time.status_code) == (400, kind.status)


@pytest.mark.parametrize(
    ("made", "used"), [pair for pair in product(KINDS, KINDS) if pair[0].path != pair[1].path], ids=str
)
async def test_a_secret_of_one_kind_opens_no_other_door(mailing_house: House, made: Kind, used: Kind) -> None:
    """Tokens have keys of their own for each purpose, and a code belongs to its challenge."""
    mail = await made.ask(mailing_house)

    answers = [await used.redeem(mailing_house, mail.secret(how)) for how in HOW]

    assert [answer.json().get("code") for answer in answers] == ["challenge_invalid"] * 2
    assert (await made.redeem(mailing_house, mail.token)).status_code == made.status


@each_kind
async def test_a_code_has_few_tries(mailing_house: House, kind: Kind) -> None:
    """After five wrong ones the right one is wrong too; the link, which nobody guesses, still works."""
    mail = await kind.ask(mailing_house)
    wrong = {**mail.code, "code": f"{(int(mail.digits.replace(' ', '')) + 1) % 10**8:08}"}

    codes = [(await kind.redeem(mailing_house, wrong)).json()["code"] for _ in range(5)]
    right = await kind.redeem(mailing_house, mail.code)
    link = await kind.redeem(mailing_house, mail.token)

    assert codes == ["challenge_invalid"] * 5
    assert right.json()["code"] == "challenge_invalid"
    assert link.status_code == kind.status


async def test_a_code_in_another_spelling_is_the_same_try(mailing_house: House) -> None:
    """Full-width digits, hyphens, spaces: read first, then counted and compared."""
    kind = next(one for one in KINDS if one.name == "sign in")
    mail = await kind.ask(mailing_house)
    spelled = "".join(chr(ord(digit) + 0xFEE0) if digit.isdigit() else "-" for digit in mail.digits)

    answer = await kind.redeem(mailing_house, {**mail.code, "code": f" {spelled} "})

    assert answer.status_code == 200


async def test_a_right_code_with_a_weak_password_costs_no_try(mailing_house: House) -> None:
    """Somebody who thinks of a password six times is no guesser."""
    kind = next(one for one in KINDS if one.name == "reset")
    mail = await kind.ask(mailing_house)

    weak = [
        await mailing_house.client.post("/v1/password/reset", json={**mail.secret(how), "new_password": "password"})
        for how in ("code", "code", "code", "code", "code", "code", "token")
    ]
    done = await kind.redeem(mailing_house, mail.code)

    assert [answer.status_code for answer in weak] == [422] * 7
    assert weak[0].json()["errors"][0]["pointer"] == "/new_password"
    assert done.status_code == 204


async def test_a_newer_mail_makes_the_older_one_worthless(mailing_house: House) -> None:
    """Only the newest link and code count."""
    kind = next(one for one in KINDS if one.name == "reset")
    older = await kind.ask(mailing_house)
    await mailing_house.client.post("/v1/password/forgot", json={"login": ADA})
    newer = await letter(mailing_house)

    old = [await kind.redeem(mailing_house, older.secret(how)) for how in HOW]
    new = await kind.redeem(mailing_house, newer.code)

    assert [answer.status_code for answer in old] == [400, 400]
    assert new.status_code == 204


async def test_a_verification_that_is_sent_again_replaces_the_last(mailing_house: House) -> None:
    """The challenge on the screen stays good; the code in the older mail does not."""
    kind = KINDS[0]
    older = await kind.ask(mailing_house)
    again = await mailing_house.client.post("/v1/email/verify/resend", json={"challenge": older.challenge})
    newer = await letter(mailing_house)

    old = [await kind.redeem(mailing_house, older.secret(how)) for how in HOW]
    new = await kind.redeem(mailing_house, newer.code)

    assert again.json()["challenge"] == older.challenge == newer.challenge
    assert [answer.status_code for answer in old] == [400, 400]
    assert new.status_code == 200


async def test_a_reset_works_for_the_account_that_asked_and_for_no_other(mailing_house: House) -> None:
    """authentik CVE-2023-26481: there is no member that names an account, and the secret knows whose it is."""
    house = mailing_house
    await sign_up(house, "eve@example.test")
    victim = await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": "eve@example.test"})
    mail = await letter(house, "eve@example.test")
    named = {**mail.token, "new_password": OTHER_PASSWORD}

    for member in ("login", "email", "account", "account_id", "user"):
        refused = await house.client.post("/v1/password/reset", json={**named, member: victim["id"]})
        assert refused.status_code == 422
    assert (await house.client.post("/v1/password/reset", json=named)).status_code == 204

    await house.log_in()
    assert (await house.client.post("/v1/login", json={"login": ADA, "password": OTHER_PASSWORD})).status_code == 401


async def test_a_code_does_not_belong_to_another_challenge(mailing_house: House) -> None:
    """A right code beside a wrong id is a wrong code."""
    house = mailing_house
    await sign_up(house, "eve@example.test")
    await house.client.post("/v1/password/forgot", json={"login": "eve@example.test"})
    own = await letter(house, "eve@example.test")
    await sign_up(house)
    asked = await house.client.post("/v1/password/forgot", json={"login": ADA})

    crossed = {"challenge": asked.json()["challenge"], "code": own.digits, "new_password": OTHER_PASSWORD}
    answer = await house.client.post("/v1/password/reset", json=crossed)

    assert answer.json()["code"] == "challenge_invalid"


async def test_a_reset_that_was_sent_to_an_old_address_is_dead(mailing_house: House) -> None:
    """The secret is bound to the address it went to: whoever reads the old mailbox has nothing."""
    house = mailing_house
    account = await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    old = await letter(house)
    await house.auth._database.write(_moved(account["id"]))

    answer = await house.client.post("/v1/password/reset", json={**old.token, "new_password": OTHER_PASSWORD})

    assert answer.json()["code"] == "challenge_invalid"


def _moved(account_id: str) -> Statement:
    return statement(
        "UPDATE account SET email = 'a@moved.test', email_key = 'a@moved.test' WHERE id = :id", id=account_id
    )


async def test_a_reset_from_before_a_change_of_the_password_is_dead(mailing_house: House) -> None:
    """Whoever changes the password because a mailbox is not safe any more need not fear the mails that are in it."""
    house = mailing_house
    await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    old = await letter(house)
    headers = {"Authorization": f"Bearer {(await house.log_in())['access_token']}"}
    change = {"current_password": "correct horse battery staple", "new_password": OTHER_PASSWORD}
    assert (await house.client.post("/v1/me/password", json=change, headers=headers)).status_code == 204

    answers = [
        await house.client.post("/v1/password/reset", json={**old.secret(how), "new_password": "a third one for Eve"})
        for how in HOW
    ]

    assert [answer.json()["code"] for answer in answers] == ["challenge_invalid"] * 2


@each_kind
async def test_a_copy_of_the_database_opens_nothing(mailing_house: House, kind: Kind) -> None:
    """Neither token nor code stands in any table, and neither can be made without the instance's secret."""
    house = mailing_house
    mail = await kind.ask(house)
    database = house.auth._database
    dumped = repr(
        [
            [tuple(map(row.__getitem__, row.keys())) for row in await database.fetch_all(f"SELECT * FROM {table}")]
            for table in ("mail", "challenge", "account", "audit_event")
        ]
    )
    (row,) = await database.fetch_all("SELECT handle, generation FROM challenge WHERE id = :id", id=mail.challenge)
    prefix = mail.token["token"][:4]
    forged = seal(SecretRing((Secret("x" * 32),)), prefix, Opaque(row["handle"], row["generation"]))

    answer = await kind.redeem(house, {"token": forged})

    assert mail.token["token"] not in dumped
    assert mail.digits.replace(" ", "") not in dumped
    assert answer.json()["code"] == "challenge_invalid"


async def test_a_secret_that_was_taken_out_of_the_ring_takes_its_links_with_it(mailing_house: House) -> None:
    """Rotating the instance's secret ends what it made, codes and unsent mails as well."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": "correct horse battery staple"})
    mail = await letter(house)
    await house.client.post("/v1/email/verify/resend", json={"challenge": mail.challenge})
    before = len(await letters(house)) - 1
    house.auth.life.challenges._ring = SecretRing((Secret("y" * 32),))

    answers = [await KINDS[0].redeem(house, mail.secret(how)) for how in HOW]
    await house.auth.life.delivery.deliver()

    assert [answer.status_code for answer in answers] == [400, 400]
    assert await house.auth.life.challenges.reveal(mail.challenge) is None
    assert before >= 1


@each_kind
async def test_half_a_secret_and_two_secrets_are_no_secret(mailing_house: House, kind: Kind) -> None:
    """What is sent is either the link's token, or the challenge with its code."""
    full = {"token": "dwp_x", "challenge": "chl_x", "code": "12345678"}
    wrong = [{}, {"challenge": "chl_x"}, {"code": "12345678"}, full, {"token": "dwp_x", "code": "12345678"}]

    answers = [await kind.redeem(mailing_house, body) for body in wrong]

    assert [answer.json()["code"] for answer in answers] == ["invalid_fields"] * len(wrong)
