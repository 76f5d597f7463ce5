"""A mailer that keeps what it is given, and how to read what it got."""

import re
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from doorward.mail.model import Accepted, Message, Outcome
from doorward.settings import Accounts, Mail, Settings, Verification
from tests.support.house import House


@dataclass
class Mailbox:
    """Everybody's mail. ``outcomes`` are given back one after the other, then everything is accepted."""

    messages: list[Message] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    async def send(self, message: Message) -> Outcome:
        """Take a mail."""
        outcome = self.outcomes.pop(0) if self.outcomes else Accepted()
        if isinstance(outcome, Accepted):
            self.messages.append(message)
        return outcome


@dataclass(frozen=True)
class Letter:
    """A mail with a secret, taken apart as a person would."""

    message: Message

    @property
    def link(self) -> str:
        """The address behind the button."""
        found = re.search(r"^(https://\S+)$", self.message.text, re.MULTILINE)
        assert found, self.message.text
        return found[1]

    @property
    def token(self) -> dict[str, str]:
        """What the page behind the link sends."""
        return {"token": self.link.partition("#token=")[2]}

    @property
    def challenge(self) -> str:
        """The public id in the link."""
        return self.link.partition("?challenge=")[2].partition("#")[0]

    @property
    def digits(self) -> str:
        """The code, as it is shown."""
        found = re.search(r"^ {4}(\d{4} \d{4})$", self.message.text, re.MULTILINE)
        assert found, self.message.text
        return found[1]

    @property
    def code(self) -> dict[str, str]:
        """What somebody types on another device."""
        return {"challenge": self.challenge, "code": self.digits}

    def secret(self, how: str) -> dict[str, str]:
        """The secret in one of its two spellings."""
        return self.token if how == "token" else self.code


def mailing(settings: Settings, **verification: Any) -> Settings:
    """Let mail be sent by the host's mailer, and addresses be proved."""
    return replace(
        settings,
        mail=Mail(delivery="host", from_="door@auth.example.test"),
        accounts=Accounts(),
        verification=Verification(**verification),
    )


def mailbox_of(house: House) -> Mailbox:
    """The mailer of a house that was opened with one."""
    mailer = house.auth.mail.mailer
    assert isinstance(mailer, Mailbox)
    return mailer


async def letters(house: House, to: str | None = None) -> list[Message]:
    """Send what waits, and return all mails so far, or those to an address."""
    await house.auth.life.delivery.deliver()
    return [message for message in mailbox_of(house).messages if to is None or message.recipient == to]


async def letter(house: House, to: str = "ada@example.test") -> Letter:
    """Send what waits, and return the last mail to an address that has a code in it."""
    found = [message for message in await letters(house, to) if "#token=" in message.text]
    assert found, [(message.recipient, message.subject) for message in mailbox_of(house).messages]
    return Letter(found[-1])
