"""Every setting of doorward: its type, default, unit and reason, in sections.

One frozen object, built once and handed down; nothing else in the package reads the environment, so several instances
in one process work. Sources, strongest first: arguments, ``DOORWARD_…`` variables, ``.env`` (the command line reads
it), ``doorward.toml``, the defaults below. A variable is ``DOORWARD_SECTION__NAME``; ``DOORWARD_SECRET_FILE`` and
``DOORWARD_PASSWORDS__PEPPER_FILE`` name files that hold the secret instead. Durations are written ``90``, ``30s``,
``10m``, ``12h`` or ``30d`` and are whole seconds inside. Each section has its
place in a module of this package, and the reference page is generated from them.

``Settings.load()`` reads and checks; how is told in ``configuration/``. Whether a combination is *safe* is decided
there too, all findings at once.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from doorward.core.secret import Secret
from doorward.settings.abuse import Challenges, Limits
from doorward.settings.listening import Database, Serving
from doorward.settings.mail import Mail, Verification
from doorward.settings.operating import Audit, Logs, Webhooks
from doorward.settings.pages import Pages
from doorward.settings.people import Accounts, Browser, Passwords, Sessions, StatusLists, Tokens
from doorward.settings.units import DAY, HOUR, MINUTE, Count, Port, Seconds

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Accounts",
    "Audit",
    "Browser",
    "Challenges",
    "Count",
    "Database",
    "Limits",
    "Logs",
    "Mail",
    "Pages",
    "Passwords",
    "Port",
    "Seconds",
    "Serving",
    "Sessions",
    "Settings",
    "StatusLists",
    "Tokens",
    "Verification",
    "Webhooks",
    "process_environment",
]


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
