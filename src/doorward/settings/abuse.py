"""The settings of what keeps guessing out and lets owners in."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorward.settings.units import DAY, MINUTE, Count, Seconds


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often somebody may try. Every try counts, also the parallel ones, before a password is hashed.

    A success gives its tries back. A device that the account knows is counted by itself and by nothing else.
    """

    window: Annotated[Seconds, Meta(ge=1, description="Length of the counting window.")] = 15 * MINUTE
    per_account: Annotated[
        Count,
        Meta(description="Password tries per login and day of all unknown devices together; then a challenge."),
    ] = 10
    per_pair: Annotated[
        Count,
        Meta(
            description="Password tries of one network (or one known device) at one login; then a delay between tries "
            "that doubles from 30 s to 1 h."
        ),
    ] = 10
    per_network: Annotated[
        Count,
        Meta(description="Password tries and registrations per network (IPv4 /32, IPv6 /64) and window; no more then."),
    ] = 1000
    per_wide_network: Annotated[Count, Meta(description="The same for the network around it (IPv4 /24, IPv6 /48).")] = (
        4000
    )
    per_instance: Annotated[
        Count,
        Meta(description="The same for everybody together; then a challenge. Counted in eight shares, by network."),
    ] = 2000
    registrations: Annotated[
        Count, Meta(description="Registrations, or requests for mails, per network and window; then a challenge.")
    ] = 50
    per_recovery: Annotated[
        Count, Meta(description="Requests for a mail that gives access back, per login and window; then a challenge.")
    ] = 5
    failures_in_a_row: Annotated[
        int,
        Meta(
            ge=2,
            le=100,
            description="Wrong passwords in a row, after which the password is good for nothing until it is reset by "
            "mail. Devices that the account does not know can use up half of them (NIST SP 800-63B-4 §3.2.2: 100).",
        ),
    ] = 100
    device_lifetime: Annotated[
        Seconds, Meta(ge=DAY, le=400 * DAY, description="How long a device stays known after its last log-in.")
    ] = 180 * DAY


class Challenges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody must do before a suspicious try: our own proof of work, or what the host has plugged in."""

    difficulty: Annotated[
        int, Meta(ge=4, le=18, description="Zero bits of the easiest proof of work; each level adds one, up to seven.")
    ] = 15
    waiting: Annotated[
        bool,
        Meta(description="Whether waiting is an answer too, for people without JavaScript: 30 s to 1 h, by level."),
    ] = True
    timeout: Annotated[
        Seconds, Meta(ge=1, le=30, description="How long a provider that the host has plugged in may take to judge.")
    ] = 3
    on_failure: Annotated[
        Literal["closed", "open"],
        Meta(description="What an answer counts for when such a provider fails: `closed` nothing, `open` as right."),
    ] = "closed"
