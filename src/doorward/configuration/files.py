"""The files that doorward itself makes: nobody else may read or replace them. Only their modes are looked at here.

They are made private; what is found open was opened later, or put there by a restore or another user.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from doorward.errors import Finding
from doorward.settings import Settings

SQLITE: Final = "sqlite:///"


def open_to_others(path: Path, *, allowed: int) -> str | None:
    """Return the mode of a file as ``chmod`` writes it if it has bits beyond ``allowed``, else ``None``."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:04o}" if mode & ~allowed else None


def check_files(settings: Settings) -> Iterator[Finding]:
    """Find files that others can read or write, and folders in which they could replace them; see ``private_paths``."""
    for path in private_paths(settings):
        is_folder = path.is_dir()
        mode = open_to_others(path, allowed=0o755 if is_folder else 0o700)
        if mode:
            what = f"{path} can be {'changed' if is_folder else 'read or changed'} by others (mode {mode})."
            yield Finding(what, f"Run: chmod {'700' if is_folder else '600'} {path}")


def private_paths(settings: Settings) -> list[Path]:
    """List what is there of the data folder, the keys of the development certificate, and the SQLite database."""
    certificates = settings.data_dir / "certificates"
    paths = [settings.data_dir, certificates, *sorted(certificates.glob("*.key"))]
    if settings.database_url.startswith(SQLITE):
        database = Path(settings.database_url.removeprefix(SQLITE))
        paths += [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    return [path for path in paths if path.exists()]
