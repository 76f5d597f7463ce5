"""Sections of the settings for those who run an instance: what is kept of it, who is told, how it speaks in its log."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorward.settings.units import DAY, HOUR, Seconds


class Audit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trail of security events."""

    retention: Annotated[
        Seconds,
        Meta(
            ge=30 * DAY,
            description="How long a line is kept. A year covers an intrusion that is found late; check what your law "
            "says about keeping less, or more.",
        ),
    ] = 365 * DAY


class Webhooks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Telling other programs. Endpoints are made by `doorward webhook add`."""

    give_up_after: Annotated[
        Seconds,
        Meta(ge=HOUR, description="Age at which a message is not tried again, and silence at which an endpoint is."),
    ] = 3 * DAY
    allowed_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks that endpoints may be in although they are not public, separated by commas. Without "
            "it nobody can make this server speak to what is behind its firewall."
        ),
    ] = ()
    ca_file: Annotated[
        Path | None, Meta(description="PEM file of the only authorities to trust. Empty: those of the system.")
    ] = None


class Logs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `doorward serve` writes to standard error. An embedded instance leaves this to its host."""

    format: Annotated[
        Literal["text", "json"],
        Meta(description="`text`: a line for people; `json`: an object a line, with the request's id."),
    ] = "text"
