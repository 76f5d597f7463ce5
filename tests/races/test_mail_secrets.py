"""Many processes bring the same secret back, guess at the same code, and send the same mails, at the same moment."""

import dataclasses
from collections import Counter

import pytest

from doorward.core.clock import system_clock
from doorward.core.source import Source
from tests.races.crew import Crew, Place
from tests.support.house import open_house
from tests.support.life import KINDS, Kind
from tests.support.mailbox import Mailbox
from tests.support.quick import QuickHasher

HOW = ("token", "code")


@pytest.fixture
def mailing_place(place: Place) -> Place:
    """A place where mail is sent."""
    return dataclasses.replace(place, mails=True)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("how", HOW)
async def test_of_fifty_who_redeem_one_secret_one_succeeds(
    crew: Crew, mailing_place: Place, kind: Kind, how: str
) -> None:
    """better-auth CVE-2026-53518: one guarded statement, on both engines."""
    settings = mailing_place.settings()
    async with open_house(settings, mailer=Mailbox()) as house:
        house.clock.now = system_clock()
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        mail = await kind.ask(house)
    tries = 50 if how == "token" else settings.verification.tries

    body = {**mail.secret(how), **dict(kind.members)}
    answers = await crew.run_all("redeem", mailing_place, path=kind.path, bodies=[body] * tries)

    assert Counter(status for status, _ in answers) == {kind.status: 1, 400: tries - 1}
    assert {code for status, code in answers if status == 400} == {"challenge_invalid"}


async def test_of_two_hundred_guesses_at_a_code_five_are_compared(crew: Crew, mailing_place: Place) -> None:
    """Keycloak CVE-2024-4629: parallel guesses do not slip past the count; and the right one is too late."""
    kind = next(one for one in KINDS if one.name == "sign in")
    async with open_house(mailing_place.settings(), mailer=Mailbox()) as house:
        house.clock.now = system_clock()
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        mail = await kind.ask(house)
        right = int(mail.digits.replace(" ", ""))
        wrong = [{**mail.code, "code": f"{(right + 1 + number) % 10**8:08}"} for number in range(200)]

        answers = await crew.run_all("redeem", mailing_place, path=kind.path, bodies=wrong)

        challenge = await house.auth.life.challenges.peek(mail.challenge)
        assert challenge is not None
        assert challenge.tries == house.auth.settings.verification.tries
        assert Counter(answers) == {(400, "challenge_invalid"): 200}
        assert (await kind.redeem(house, mail.code)).status_code == 400


async def test_each_mail_is_sent_by_one_process(crew: Crew, mailing_place: Place) -> None:
    """Of many senders, one has the claim."""
    async with open_house(mailing_place.settings(), mailer=Mailbox()) as house:
        house.clock.now = system_clock()
        for number in range(40):
            await house.auth._database.write(
                house.auth.mail.sending(
                    "address_known",
                    to=f"p{number % 8}@example.test",
                    account_id=None,
                    source=Source(),
                    now=system_clock(),
                )
            )

    sent = await crew.run_all("deliver", mailing_place)

    assert len(sent) == len(set(sent)) == 40
