"""Zitadel CVE-2023-44399, TOB-PYPI26-5: asking for a mail tells whether an account exists (ASVS 6.3.8).

For every kind of account: the same status, body and headers, the same number of hashes, the same calls of the database
with the same number of statements. What differs is who gets a mail.
"""

import re
from collections.abc import AsyncIterator

import pytest

from doorward.db import open_database, statement
from doorward.settings import Settings
from tests.faults.failing import AimedDatabase
from tests.support.house import PASSWORD, House, bearer, open_house
from tests.support.life import sign_up
from tests.support.mailbox import Mailbox, letter, letters, mailing
from tests.support.quick import QuickHasher
from tests.support.raw import Answer, post

KNOWN, DISABLED, UNPROVED, PASSWORDLESS, UNKNOWN = (
    f"{name}@example.test" for name in ("known", "disabled", "unproved", "passwordless", "unknown")
)
KINDS = (KNOWN, DISABLED, UNPROVED, PASSWORDLESS, UNKNOWN)

ASKING = {
    "register": ("/v1/accounts", "email", {"password": PASSWORD}),
    "forgot": ("/v1/password/forgot", "login", {}),
    "link": ("/v1/login/link", "login", {}),
    "resend": ("/v1/email/verify/resend", "email", {}),
}


@pytest.fixture
async def crowd(settings: Settings) -> AsyncIterator[tuple[House, AimedDatabase]]:
    """A house with an account of every kind, on a database that counts."""
    aimed = AimedDatabase(open_database(settings.database_url, pool_size=4, timeout=10))
    offering = mailing(settings, sign_in_links=True)
    async with open_house(offering, mailer=Mailbox(), database=aimed) as house:
        house.auth.pool.hasher = QuickHasher(offering.passwords)
        await sign_up(house, KNOWN)
        disabled = await sign_up(house, DISABLED)
        await house.auth.accounts.disable(str(disabled["id"]))
        await house.client.post("/v1/accounts", json={"email": UNPROVED, "password": PASSWORD})
        passwordless = await sign_up(house, PASSWORDLESS)
        await aimed.write(statement("DELETE FROM password WHERE account_id = :id", id=passwordless["id"]))
        await house.auth.life.delivery.deliver()
        yield house, aimed


def _visible(answer: Answer) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Everything a caller sees but what is random: the id of the request and that of the challenge."""
    body = re.sub(rb"chl_[a-z2-7]{26}", b"chl_", answer.body)
    return answer.status, body, [pair for pair in answer.headers if pair[0] != b"x-request-id"]


@pytest.mark.parametrize("what", ASKING)
async def test_asking_is_answered_alike_and_costs_the_same(crowd: tuple[House, AimedDatabase], what: str) -> None:
    """Bytes, hashes, calls and statements."""
    house, aimed = crowd
    path, member, members = ASKING[what]

    seen, costs = {}, {}
    for kind in KINDS:
        before = house.auth.pool.performed
        with aimed.aim():
            seen[kind] = _visible(await post(house.auth, path, {member: kind, **members}))
        costs[kind] = (house.auth.pool.performed - before, aimed.made)

    assert seen[UNKNOWN][0] == 202
    assert seen == dict.fromkeys(KINDS, seen[UNKNOWN])
    assert costs == dict.fromkeys(KINDS, costs[UNKNOWN])


async def test_a_new_address_is_answered_alike_and_costs_the_same(crowd: tuple[House, AimedDatabase]) -> None:
    """Changing one's own address is no way to ask about others."""
    house, aimed = crowd
    await sign_up(house, "asker@example.test")
    token = bearer((await house.log_in("asker@example.test"))["access_token"])["Authorization"].encode()

    seen, costs = {}, {}
    for kind in KINDS:
        with aimed.aim():
            answer = await post(house.auth, "/v1/me/email", {"new_email": kind}, (b"authorization", token))
        seen[kind] = _visible(answer)
        costs[kind] = aimed.made

    assert seen[UNKNOWN][0] == 202
    assert seen == dict.fromkeys(KINDS, seen[UNKNOWN])
    assert costs == dict.fromkeys(KINDS, costs[UNKNOWN])


async def test_who_gets_a_mail(crowd: tuple[House, AimedDatabase]) -> None:
    """That alone differs, and only the owner of the address sees it."""
    house, _ = crowd
    got = {}
    for what, (path, member, members) in ASKING.items():
        before = len(await letters(house))
        for kind in KINDS:
            await post(house.auth, path, {member: kind, **members})
        got[what] = {(mail.recipient.partition("@")[0], mail.subject) for mail in (await letters(house))[before:]}

    known = "You already have an account"
    confirm, reset = "Confirm your e-mail address", "Set another password"
    assert got["register"] == {
        ("known", known),
        ("disabled", known),
        ("passwordless", known),
        ("unproved", confirm),
        ("unknown", confirm),
    }
    assert got["forgot"] == {(name, reset) for name in ("known", "passwordless", "unproved", "unknown")}
    assert got["link"] == {(name, "Log in to doorward") for name in ("known", "passwordless", "unproved", "unknown")}
    # Two have registered with it: whoever reads the mail chooses the password.
    assert got["resend"] == {("unproved", reset), ("unknown", confirm)}


@pytest.mark.parametrize("what", ASKING)
async def test_the_limit_is_the_same_for_every_kind(crowd: tuple[House, AimedDatabase], what: str) -> None:
    """A mailbox cannot be flooded, and how often one may ask does not tell either."""
    house, _ = crowd
    path, member, members = ASKING[what]
    most = house.auth.settings.limits.per_recovery
    house.clock.advance(house.auth.settings.limits.window)

    codes = {}
    for kind in KINDS:
        answers = [await post(house.auth, path, {member: kind.upper(), **members}) for _ in range(most + 1)]
        codes[kind] = [answer.status for answer in answers]

    assert codes == dict.fromkeys(KINDS, [202] * most + [429])


async def test_a_taken_username_is_told_alike(crowd: tuple[House, AimedDatabase]) -> None:
    """409 whether the address is known or not: names are public, addresses are not."""
    house, _ = crowd
    await sign_up(house, "named@example.test", username="ada")

    answers = [
        await post(house.auth, "/v1/accounts", {"email": kind, "password": PASSWORD, "username": "ADA"})
        for kind in KINDS
    ]

    assert [_visible(answer) for answer in answers] == [_visible(answers[0])] * len(KINDS)
    assert answers[0].code == "login_taken"


async def test_an_unknown_challenge_is_sent_again_like_a_known_one(crowd: tuple[House, AimedDatabase]) -> None:
    """The same bytes and statements for a live, a spent, a foreign and a made-up id."""
    house, aimed = crowd
    live = (await post(house.auth, "/v1/accounts", {"email": "new@example.test", "password": PASSWORD})).json
    reset = (await post(house.auth, "/v1/password/forgot", {"login": KNOWN})).json
    ids = [live["challenge"], reset["challenge"], "chl_aaaaaaaaaaaaaaaaaaaaaaaaaa"]

    seen, costs = [], []
    for challenge in ids:
        with aimed.aim():
            seen.append(_visible(await post(house.auth, "/v1/email/verify/resend", {"challenge": challenge})))
        costs.append(aimed.made)

    assert seen == [seen[0]] * 3
    assert costs == [costs[0]] * 3


async def test_sending_again_is_limited_alike_for_a_known_and_an_unknown_address(
    crowd: tuple[House, AimedDatabase],
) -> None:
    """However the mails are asked for, they count together: by registration, and by its challenge."""
    house, _ = crowd
    most = house.auth.settings.limits.per_recovery
    house.clock.advance(house.auth.settings.limits.window)

    codes = []
    for kind in (KNOWN, UNKNOWN):
        challenge = (await post(house.auth, "/v1/accounts", {"email": kind, "password": PASSWORD})).json["challenge"]
        again = [await post(house.auth, "/v1/email/verify/resend", {"challenge": challenge}) for _ in range(most)]
        codes.append([answer.status for answer in again])

    assert codes == [[202] * (most - 1) + [429]] * 2


async def test_an_unproved_account_is_told_so_only_with_its_password(crowd: tuple[House, AimedDatabase]) -> None:
    """A guess hears what a guess at any other account hears."""
    house, _ = crowd

    wrong = [await post(house.auth, "/v1/login", {"login": kind, "password": "wrong"}) for kind in KINDS]
    right = await post(house.auth, "/v1/login", {"login": UNPROVED, "password": PASSWORD})

    assert [_visible(answer) for answer in wrong] == [_visible(wrong[0])] * len(KINDS)
    assert (wrong[0].status, right.code) == (401, "email_not_verified")


async def test_a_mail_that_was_sent_again_is_counted_alike_when_it_is_asked_for_once_more(
    crowd: tuple[House, AimedDatabase],
) -> None:
    """By the address that was typed, whoever has it, even where the challenge is a decoy or over by now."""
    house, _ = crowd
    most = house.auth.settings.limits.per_recovery
    house.clock.advance(house.auth.settings.limits.window)
    twice = "twice@example.test"
    for _ in range(2):
        await post(house.auth, "/v1/accounts", {"email": twice, "password": PASSWORD})
    house.clock.advance(house.auth.settings.limits.window)

    codes = {}
    for kind in (*KINDS, twice):
        challenge = (await post(house.auth, "/v1/email/verify/resend", {"email": kind})).json["challenge"]
        for _ in range(most - 1):
            await post(house.auth, "/v1/email/verify/resend", {"email": kind})
        codes[kind] = (await post(house.auth, "/v1/email/verify/resend", {"challenge": challenge})).status

    assert codes == dict.fromkeys((*KINDS, twice), 429)


async def test_how_often_a_mail_is_sent_again_does_not_tell_that_its_address_was_proved(
    crowd: tuple[House, AimedDatabase],
) -> None:
    """Who registers somebody's address and goes on asking never learns that the owner has come."""
    house, _ = crowd
    most = house.auth.settings.limits.per_recovery
    body = {"email": "owner@example.test", "password": PASSWORD}
    challenge = (await post(house.auth, "/v1/accounts", body)).json["challenge"]
    for _ in range(most - 1):
        await post(house.auth, "/v1/email/verify/resend", {"challenge": challenge})
    await post(house.auth, "/v1/email/verify", (await letter(house, "owner@example.test")).token)

    answer = await post(house.auth, "/v1/email/verify/resend", {"challenge": challenge})

    assert answer.status == 429


async def test_a_wrong_code_costs_the_same_for_a_known_a_decoy_and_an_unknown_challenge(
    crowd: tuple[House, AimedDatabase],
) -> None:
    """The line that it leaves in the trail is one for each of them."""
    house, aimed = crowd
    live = (await post(house.auth, "/v1/password/forgot", {"login": KNOWN})).json["challenge"]
    decoy = (await post(house.auth, "/v1/password/forgot", {"login": UNKNOWN})).json["challenge"]

    seen, costs = [], []
    for challenge in (live, decoy, "chl_aaaaaaaaaaaaaaaaaaaaaaaaaa"):
        body = {"challenge": challenge, "code": "none", "new_password": PASSWORD}
        with aimed.aim():
            seen.append(_visible(await post(house.auth, "/v1/password/reset", body)))
        costs.append(aimed.made)

    assert seen == [seen[0]] * 3
    assert costs == [costs[0]] * 3


async def test_a_wrong_code_is_counted_at_a_decoy_too(crowd: tuple[House, AimedDatabase]) -> None:
    """A row that changes takes longer than none: ``make measure-enumeration`` told an unproved account by that."""
    house, _ = crowd
    challenges = {
        kind: (await post(house.auth, "/v1/email/verify/resend", {"email": kind})).json["challenge"]
        for kind in (UNKNOWN, UNPROVED)
    }

    tries = {}
    for kind, challenge in challenges.items():
        refused = await post(house.auth, "/v1/email/verify", {"challenge": challenge, "code": "12345678"})
        found = await house.auth.life.challenges.peek(challenge)
        tries[kind] = (refused.code, found and found.tries)

    assert tries == dict.fromkeys((UNKNOWN, UNPROVED), ("challenge_invalid", 1))
