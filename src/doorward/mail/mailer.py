"""The port that a mail leaves by, and what it looks like on the wire (RFC 5322, RFC 2046 §5.1.4)."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol

from doorward.mail.model import Message, Outcome


class Mailer(Protocol):
    """Takes one mail to wherever mail goes. A host may hand in its own (``Doorward(…, mailer=…)``)."""

    async def send(self, message: Message) -> Outcome:
        """Send, and say what came of it. Within a bounded time; never raises on purpose."""
        ...


class KeepsMail(Mailer, Protocol):
    """A mailer for development, which can show what it was given last."""

    def recent(self) -> list[Message]:
        """Return the last mails, the newest first."""
        ...


def on_the_wire(message: Message) -> bytes:
    """Write the mail: a text part and an HTML part that say the same.

    Every header is set through the standard library's policy, which refuses line breaks (header injection), and the
    recipient as an address that is not parsed again.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=message.sender_name, addr_spec=message.sender)
    mail["To"] = Address(addr_spec=message.recipient)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.written_at, UTC))
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Content-Language"] = message.language
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no robot shall answer
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail.as_bytes()
