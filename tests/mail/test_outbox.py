"""The queue: claims, tries, what is set aside, what is dropped, what is counted."""

import asyncio

import pytest
from msgspec.structs import replace

from doorward.core.source import Source
from doorward.db import statement
from doorward.errors import Overloaded, StorageUnavailable
from doorward.hooks import MailSetAside
from doorward.mail import delivery, store
from doorward.mail.flows import KEPT
from doorward.mail.model import Accepted, Deferred, MailUnavailable, Message, Outcome, Refused
from doorward.settings import Mail, Settings
from tests.support.house import House, open_house
from tests.support.mailbox import Mailbox, letters, mailbox_of, mailing
from tests.support.waiting import until

ADA = "ada@example.test"


async def queue(house: House, letter: str = "address_known", to: str = ADA) -> None:
    """Put a mail into the queue."""
    statement = house.auth.mail.sending(letter, to=to, account_id=None, source=Source(), now=house.clock())
    await house.auth._database.write(statement)


async def state(house: House) -> dict[str, int]:
    """Count mails by state."""
    return await house.auth.mail.counts()


async def test_a_mail_is_sent_once(mailing_house: House) -> None:
    """Looking again finds nothing to do."""
    await queue(mailing_house)

    sent = [await mailing_house.auth.life.delivery.deliver() for _ in range(2)]

    assert sent == [1, 0]
    assert len(mailbox_of(mailing_house).messages) == 1


async def test_a_running_instance_sends_by_itself(mailing_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a beat of its own."""
    monkeypatch.setattr(delivery, "POLL_INTERVAL", 0.01)
    sender = asyncio.create_task(mailing_house.auth.life.delivery.run())
    await queue(mailing_house)

    await until(lambda: len(mailbox_of(mailing_house).messages) == 1)
    sender.cancel()


async def test_a_sender_survives_what_goes_wrong(
    mailing_house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The database away, then a defect, then it goes on."""
    monkeypatch.setattr(delivery, "POLL_INTERVAL", 0.001)
    errors: list[Exception] = [StorageUnavailable("away"), RuntimeError("a defect")]
    done = asyncio.Event()

    async def failing() -> int:
        if errors:
            raise errors.pop(0)
        done.set()
        return 0

    monkeypatch.setattr(mailing_house.auth.life.delivery, "deliver", failing)
    sender = asyncio.create_task(mailing_house.auth.life.delivery.run())
    await asyncio.wait_for(done.wait(), 10)
    sender.cancel()

    assert "the database does not answer" in caplog.text
    assert "sending mail failed" in caplog.text


async def test_later_is_tried_again_with_the_same_id(mailing_house: House) -> None:
    """After a pause, and by its Message-ID everybody knows that it is the same mail."""
    tried: list[str] = []

    class Greylisting(Mailbox):
        async def send(self, message: Message) -> Outcome:
            tried.append(message.message_id)
            return await super().send(message)

    mailing_house.auth.life.delivery._mailer = Greylisting(outcomes=[Deferred("451 later")])
    await queue(mailing_house)
    await mailing_house.auth.life.delivery.deliver()
    await mailing_house.auth.life.delivery.deliver()
    waiting = await mailing_house.auth.mail.page("waiting")

    mailing_house.clock.advance(60)
    await mailing_house.auth.life.delivery.deliver()

    assert [(one.tries, one.why) for one in waiting] == [(1, "451 later")]
    assert len(tried) == 2
    assert len(set(tried)) == 1
    assert await state(mailing_house) == {"sent": 1}


async def test_a_refusal_is_set_aside_and_told(mailing_house: House) -> None:
    """With its reason, to the trail and to whoever listens; an operator may try again."""
    heard: list[MailSetAside] = []
    mailing_house.auth.events.subscribe(MailSetAside, heard.append)
    mailbox_of(mailing_house).outcomes.append(Refused("550 no such user"))
    await queue(mailing_house)
    await mailing_house.auth.life.delivery.deliver()
    (aside,) = await mailing_house.auth.mail.page("set_aside")

    await mailing_house.auth.mail.retry(aside.id)
    await mailing_house.auth.life.delivery.deliver()

    assert (aside.why, aside.recipient) == ("550 no such user", ADA)
    assert [(event.letter, event.why) for event in heard] == [("address_known", "550 no such user")]
    assert await state(mailing_house) == {"sent": 1}


async def test_a_mailer_of_the_host_that_raises_loses_no_mail(
    mailing_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Its defect is logged, its words are not kept."""

    class Broken:
        async def send(self, message: Message) -> Outcome:
            raise RuntimeError("hunter2-canary")

    mailing_house.auth.life.delivery._mailer = Broken()
    await queue(mailing_house)
    await mailing_house.auth.life.delivery.deliver()

    (waiting,) = await mailing_house.auth.mail.page("waiting")
    assert waiting.why == "RuntimeError"
    assert "the mailer failed" in caplog.text


async def test_what_nobody_took_for_too_long_is_set_aside(mailing_house: House) -> None:
    """The queue has an age."""
    mailbox_of(mailing_house).outcomes.append(Deferred("451 later"))
    await queue(mailing_house)
    mailing_house.clock.advance(mailing_house.auth.settings.mail.max_age)

    await mailing_house.auth.life.delivery.deliver()

    assert await state(mailing_house) == {"set_aside": 1}


async def test_a_full_queue_refuses_what_needs_a_mail(settings: Settings) -> None:
    """It is bounded, and says when to come back; the answer is the same for every login."""
    small = replace(mailing(settings), mail=Mail(delivery="host", max_waiting=1, from_="door@a.test"))
    async with open_house(small, mailer=Mailbox()) as house:
        await queue(house)
        await queue(house)

        with pytest.raises(Overloaded) as refused:
            await house.auth.life.recovery.forgot("nobody@example.test")

    assert refused.value.retry_after == 60


async def test_without_a_mailer_nothing_is_promised(settings: Settings) -> None:
    """Whoever asks for a mail is told that there are none; notices are not queued for ever."""
    async with open_house(settings) as house:
        account = await house.register()
        answer = await house.client.post("/v1/password/forgot", json={"login": ADA})
        pair = await house.log_in()
        body = {"current_password": "correct horse battery staple", "new_password": "another horse battery staple"}
        await house.client.post(
            "/v1/me/password", json=body, headers={"Authorization": f"Bearer {pair['access_token']}"}
        )
        with pytest.raises(MailUnavailable):
            await house.auth.life.delivery.test(ADA)
        counts = await state(house)
        await house.auth.life.delivery.run()

    assert account["email"] == ADA
    assert (answer.status_code, answer.json()["code"]) == (403, "mail_unavailable")
    assert counts == {}


async def test_a_claim_ends_with_whoever_held_it(mailing_house: House) -> None:
    """A process that died in the middle holds a mail up for three minutes, not for ever."""
    await queue(mailing_house)
    now = mailing_house.clock()
    (claimed,) = await mailing_house.auth._database.write(store.claim("dead", now=now, until=now + delivery.CLAIM))

    early = await mailing_house.auth.life.delivery.deliver()
    mailing_house.clock.advance(delivery.CLAIM)
    late = await mailing_house.auth.life.delivery.deliver()

    assert len(claimed) == 1
    assert (early, late) == (0, 1)


async def test_a_process_that_was_too_slow_does_not_decide(
    mailing_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Its claim has ended, another one has the mail; what it says then is not written down."""

    class Slow(Mailbox):
        async def send(self, message: Message) -> Outcome:
            mailing_house.clock.advance(delivery.CLAIM)
            now = mailing_house.clock()
            await mailing_house.auth._database.write(store.claim("other", now=now, until=now + delivery.CLAIM))
            return Accepted()

    mailing_house.auth.life.delivery._mailer = Slow()
    await queue(mailing_house)
    await mailing_house.auth.life.delivery.deliver()

    assert "another process took it over" in caplog.text
    assert await state(mailing_house) == {"waiting": 1}


async def test_mails_to_one_person_arrive_in_their_order(mailing_house: House) -> None:
    """Although several are sent at once; one that was put off does not hold up the others."""
    mailbox = mailbox_of(mailing_house)
    mailbox.outcomes.append(Deferred("451 later"))
    for letter in ("address_known", "new_device", "password_changed"):
        await queue(mailing_house, letter)

    subjects = [mail.subject for mail in await letters(mailing_house)]

    assert subjects == ["A new device has logged in", "Your password was changed"]


async def test_a_mail_that_nobody_needs_any_more_is_dropped(mailing_house: House) -> None:
    """A link that is dead before it is sent, an address that is none, a letter of another version."""
    house = mailing_house
    await house.client.post("/v1/accounts", json={"email": ADA, "password": "correct horse battery staple"})
    house.clock.advance(house.auth.settings.verification.address_lifetime)
    await queue(house, to="ada@example.test\r\nBcc: eve@example.test")
    await queue(house, letter="unheard_of")

    assert await letters(house) == []
    assert await state(house) == {"dropped": 3}


async def test_what_was_done_with_is_forgotten(mailing_house: House) -> None:
    """After a week; what waits stays."""
    await queue(mailing_house)
    await mailing_house.auth.life.delivery.deliver()
    mailing_house.clock.advance(KEPT + 1)
    await queue(mailing_house)

    await mailing_house.auth.keep_house()

    assert await state(mailing_house) == {"waiting": 1}


async def test_a_list_has_pages(mailing_house: House) -> None:
    """The newest first, from a cursor on."""
    for _ in range(3):
        await queue(mailing_house)
    newest, *_ = await mailing_house.auth.mail.page("waiting")

    older = await mailing_house.auth.mail.page("waiting", cursor=newest.id)

    assert [one.id for one in older] == [newest.id - 1, newest.id - 2]


async def test_a_mail_speaks_the_language_of_whoever_asked(mailing_house: House) -> None:
    """And later notices the one of the account."""
    house = mailing_house
    headers = {"Accept-Language": "de-CH, de;q=0.9, en;q=0.5"}
    body = {"email": ADA, "password": "correct horse battery staple"}
    await house.client.post("/v1/accounts", json=body, headers=headers)
    first = (await letters(house, ADA))[-1]
    await house.auth._database.write(statement("UPDATE account SET email_verified_at = 1"))
    await house.auth._database.write(
        *house.auth.mail.telling_owner(
            "password_changed", (await house.auth.accounts.find_by_email(ADA)).id, source=Source(), now=house.clock()
        )
    )
    second = (await letters(house, ADA))[-1]

    assert (first.language, first.subject) == ("de", "Bestätigen Sie Ihre E-Mail-Adresse")
    assert (second.language, second.subject) == ("de", "Ihr Passwort wurde geändert")


async def test_a_test_mail_goes_past_the_queue(mailing_house: House) -> None:
    """And says what the mail server said."""
    outcome = await mailing_house.auth.life.delivery.test(ADA)

    assert outcome == Accepted()
    assert mailbox_of(mailing_house).messages[0].subject == "A test from doorward"
