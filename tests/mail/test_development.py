"""The mailers for development, and the page that shows what they got."""

import io
import stat
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from doorward.errors import Misconfigured
from doorward.mail.choosing import Elsewhere, choose_mailer
from doorward.mail.development import KEPT, ConsoleMailer, FileMailer
from doorward.mail.model import Accepted, Deferred
from doorward.mail.smtp import SmtpMailer
from doorward.settings import Mail, Serving, Settings
from tests.mail.server import message
from tests.support.house import House, open_house
from tests.support.mailbox import Mailbox
from tests.support.raw import call

LOCAL = "https://localhost:8443"
ADA = {"email": "ada@example.test", "password": "correct horse battery staple"}


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """They hold links that open accounts."""
    mailer = FileMailer(tmp_path / "mail")

    assert await mailer.send(message()) == Accepted()

    (file,) = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert mailer.recent() == [message()]


async def test_only_the_last_files_are_kept(tmp_path: Path) -> None:
    """A development machine is no archive."""
    mailer = FileMailer(tmp_path)
    for number in range(KEPT + 3):
        await mailer.send(changed(message(), written_at=number, message_id=f"{number}@x"))

    assert [one.written_at for one in mailer.recent()] == list(range(KEPT + 2, 2, -1))


async def test_before_the_first_mail_there_is_none(tmp_path: Path) -> None:
    """No folder is no error."""
    assert FileMailer(tmp_path / "mail").recent() == []


async def test_the_terminal_shows_the_text() -> None:
    """And remembers it for the page."""
    stream = io.StringIO()
    mailer = ConsoleMailer(stream)

    await mailer.send(message())

    assert "  | To: ada@example.test\n" in stream.getvalue()
    assert "  | https://auth.example.test/x\n" in stream.getvalue()
    assert mailer.recent() == [message()]


async def test_the_terminal_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for programs."""
    await ConsoleMailer().send(message())

    assert "To: ada@example.test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mail", "kind"),
    [
        (Mail(delivery="file"), FileMailer),
        (Mail(delivery="console"), ConsoleMailer),
        (Mail(smtp_url="smtps://mail.test", from_="door@a.test"), SmtpMailer),
        (Mail(), type(None)),
    ],
)
def test_the_settings_choose_the_mailer(mail: Mail, kind: type) -> None:
    """One word each."""
    assert isinstance(choose_mailer(Settings(mail=mail), None), kind)


def test_the_hosts_own_mailer_is_taken_when_the_settings_say_so() -> None:
    """Neither without the other: a mailer that is ignored would be found out too late."""
    box = Mailbox()

    assert choose_mailer(Settings(mail=Mail(delivery="host")), box) is box
    for mail, given in ((Mail(delivery="host"), None), (Mail(), box)):
        with pytest.raises(Misconfigured):
            choose_mailer(Settings(mail=mail), given)


async def test_on_the_command_line_a_hosts_mail_waits() -> None:
    """Its mailer is not at hand there."""
    assert isinstance(await Elsewhere().send(message()), Deferred)


def local(settings: Settings, **changes: Any) -> Settings:
    """Settings of a developer."""
    return replace(settings, **{"origin": LOCAL, "mail": Mail(delivery="file"), **changes})


async def _page(house: House, *headers: tuple[bytes, bytes], **options: Any) -> Any:
    given = {"client": ("127.0.0.1", 50000), **options}
    hosts = [] if any(name == b"host" for name, _ in headers) else [(b"host", b"localhost:8443")]
    return await call(house.auth, "GET", "/dev/mail", headers=[*hosts, *headers], **given)


async def test_the_page_shows_the_last_mails(settings: Settings) -> None:
    """With a link to follow, and under a policy that runs nothing."""
    async with open_house(local(settings)) as house:
        empty = await _page(house)
        await house.auth.life.recovery.invite("ada@example.test")
        await house.auth.life.delivery.deliver()
        page = await _page(house)

    assert b"No mail yet." in empty.body
    assert b"You are invited to doorward" in page.body
    assert b'<a href="https://localhost:8443/invitation?challenge=chl_' in page.body
    (policy,) = page.values(b"content-security-policy")
    assert policy.startswith(b"default-src 'none'; style-src 'sha256-")


@pytest.mark.parametrize(
    "options",
    [
        {"client": ("203.0.113.7", 50000)},
        {"client": None},
        {"headers": [(b"host", b"rebound.example:8443")]},
        {"headers": [(b"host", b"localhost:8443"), (b"host", b"localhost:8443")]},
        {"headers": [(b"x-forwarded-for", b"203.0.113.7")]},
        {"headers": [(b"forwarded", b"for=203.0.113.7")]},
    ],
    ids=["from elsewhere", "from nobody", "by a rebound name", "by two names", "through a proxy", "through another"],
)
async def test_the_page_is_not_there_for_others(settings: Settings, options: dict[str, Any]) -> None:
    """Whoever reads it can reset every password: there is nothing at this path for anybody else."""
    async with open_house(local(settings)) as house:
        page = await _page(house, *options.get("headers", []), **{k: v for k, v in options.items() if k != "headers"})

    assert page.status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://auth.example.test", "mail": Mail(smtp_url="smtps://mail.test", from_="door@a.test")},
        {"mail": Mail(smtp_url="smtps://mail.test", from_="door@a.test")},
        {"serving": Serving(host="0.0.0.0")},
        {"serving": Serving(behind_proxy=True, trusted_proxies=("127.0.0.1",))},
        {"mail": Mail(delivery="host")},
    ],
)
async def test_the_page_is_not_there_on_an_instance_that_others_reach(
    settings: Settings, changes: dict[str, Any]
) -> None:
    """Not with a real mailer, not on other addresses, not behind a proxy."""
    mailer = Mailbox() if changes.get("mail", Mail()).delivery == "host" else None
    async with open_house(local(settings, **changes), mailer=mailer) as house:
        page = await _page(house)

    assert page.status == 404
