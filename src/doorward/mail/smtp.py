"""The mailer that speaks SMTP: over TLS with a verified certificate, or not at all.

``smtps`` is TLS from the first byte. With ``smtp`` the server must offer STARTTLS and the handshake must succeed before
anything else is said; an answer from which somebody has stripped the offer ends the conversation (RFC 3207 §6). A
password is never sent without TLS. Only what the server says about *this* recipient or *this* mail can refuse it for
good; a wrong password or certificate of ours is for the operator to mend, and the mail waits.
"""

import logging
import ssl
from pathlib import Path

import aiosmtplib

from doorward.mail.mailer import on_the_wire
from doorward.mail.model import Accepted, Deferred, Message, Outcome, Refused, Server, told

_log = logging.getLogger("doorward.mail")


class SmtpMailer:
    """Sends each mail over a connection of its own."""

    def __init__(self, server: Server, *, ca_file: Path | None, timeout: int) -> None:
        """Take where to send to; ``timeout`` is in seconds and bounds each step. Nothing is opened yet."""
        self._server = server
        self._timeout = timeout
        self._ca_file = ca_file

    async def send(self, message: Message) -> Outcome:
        """Send one mail."""
        try:
            client = self._client()
            await client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            why = told(f"{error} {error.__cause__ or ''}")
            _log.warning("the mail server cannot be used: %s", why)
            return Deferred(f"no connection: {why}")
        try:
            return await self._hand_over(client, message)
        finally:
            client.close()

    async def _hand_over(self, client: aiosmtplib.SMTP, message: Message) -> Outcome:
        try:
            await client.sendmail(message.sender, [message.recipient], on_the_wire(message))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            first = refused.recipients[0]
            return _judge(first.code, first.message)
        except aiosmtplib.SMTPDataError as refused:
            return _judge(refused.code, refused.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Deferred(f"in the middle: {told(str(error))}")
        return Accepted()

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=self._timeout,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",  # True: it must be there and must succeed
            tls_context=None if server.security == "none" else self._context(),
            username=server.user or None,
            password=server.password or None,
        )

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))


def _judge(code: int, text: str) -> Outcome:
    """Read a reply to RCPT or DATA (RFC 5321 §4.2.1): 5yz is for good, anything else for now."""
    why = told(f"{code} {text}")
    return Refused(why) if 500 <= code <= 599 else Deferred(why)
