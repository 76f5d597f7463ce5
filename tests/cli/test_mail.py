"""``doorward mail``, and what ``doorward account`` does by mail."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli import mail as command
from doorward.cli.output import Exit
from doorward.mail.development import FileMailer
from tests.cli.conftest import Operator
from tests.mail.server import message

ADA = "ada@example.test"
LOCAL = "https://localhost:8443"


@pytest.fixture
def posting(operator: Operator) -> Operator:
    """An operator of an instance whose mail goes into files."""
    operator.environ |= {
        "DOORWARD_ORIGIN": LOCAL,
        "DOORWARD_MAIL__DELIVERY": "file",
        "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "required",
    }
    return operator


def files(operator: Operator) -> FileMailer:
    """Where the mails are."""
    return FileMailer(operator.settings.data_dir / "mail")


def test_a_test_mail_is_sent_at_once(posting: Operator) -> None:
    """Past the queue, and the answer of the mail server is told."""
    told = posting("mail", "test", ADA)
    as_json = json.loads(posting("mail", "test", ADA, "--json").output)

    assert told.output == f"Accepted: a test mail to {ADA} is on its way.\n"
    assert as_json == {"accepted": True, "why": ""}
    assert files(posting).recent()[0].subject == "A test from doorward"


def test_a_test_mail_that_is_not_taken_is_told_with_its_reason(operator: Operator) -> None:
    """Here it is the host that would have to send it."""
    operator.environ["DOORWARD_MAIL__DELIVERY"] = "host"

    result = operator("mail", "test", ADA)

    assert result.exit_code == Exit.REFUSED
    assert "Not accepted: the host" in result.output


def test_without_a_mailer_there_is_nothing_to_try(operator: Operator) -> None:
    """And that is what it says."""
    result = operator("mail", "test", ADA)

    assert result.exit_code == Exit.REFUSED
    assert "This server sends no mail" in result.stderr


def test_somebody_is_invited(posting: Operator) -> None:
    """The mail waits for a running server; twice means another mail."""
    first = posting("account", "invite", ADA, "--role", "editor")
    again = posting("account", "invite", ADA)
    waiting = json.loads(posting("mail", "list", "--json").output)

    assert first.output == f"{ADA} is invited; the mail is in the queue.\n"
    assert again.exit_code == 0
    assert [(each["letter"], each["recipient"]) for each in waiting] == [("invitation", ADA)] * 2


def test_whoever_has_come_already_is_not_invited(posting: Operator) -> None:
    """The address is taken."""
    posting("account", "create", ADA, typed="correct horse battery staple\n")

    assert posting("account", "invite", ADA).exit_code == Exit.REFUSED


def test_an_operator_starts_a_reset_and_does_not_choose_the_password(posting: Operator) -> None:
    """ASVS 6.4.6."""
    posting("account", "create", ADA, typed="correct horse battery staple\n")

    result = posting("account", "send-reset", ADA)

    waiting = json.loads(posting("mail", "list", "--json").output)
    assert result.output == f"{ADA} gets a mail; it is in the queue.\n"
    assert [each["letter"] for each in waiting] == ["reset_by_operator"]


def test_an_account_is_deleted_after_a_question(posting: Operator) -> None:
    """Or with --yes; what is gone is gone."""
    posting("account", "create", ADA, typed="correct horse battery staple\n")

    refused = posting("account", "delete", ADA, typed="n\n")
    done = posting("account", "delete", ADA, "--yes")

    assert refused.exit_code == Exit.REFUSED
    assert done.output == f"{ADA} is deleted.\n"
    assert posting("account", "show", ADA).exit_code == Exit.NOT_FOUND


def test_the_queue_is_listed_and_tried_again(posting: Operator) -> None:
    """What was set aside comes back on an operator's word."""
    posting("account", "invite", ADA)
    posting.execute("UPDATE mail SET state = 'set_aside', why = '550 no such user', done_at = 1")

    empty = posting("mail", "list")
    aside = posting("mail", "list", "--set-aside")
    again = posting("mail", "retry", "1")
    unknown = posting("mail", "retry", "99")

    assert empty.output.splitlines()[-1] == "There are none."
    assert "550 no such user" in aside.output
    assert again.output == "Mail 1 is in the queue again.\n"
    assert unknown.exit_code == Exit.NOT_FOUND
    assert ADA in posting("mail", "list").output


def test_the_last_mail_is_shown_with_its_code(posting: Operator) -> None:
    """For whoever follows the tutorial."""
    code = "Or type this code:\n\n    1234 5678\n"
    asyncio.run(files(posting).send(replace(message(), text=code)))

    whole = posting("mail", "last")
    only = posting("mail", "last", "--code")

    assert whole.output.startswith("To: ada@example.test\nSubject: ")
    assert only.output == "12345678\n"


def test_a_mail_without_a_code_has_none(posting: Operator) -> None:
    """Nothing is invented."""
    asyncio.run(files(posting).send(message()))

    assert posting("mail", "last", "--code").exit_code == Exit.NOT_FOUND


def test_without_a_mail_there_is_none_to_show(posting: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment in which it could have come."""
    monkeypatch.setattr(command, "_PATIENCE", 0.1)

    result = posting("mail", "last")

    assert result.exit_code == Exit.NOT_FOUND
    assert result.stderr == "There is no mail yet.\n"


def test_only_mails_in_files_are_shown(operator: Operator) -> None:
    """Anybody else's are nobody's business."""
    assert operator("mail", "last").exit_code == Exit.USAGE


def test_init_for_another_machine_asks_for_a_mail_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: Operator
) -> None:
    """Files are for one's own machine; elsewhere it says what is still to do."""
    monkeypatch.chdir(tmp_path)
    operator.environ.clear()

    result = operator("init", "--origin", "https://auth.example.com")

    assert "Still to do: accounts.email_verification is 'required', and nothing says where mail goes." in result.output
    assert "DOORWARD_MAIL__SMTP_URL=" in (tmp_path / ".env").read_text()
