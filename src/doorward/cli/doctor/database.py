"""The database, its clock, and the signing keys in it. One that does not answer is a result, not the end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from doorward.cli.doctor.results import Result, advice, fine, must_fix, unknown
from doorward.cli.times import rough
from doorward.core.clock import rfc3339
from doorward.errors import Finding, Misconfigured, StorageUnavailable
from doorward.settings import Settings, Tokens
from doorward.tokens.model import KeyState, SurveyedKey

if TYPE_CHECKING:
    from doorward.db import Database

DAY: Final = 86_400
MOST_SECONDS_APART: Final = 5
"""What the nodes of one instance forgive each other (``app.OWN_LEEWAY``)."""

OLDEST_SQLITE: Final = (3, 35)
"""The first with RETURNING."""

POSTGRESQL_ENDS: Final = {
    13: "2025-11-13", 14: "2026-11-12", 15: "2027-11-11", 16: "2028-11-09", 17: "2029-11-08", 18: "2030-11-14",
}  # fmt: skip
"""Until when the project mends a major version, from its versioning policy."""

_SQLITE: Final = "sqlite:///"
_VERSION: Final = {
    "sqlite": "SELECT sqlite_version() AS version",
    "postgresql": "SELECT current_setting('server_version') AS version",
}
_CLOCK: Final = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT) AS now"
_LOSSY: Final = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a look at the database told. ``clock`` is the database's, in seconds since 1970 UTC, and ``asked_at`` ours.

    ``keys`` is ``None`` where they could not be looked at.
    """

    state: Literal["open", "missing", "unreachable", "refused"]
    dialect: str = ""
    version: str = ""
    problems: tuple[Finding, ...] = ()
    pending: tuple[str, ...] = ()
    lossy: tuple[str, ...] = ()
    clock: int | None = None
    asked_at: int = 0
    keys: tuple[SurveyedKey, ...] | None = None


async def gather(settings: Settings, *, is_safe: bool, now: int) -> DatabaseFacts:
    """Open the database and look. ``is_safe``: the settings have no finding, so that keys can be opened with them."""
    from doorward.db import open_database

    url = settings.database_url
    if _is_missing(url):
        return DatabaseFacts("missing", "sqlite")
    try:
        database = open_database(url, pool_size=1, timeout=settings.database.timeout)
        await database.open()
    except Misconfigured as refused:
        return DatabaseFacts("refused", problems=refused.findings)
    except StorageUnavailable as away:
        return DatabaseFacts("unreachable", problems=(Finding(away.why, ""),))
    try:
        return await _look(database, settings, is_safe=is_safe, now=now)
    except StorageUnavailable as away:
        return DatabaseFacts("unreachable", problems=(Finding(away.why, ""),))
    finally:
        await database.close()


def _is_missing(url: str) -> bool:
    """Tell whether opening would make a file, which looking must not."""
    return url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists()


async def _look(database: "Database", settings: Settings, *, is_safe: bool, now: int) -> DatabaseFacts:
    from doorward.app import Doorward
    from doorward.db.migrate import discover, status
    from doorward.features import MIGRATION_PACKAGES

    problems: tuple[Finding, ...] = ()
    pending: tuple[str, ...] = ()
    try:
        pending = tuple(each.name for each in (await status(database, discover(MIGRATION_PACKAGES))).pending)
    except Misconfigured as refused:
        problems = refused.findings
    clock, lossy = None, ()
    if database.dialect == "postgresql":
        clock = (await database.fetch_all(_CLOCK))[0]["now"]
        lossy = tuple(row["name"] for row in await database.fetch_all(_LOSSY))
    keys = None
    if is_safe and not pending and not problems:
        keys = tuple(await Doorward(settings, database=database).keys.survey())
    version = (await database.fetch_all(_VERSION[database.dialect]))[0]["version"]
    return DatabaseFacts("open", database.dialect, version, problems, pending, lossy, clock, now, keys)


def check_database(facts: DatabaseFacts, *, now: int) -> list[Result]:
    """Report a database that is away, foreign, behind, out of support, or set to forget what it has promised."""
    if facts.state == "missing":
        return [fine("database", "There is no database yet; the first start makes it.")]
    if facts.state == "unreachable":
        why = "".join(problem.what for problem in facts.problems)
        fix = "Start it, or correct DOORWARD_DATABASE__URL; then run this again."
        return [must_fix("database", f"The database did not answer: {why}.", fix)]
    results = [must_fix("database", problem.what, problem.fix) for problem in facts.problems]
    if facts.pending:
        what = f"Pending migrations: {', '.join(facts.pending)}."
        if facts.dialect == "sqlite":
            results.append(advice("database", what, "Nothing to do: the next start applies them. Have a backup."))
        else:
            results.append(must_fix("database", what, "Make a backup and run: doorward migrate up"))
    if facts.lossy:
        what = f"PostgreSQL runs with {', '.join(facts.lossy)} off: after a power cut an ended session may live again."
        results.append(must_fix("database", what, "Turn it on in postgresql.conf, for this database at least."))
    results += _check_version(facts, now=now)
    return results or [fine("database", f"{_NAMES[facts.dialect]} {facts.version}, and no migration is pending.")]


def check_clock(facts: DatabaseFacts, *, now: int, program_made_at: int) -> list[Result]:
    """Compare our clock with the database's, with the newest key, and with when the program was installed."""
    fix = "Let a time service set the clock (for example systemd-timesyncd or chrony), and look at the time zone."
    past = max([program_made_at, *(key.record.activated_at or key.record.created_at for key in facts.keys or ())])
    results = []
    if past - now > MOST_SECONDS_APART:
        what = f"The clock of this machine is at least {rough(past - now)} slow: the past lies ahead of it."
        results.append(must_fix("clock", what, fix))
    if facts.clock is not None and abs(facts.clock - facts.asked_at) > MOST_SECONDS_APART:
        apart = rough(abs(facts.clock - facts.asked_at))
        what = f"The clocks of this machine and of the database are {apart} apart; tokens and sessions end by ours."
        results.append(must_fix("clock", what, fix))
    compared = "the database's clock and " if facts.clock is not None else ""
    return results or [fine("clock", f"It agrees with {compared}what is known of the past.")]


def check_keys(keys: Sequence[SurveyedKey] | None, settings: Tokens, *, now: int) -> list[Result]:
    """Report keys that cannot be opened, that should have rotated, or that still need an older secret."""
    if keys is None:
        fix = "Mend what is reported above, then run this again."
        return [unknown("signing keys", "The signing keys could not be looked at.", fix)]
    used = [key for key in keys if key.record.state is not KeyState.RETIRED]
    lost = [key.record.kid for key in used if key.public is None]
    results = []
    if lost:
        what = f"{', '.join(lost)}: sealed with a secret that is not set; the next start ends all that they signed."
        fix = "Put the older secret back in front of the newer one in DOORWARD_SECRET, separated by a comma."
        results.append(must_fix("signing keys", what, fix))
    for key in used:
        age = now - (key.record.activated_at or key.record.created_at)
        if key.record.state is KeyState.ACTIVE and age > settings.key_lifetime + settings.key_publication + DAY:
            what = f"{key.record.kid} has signed for {rough(age)} and should have given way: has no server run lately?"
            results.append(
                advice("signing keys", what, "Start a server, which rotates by age, or run: doorward keys rotate")
            )
        if key.public is not None and not key.is_sealed_with_newest:
            what = f"{key.record.kid} is still sealed with an older secret."
            results.append(advice("signing keys", what, "Start a server once before you remove the older secret."))
    return results or [fine("signing keys", f"{len(used)} in use, all of an age that they may have.")]


_NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _check_version(facts: DatabaseFacts, *, now: int) -> list[Result]:
    numbers = [int(digits) for digits in re.findall(r"\d+", facts.version)]
    if facts.dialect == "sqlite" and tuple(numbers[:2]) < OLDEST_SQLITE:
        return [must_fix("database", f"SQLite {facts.version} is too old.", "Use a Python with SQLite 3.35 or newer.")]
    if facts.dialect == "postgresql" and _has_ended(numbers[0], now):
        what = f"PostgreSQL {facts.version} gets no security fixes any more."
        return [must_fix("database", what, "Upgrade to a supported major version.")]
    return []


def _has_ended(major: int, now: int) -> bool:
    """Tell whether a major version is out of support. One that is newer than this list is taken to be supported."""
    return major < min(POSTGRESQL_ENDS) or rfc3339(now) >= POSTGRESQL_ENDS.get(major, "9999")
