"""A real mail server on a loopback port, over TLS with a certificate of its own, that answers what it is told to."""

import asyncio
import contextlib
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from doorward.mail.model import Message, Server
from doorward.mail.smtp import SmtpMailer

USER, PASSWORD = "door", "hunter2-canary"
AUTHORITY = trustme.CA()


@dataclass
class Postbox:
    """What arrived, and what the server says instead of accepting: one entry a command, then it accepts."""

    mails: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    to_rcpt: list[str] = field(default_factory=list)
    to_data: list[str] = field(default_factory=list)
    cut_after_data: bool = False
    log_ins: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.to_rcpt:
            return self.to_rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take or refuse a mail, or take it and let the line go dead before saying so."""
        if self.to_data:
            return self.to_data.pop(0)
        parsed = email.message_from_bytes(cast("bytes", envelope.content), policy=email.policy.default)
        self.mails.append(cast("EmailMessage", parsed))
        self.senders.append(str(envelope.mail_from))
        self.recipients.append(list(envelope.rcpt_tos))
        if self.cut_after_data:
            cast("asyncio.Transport", server.transport).abort()
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Check the password."""
        assert isinstance(data, LoginPassword)
        self.log_ins.append(data.password)
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@contextlib.asynccontextmanager
async def listening(
    postbox: Postbox, *, security: str = "tls", host: str = "localhost", auth: bool = False, offers_tls: bool = True
) -> AsyncIterator[int]:
    """Serve until the block is over; yields the port. ``offers_tls=False``: somebody has stripped STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)

    def protocol() -> SMTP:
        with warnings.catch_warnings():  # it takes a connection that begins with TLS for one without
            warnings.simplefilter("ignore", UserWarning)
            return make()

    def make() -> SMTP:
        return SMTP(
            postbox,
            hostname="mail.test",
            tls_context=context if security == "starttls" and offers_tls else None,
            authenticator=postbox.authenticate if auth else None,
            auth_required=auth,
            auth_require_tls=security == "starttls",
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def mailer(
    port: int, folder: Path, *, security: Any = "tls", auth: bool = False, password: str = PASSWORD
) -> SmtpMailer:
    """A mailer that trusts that server's authority."""
    ca_file = folder / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(ca_file))
    server = Server("localhost", port, security, USER if auth else "", password if auth else "")
    return SmtpMailer(server, ca_file=ca_file, timeout=5)


def message(recipient: str = "ada@example.test", **changes: Any) -> Message:
    """A mail."""
    given: dict[str, Any] = {
        "message_id": "0123456789abcdef@auth.example.test",
        "sender": "door@auth.example.test",
        "sender_name": "Dörte's Door",
        "recipient": recipient,
        "subject": "Bestätigen Sie Ihre E-Mail-Adresse",
        "text": "Grüße: سلام\n.\nhttps://auth.example.test/x\n",
        "html": "<p>Grüße</p>",
        "language": "de",
        "written_at": 1_800_000_000,
        **changes,
    }
    return Message(**given)
