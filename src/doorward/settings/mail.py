"""The settings of mails and of what is in them."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorward.settings.units import DAY, HOUR, MINUTE, Count, Seconds


class Mail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where mail goes. It waits in the database until a mail server has taken it."""

    delivery: Annotated[
        Literal["smtp", "file", "console", "host"],
        Meta(
            description="`smtp`: to the server of `smtp_url`. `file` (below the data folder) and `console`: for "
            "development, on a loopback origin only. `host`: by the mailer that a host hands in."
        ),
    ] = "smtp"
    smtp_url: Annotated[
        str,
        Meta(
            description="`smtps://user:password@host:465` (TLS from the start) or `smtp://user:password@host:587` "
            "(STARTTLS, which must succeed). `smtp+plain://127.0.0.1:25` only for a relay on this machine."
        ),
    ] = ""
    from_: Annotated[str, Meta(description="Sender address; the name beside it is `service_name`.")] = ""
    ca_file: Annotated[
        Path | None, Meta(description="PEM file of the authorities that sign the mail server. Empty: the system's.")
    ] = None
    timeout: Annotated[Seconds, Meta(ge=1, le=120, description="How long one step with the mail server may take.")] = 15
    max_waiting: Annotated[
        Count, Meta(description="Mails that may wait; beyond it, what needs one is answered 503 `overloaded`.")
    ] = 10_000
    max_age: Annotated[Seconds, Meta(ge=MINUTE, description="A mail that nobody took for so long is set aside.")] = (
        2 * DAY
    )

    @property
    def is_configured(self) -> bool:
        """Whether mail has somewhere to go."""
        return self.delivery != "smtp" or self.smtp_url != ""

    def __repr__(self) -> str:
        """Show the sender; the URL may have a password in it."""
        return f"Mail(delivery={self.delivery!r}, smtp_url=…, from_={self.from_!r})"


class Verification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One-time links and codes in mails: how long they live, and how often a code may be tried."""

    tries: Annotated[int, Meta(ge=1, le=10, description="Wrong codes after which a challenge is dead.")] = 5
    address_lifetime: Annotated[
        Seconds, Meta(ge=MINUTE, le=DAY, description="To prove an address (NIST SP 800-63B-4: 24 hours at most).")
    ] = DAY
    reset_lifetime: Annotated[Seconds, Meta(ge=MINUTE, le=DAY, description="To set another password.")] = 30 * MINUTE
    undo_lifetime: Annotated[
        Seconds, Meta(ge=HOUR, description="To take back a change of the address, from the old one.")
    ] = 7 * DAY
    invitation_lifetime: Annotated[Seconds, Meta(ge=HOUR, description="To accept an invitation.")] = 7 * DAY
    sign_in_links: Annotated[
        bool, Meta(description="Offer logging in by a link or code in a mail. It is never a second factor.")
    ] = False
    sign_in_lifetime: Annotated[
        Seconds, Meta(ge=MINUTE, le=HOUR, description="To log in by link or code (ASVS 6.5.5: 10 minutes).")
    ] = 10 * MINUTE
