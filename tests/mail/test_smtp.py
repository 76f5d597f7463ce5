"""Sending to a real mail server: over TLS or not at all, and what its answers mean."""

from pathlib import Path

import pytest

from doorward.mail.model import Accepted, Deferred, Refused, Server
from doorward.mail.smtp import SmtpMailer
from tests.mail.server import PASSWORD, Postbox, listening, mailer, message


@pytest.fixture
def postbox() -> Postbox:
    """An empty one."""
    return Postbox()


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_mail_arrives_over_tls(postbox: Postbox, tmp_path: Path, security: str) -> None:
    """With both parts, in every script, and to exactly the recipient."""
    async with listening(postbox, security=security) as port:
        outcome = await mailer(port, tmp_path, security=security).send(message())

    (mail,) = postbox.mails
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert outcome == Accepted()
    assert postbox.recipients == [["ada@example.test"]]
    assert postbox.senders == ["door@auth.example.test"]
    assert mail["message-id"] == "<0123456789abcdef@auth.example.test>"
    assert mail["subject"] == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert str(mail["from"]) == "Dörte's Door <door@auth.example.test>"
    assert mail["auto-submitted"] == "auto-generated"
    assert text is not None
    assert text.get_content().replace("\r", "") == "Grüße: سلام\n.\nhttps://auth.example.test/x\n"
    assert html is not None
    assert html.get_content().strip() == "<p>Grüße</p>"


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_password_is_sent_inside_tls(postbox: Postbox, tmp_path: Path, security: str) -> None:
    """The server insists on it, and gets it."""
    async with listening(postbox, security=security, auth=True) as port:
        outcome = await mailer(port, tmp_path, security=security, auth=True).send(message())

    assert outcome == Accepted()
    assert postbox.log_ins == [PASSWORD.encode()]


async def test_a_stripped_starttls_ends_the_conversation(postbox: Postbox, tmp_path: Path) -> None:
    """Somebody in the middle has removed the offer: neither the password nor the mail is said in clear."""
    async with listening(postbox, security="starttls", auth=False, offers_tls=False) as port:
        outcome = await mailer(port, tmp_path, security="starttls", auth=True).send(message())

    assert isinstance(outcome, Deferred)
    assert not postbox.mails
    assert not postbox.log_ins


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_for_somebody_else_is_refused(postbox: Postbox, tmp_path: Path, security: str) -> None:
    """The host name is checked, also after STARTTLS."""
    async with listening(postbox, security=security, host="other.test") as port:
        outcome = await mailer(port, tmp_path, security=security, auth=True).send(message())

    assert isinstance(outcome, Deferred)
    assert not postbox.mails


async def test_an_authority_that_nobody_knows_is_refused(postbox: Postbox) -> None:
    """Without the file, only the system's authorities count."""
    async with listening(postbox) as port:
        unknown = SmtpMailer(Server("localhost", port, "tls"), ca_file=None, timeout=5)
        outcome = await unknown.send(message())

    assert isinstance(outcome, Deferred)
    assert not postbox.mails


async def test_a_file_of_authorities_that_is_none_is_told(postbox: Postbox, tmp_path: Path) -> None:
    """It is the operator's mistake: the mail waits."""
    (tmp_path / "ca.pem").write_text("nothing")
    async with listening(postbox) as port:
        broken = SmtpMailer(Server("localhost", port, "tls"), ca_file=tmp_path / "ca.pem", timeout=5)
        outcome = await broken.send(message())

    assert isinstance(outcome, Deferred)


async def test_a_wrong_password_of_ours_does_not_lose_the_mail(postbox: Postbox, tmp_path: Path) -> None:
    """535 is about us, not about the mail; and the reason does not carry the password."""
    async with listening(postbox, auth=True) as port:
        outcome = await mailer(port, tmp_path, auth=True, password="wrong-canary").send(message())

    assert isinstance(outcome, Deferred)
    assert "535" in outcome.why
    assert "canary" not in outcome.why


async def test_a_relay_on_this_machine_may_do_without_tls(postbox: Postbox, tmp_path: Path) -> None:
    """That is for the settings to allow; here it just works."""
    async with listening(postbox, security="none") as port:
        outcome = await mailer(port, tmp_path, security="none").send(message())

    assert outcome == Accepted()


@pytest.mark.parametrize("where", ["to_rcpt", "to_data"])
async def test_later_means_later(postbox: Postbox, tmp_path: Path, where: str) -> None:
    """A greylisting server takes the second try."""
    getattr(postbox, where).append("451 4.7.1 come back later")
    async with listening(postbox) as port:
        sender = mailer(port, tmp_path)
        outcomes = [await sender.send(message()), await sender.send(message())]

    assert outcomes == [Deferred("451 4.7.1 come back later"), Accepted()]


@pytest.mark.parametrize("where", ["to_rcpt", "to_data"])
async def test_never_means_never(postbox: Postbox, tmp_path: Path, where: str) -> None:
    """550 is about this recipient or this mail; line ends in it cannot forge a log line."""
    getattr(postbox, where).append("550 5.1.1 no such user")
    async with listening(postbox) as port:
        outcome = await mailer(port, tmp_path).send(message())

    assert outcome == Refused("550 5.1.1 no such user")


async def test_a_line_cut_after_the_mail_leaves_it_open(postbox: Postbox, tmp_path: Path) -> None:
    """The mail may have arrived; it is tried again with the same Message-ID, by which others know it."""
    postbox.cut_after_data = True
    async with listening(postbox) as port:
        outcome = await mailer(port, tmp_path).send(message())

    assert isinstance(outcome, Deferred)
    assert len(postbox.mails) == 1


async def test_nobody_there_is_not_the_end(tmp_path: Path) -> None:
    """A closed port is a reason to wait."""
    outcome = await mailer(1, tmp_path).send(message())

    assert isinstance(outcome, Deferred)
