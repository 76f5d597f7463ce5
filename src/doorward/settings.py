"""Every setting of doorward: its type, default, unit and reason, in sections.

One frozen object, built once and handed down; nothing else in the package reads the environment, so several instances
in one process work. Sources, strongest first: arguments, ``DOORWARD_…`` variables, ``.env`` (the command line reads
it), ``doorward.toml``, the defaults below. A variable is ``DOORWARD_SECTION__NAME``; ``DOORWARD_SECRET_FILE`` and
``DOORWARD_PASSWORDS__PEPPER_FILE`` name files that hold the secret instead. Durations are written ``90``, ``30s``,
``10m``, ``12h`` or ``30d`` and are whole seconds inside. The reference page is generated from this module.

``Settings.load()`` reads and checks; how is told in ``configuration/``. Whether a combination is *safe* is decided
there too, all findings at once.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from doorward.core.secret import Secret
from doorward.mail_settings import Mail as Mail
from doorward.mail_settings import Verification as Verification
from doorward.operating import Audit, Logs, Webhooks
from doorward.units import DAY as DAY
from doorward.units import HOUR as HOUR
from doorward.units import MINUTE as MINUTE
from doorward.units import Count, Port, Seconds


class Serving(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ``doorward serve`` listens. An embedded instance leaves this to its host."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port of the HTTPS listener.")] = 8443
    http_port: Annotated[
        Port | None,
        Meta(description="Port of the plain listener, which only points to HTTPS. Empty: no such listener."),
    ] = 8080
    management_port: Annotated[
        Port | None,
        Meta(description="Port of the management listener, plain HTTP with `/metrics`. Empty: no such listener."),
    ] = None
    management_host: Annotated[
        str, Meta(description="Address of the management listener. Whoever reaches it sees how much is going on.")
    ] = "127.0.0.1"
    workers: Annotated[Count, Meta(description="Worker processes. More than one needs no other setting.")] = 1
    certificate: Annotated[
        Path | None,
        Meta(description="PEM file of the certificate chain. Empty: a local authority makes one for development."),
    ] = None
    private_key: Annotated[Path | None, Meta(description="PEM file of the certificate's key, mode 0600.")] = None
    http2: Annotated[
        bool,
        Meta(
            description="Offer HTTP/2 as well. A client that says nothing then keeps its connection as long as it "
            "likes, and 2048 of them are all there are: only where strangers cannot connect."
        ),
    ] = False
    behind_proxy: Annotated[
        bool, Meta(description="Serve plain HTTP, to the listed proxies only, because one of them ends TLS.")
    ] = False
    insecure_loopback: Annotated[
        bool,
        Meta(
            description="For development on this machine alone: serve plain HTTP on a loopback address, with a cookie "
            "of another name. Any other address, origin, proxy or certificate is refused with it."
        ),
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks whose forwarded headers are believed, separated by commas."),
    ] = ()

    @property
    def in_clear(self) -> bool:
        """Whether our own listener speaks plain HTTP: a proxy ends TLS, or there is none on this machine alone."""
        return self.behind_proxy or self.insecure_loopback


class Database(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where everything is kept."""

    url: Annotated[
        str,
        Meta(description="`sqlite:///path` or `postgresql://user@host/name`. Empty: `doorward.db` in the data folder."),
    ] = ""
    pool_size: Annotated[Count, Meta(description="Connections to PostgreSQL, per worker process.")] = 8
    timeout: Annotated[Seconds, Meta(description="How long one statement, or the wait for a connection, may take.")] = (
        10
    )

    def __repr__(self) -> str:
        """Show everything but the URL, which may have a password in it."""
        return f"Database(url=…, pool_size={self.pool_size}, timeout={self.timeout})"


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


class Browser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Applications in browsers that come from somewhere else."""

    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins whose scripts may call the API with tokens (CORS), separated by commas, each in full: "
            "`https://app.example.com`. Cookies stay with pages of this origin."
        ),
    ] = ()


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


class Accounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may have an account."""

    email_verification: Annotated[
        Literal["required", "off"],
        Meta(description="`required`: nobody logs in before the address is proved by mail. `off`: nobody has to."),
    ] = "required"
    registration: Annotated[
        Literal["open", "closed"], Meta(description="`closed`: only `doorward account create` makes accounts.")
    ] = "open"


class StatusLists(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Token Status Lists: for verifiers that know this standard and nothing of the revocation feed."""

    enabled: Annotated[bool, Meta(description="Put a `status` claim into access tokens and publish the lists.")] = False
    ttl: Annotated[
        Seconds, Meta(ge=5, le=HOUR, description="How long a verifier may keep a list before it asks for a newer one.")
    ] = MINUTE


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


class Pages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people see: texts, looks, and where they may be sent after a log-in."""

    language: Annotated[
        Literal["en", "de", "es", "fr", "ar"],
        Meta(description="Language of pages for people whose browser wants none of those there are."),
    ] = "en"
    home: Annotated[
        str,
        Meta(
            max_length=2048,
            description="Where a log-in leads that came from nowhere: a path of this origin, or an address of one of "
            "`pages.return_origins`. Empty: the account page.",
        ),
    ] = ""
    return_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Other origins, like `https://app.example.com`, that `return_to` may lead to, separated by "
            "commas. Paths of this origin always may."
        ),
    ] = ()
    accent: Annotated[
        str, Meta(max_length=7, description="Colour of buttons and links, like `#1d5b4f`; made legible if it is not.")
    ] = ""
    radius: Annotated[
        int | None, Meta(ge=0, le=24, description="Radius of corners in pixels. Empty: that of the design.")
    ] = None
    font: Annotated[
        tuple[str, ...],
        Meta(description="Names of fonts, the best first; people have them installed or not, nothing is fetched."),
    ] = ()
    logo: Annotated[
        Path | None, Meta(description="SVG, PNG or WebP file, at most 256 KiB, that stands in place of the mark.")
    ] = None
    templates: Annotated[
        Path | None, Meta(description="Folder of templates that replace those of the same name; read at start.")
    ] = None
    imprint_url: Annotated[str, Meta(max_length=2048, description="Address or path of the imprint.")] = ""
    privacy_url: Annotated[str, Meta(max_length=2048, description="Address or path of the privacy notice.")] = ""
    terms_url: Annotated[str, Meta(max_length=2048, description="Address or path of the terms of use.")] = ""
    support_url: Annotated[
        str, Meta(max_length=2048, description="Address or path where people get help; `mailto:` is fine.")
    ] = ""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration of one instance."""

    origin: Annotated[
        str, Meta(description="Scheme, host and port as browsers see them; never taken from a request.")
    ] = "https://localhost:8443"
    mount_path: Annotated[
        str, Meta(description="Path below which a host has mounted the app, for example `/auth`.")
    ] = ""
    service_name: Annotated[str, Meta(min_length=1, max_length=64, description="The name people know.")] = "doorward"
    data_dir: Annotated[Path, Meta(description="Folder of the database and of the development certificates.")] = Path(
        "data"
    )
    secret: Annotated[
        tuple[Secret, ...],
        Meta(description="Instance secrets of 32 bytes or more, newest last. Dropping one ends what it made."),
    ] = ()
    serving: Serving = Serving()
    database: Database = Database()
    tokens: Tokens = Tokens()
    sessions: Sessions = Sessions()
    browser: Browser = Browser()
    passwords: Passwords = Passwords()
    accounts: Accounts = Accounts()
    mail: Mail = Mail()
    verification: Verification = Verification()
    limits: Limits = Limits()
    audit: Audit = Audit()
    webhooks: Webhooks = Webhooks()
    logs: Logs = Logs()
    pages: Pages = Pages()
    status_lists: StatusLists = StatusLists()
    challenges: Challenges = Challenges()

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        env_file: Path | None = None,
        toml_file: Path | None = None,
        **arguments: Any,
    ) -> "Settings":
        """Read the settings and refuse unsafe ones: ``Settings.load(accounts={"email_verification": "off"})``.

        ``environ`` is this process's environment unless another is given; ``env_file`` is read only when named;
        ``toml_file`` is ``doorward.toml`` in the working directory if that is there. ``arguments`` win over all of
        them: top-level settings by name, sections as mappings. Values may be typed or text, as in a variable.
        Raises ``Misconfigured`` with every finding at once.
        """
        from doorward import configuration

        environ = os.environ if environ is None else environ
        return configuration.load(arguments=arguments, environ=environ, env_file=env_file, toml_file=toml_file)

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token: the origin plus the mount point."""
        return self.origin + self.mount_path

    @property
    def audience(self) -> str:
        """The ``aud`` of access tokens."""
        return self.tokens.audience or self.issuer

    @property
    def database_url(self) -> str:
        """The URL in use: the one set, or SQLite in the data folder."""
        return self.database.url or f"sqlite:///{self.data_dir / 'doorward.db'}"


def process_environment() -> Mapping[str, str]:
    """Return this process's environment, for the one reader that reports sources: the command line."""
    return os.environ
