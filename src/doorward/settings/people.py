"""The settings of accounts, of what proves them, and of what they get: passwords, sessions and tokens."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from doorward.core.secret import Secret
from doorward.settings.units import DAY, HOUR, MINUTE, Count, Seconds


class Accounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may have an account."""

    email_verification: Annotated[
        Literal["required", "off"],
        Meta(description="`required`: nobody logs in before the address is proved by mail. `off`: nobody has to."),
    ] = "required"
    registration: Annotated[
        Literal["open", "closed"], Meta(description="`closed`: only `doorward account create` makes accounts.")
    ] = "open"


class Passwords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Passwords: policy, hashing, and how much of the machine hashing may use."""

    algorithm: Annotated[Literal["argon2id", "bcrypt"], Meta(description="Algorithm of new hashes.")] = "argon2id"
    argon2_memory: Annotated[
        int, Meta(ge=19456, le=1048576, description="Argon2id memory in KiB. The floor is OWASP's minimum.")
    ] = 19456
    argon2_iterations: Annotated[int, Meta(ge=2, le=64, description="Argon2id passes.")] = 2
    bcrypt_cost: Annotated[int, Meta(ge=12, le=16, description="bcrypt cost, a power of two.")] = 12
    min_length: Annotated[
        int,
        Meta(ge=8, le=64, description="Least code points. NIST SP 800-63B-4 wants 15 where no second factor follows."),
    ] = 8
    max_length: Annotated[int, Meta(ge=64, le=256, description="Most code points.")] = 256
    min_strength: Annotated[
        int, Meta(ge=0, le=4, description="Least zxcvbn score: 2 resists an online attack without a limiter.")
    ] = 2
    breached_file: Annotated[
        Path | None,
        Meta(description="Filter of breached passwords. Empty: that of the package `doorward-breached`, if installed."),
    ] = None
    breached_range_url: Annotated[
        str,
        Meta(
            description="`https` URL of a range service (k-anonymity); five digits of the SHA-1 of a new password are "
            "appended, such as `https://host/range/`. Empty: no password leaves, not even five digits."
        ),
    ] = ""
    breached_range_timeout: Annotated[Seconds, Meta(ge=1, le=10, description="How long that service may take.")] = 2
    breached_range_on_failure: Annotated[
        Literal["closed", "open"],
        Meta(description="When that service fails: `closed` refuses new passwords with 503, `open` goes without it."),
    ] = "closed"
    breached_range_ca_file: Annotated[
        Path | None, Meta(description="PEM file of the only authorities to trust for it, where they are private.")
    ] = None
    pepper: Annotated[
        tuple[Secret, ...],
        Meta(description="Secrets that wrap every hash, newest last. Losing them loses all passwords: back them up."),
    ] = ()
    hash_threads: Annotated[
        int, Meta(ge=0, le=64, description="Threads that hash. 0: one a core, at most 4. Memory: threads × cost.")
    ] = 0
    hash_queue: Annotated[
        Count, Meta(description="Log-ins that may wait for a thread; beyond it the answer is 503 `overloaded`.")
    ] = 64


class Sessions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed-in browser or device."""

    lifetime: Annotated[Seconds, Meta(ge=60, description="Absolute life of a cookie session.")] = 12 * HOUR
    idle_lifetime: Annotated[
        Seconds, Meta(ge=60, description="A cookie session not used for this long has ended (ASVS 7.3.1).")
    ] = 2 * HOUR
    remembered_lifetime: Annotated[
        Seconds, Meta(ge=60, description="Absolute life of a cookie session with `remember` (NIST AAL1: 30 days).")
    ] = 30 * DAY
    remembered_idle_lifetime: Annotated[
        Seconds, Meta(ge=60, description="Idle life of a cookie session with `remember`.")
    ] = 14 * DAY
    fresh_lifetime: Annotated[
        Seconds, Meta(description="How long after a log-in acts that need a fresh one are allowed.")
    ] = 10 * MINUTE
    max_per_account: Annotated[
        Count, Meta(description="Live sessions of one account; a log-in beyond it ends the oldest.")
    ] = 100


class Tokens(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What APIs get."""

    algorithm: Annotated[
        Literal["ES256", "EdDSA", "RS256"],
        Meta(description="Signature algorithm of new signing keys. A change takes effect with the next rotation."),
    ] = "ES256"
    audience: Annotated[str, Meta(description="`aud` of access tokens. Empty: the issuer.")] = ""
    client_id: Annotated[str, Meta(description="`client_id` of tokens for this server's own pages and apps.")] = (
        "doorward"
    )
    access_lifetime: Annotated[Seconds, Meta(ge=30, le=DAY, description="Life of an access token.")] = 10 * MINUTE
    refresh_lifetime: Annotated[
        Seconds, Meta(ge=60, description="Absolute life of a token family; no refresh extends it.")
    ] = 30 * DAY
    refresh_idle_lifetime: Annotated[Seconds, Meta(ge=60, description="A family not used for this long has ended.")] = (
        14 * DAY
    )
    replay_window: Annotated[
        Seconds,
        Meta(
            le=300,
            description="How long the refresh token just used still yields the same successor, for racers and lost "
            "replies. Later use is theft: family and session end.",
        ),
    ] = 30
    key_lifetime: Annotated[
        Seconds, Meta(ge=HOUR, description="Age at which the active signing key gives way to the staged one.")
    ] = 90 * DAY
    key_publication: Annotated[
        Seconds, Meta(description="How long a staged key is in the key set, at least, before it signs by age.")
    ] = DAY


class StatusLists(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Token Status Lists: for verifiers that know this standard and nothing of the revocation feed."""

    enabled: Annotated[bool, Meta(description="Put a `status` claim into access tokens and publish the lists.")] = False
    ttl: Annotated[
        Seconds, Meta(ge=5, le=HOUR, description="How long a verifier may keep a list before it asks for a newer one.")
    ] = MINUTE


class Browser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Applications in browsers that come from somewhere else."""

    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins whose scripts may call the API with tokens (CORS), separated by commas, each in full: "
            "`https://app.example.com`. Cookies stay with pages of this origin."
        ),
    ] = ()
