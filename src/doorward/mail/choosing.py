"""Which mailer the settings ask for."""

from doorward.errors import Finding, Misconfigured
from doorward.mail.development import ConsoleMailer, FileMailer
from doorward.mail.mailer import Mailer
from doorward.mail.model import FOLDER, Deferred, Message, Outcome, read_server
from doorward.settings import Settings


class Elsewhere:
    """Stands where the host's own mailer is not at hand, as on the command line: mails wait for the host to run."""

    async def send(self, message: Message) -> Outcome:  # noqa: ARG002 - the port's signature
        """Send nothing."""
        return Deferred("the host's own mailer sends it, when the host runs")


def choose_mailer(settings: Settings, given: Mailer | None) -> Mailer | None:
    """Return the mailer; ``given`` is the host's own. ``None``: this instance sends no mail.

    Raises :class:`Misconfigured` where the settings and the host do not agree about who sends.
    """
    mail = settings.mail
    if (given is not None) != (mail.delivery == "host"):
        what = "mail.delivery is 'host' and no mailer was handed in." if given is None else (
            "A mailer was handed in, and mail.delivery is not 'host'."
        )  # fmt: skip
        raise Misconfigured(Finding(what, "Use Doorward(settings, mailer=…) and mail.delivery 'host' together."))
    match mail.delivery:
        case "file":
            return FileMailer(settings.data_dir / FOLDER)
        case "console":
            return ConsoleMailer()
        case "smtp" if mail.smtp_url:
            from doorward.mail.smtp import SmtpMailer  # the library is loaded where mail is sent by it

            return SmtpMailer(read_server(mail.smtp_url), ca_file=mail.ca_file, timeout=mail.timeout)
        case _:
            return given
