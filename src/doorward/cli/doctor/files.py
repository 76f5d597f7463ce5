"""Files: who else can read or replace them, and whether the private ones are kept out of version control."""

import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from doorward.cli.doctor.programs import ask
from doorward.cli.doctor.results import Result, fine, must_fix, unknown
from doorward.settings import Settings

InGit = Literal["ignored", "not ignored", "tracked", "no repository", "unknown"]

_SQLITE: Final = "sqlite:///"
_GIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class PrivatePath:
    """A file or folder that is nobody else's business. ``mode`` is its permission bits."""

    path: Path
    is_folder: bool
    mode: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The private files that exist, and what git makes of those that hold secrets."""

    private: tuple[PrivatePath, ...]
    in_git: tuple[tuple[Path, InGit], ...]


async def gather(settings: Settings, env_file: Path | None) -> FileFacts:
    """Look at the data folder, the database, the keys in it and ``.env``."""
    data_dir, url = settings.data_dir, settings.database_url
    paths = [data_dir, data_dir / "certificates", *sorted((data_dir / "certificates").glob("*.key"))]
    if url.startswith(_SQLITE):
        database = Path(url.removeprefix(_SQLITE))
        paths += [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    secret = [path for path in (env_file, data_dir) if path is not None and path.exists()]
    return FileFacts(
        private=tuple(_private(path) for path in paths if path.exists()),
        in_git=tuple([(path, await _in_git(path.absolute())) for path in secret]),
    )


def check_modes(files: Iterable[PrivatePath]) -> list[Result]:
    """Report files that others can read or write, and folders in which they could replace them."""
    results = []
    for each in files:
        open_bits = each.mode & (0o022 if each.is_folder else 0o077)
        if open_bits:
            what = f"{each.path} can be {'changed' if each.is_folder else 'read or changed'} by others"
            fix = f"Run: chmod {'700' if each.is_folder else '600'} {each.path}"
            results.append(must_fix("files", f"{what} (mode {each.mode:04o}).", fix))
    return results or [fine("files", "The data folder and what is in it are private.")]


def check_git(states: Sequence[tuple[Path, InGit]]) -> list[Result]:
    """Report what version control has, or is about to get."""
    results = []
    for path, state in states:
        if state == "tracked":
            what = f"{path} is in version control: whoever has the repository has what is in it."
            fix = f"Run: git rm -r --cached {path}; then replace every secret in it: the history keeps the old ones."
            results.append(must_fix("version control", what, fix))
        elif state == "not ignored":
            what = f"{path} is not ignored by git, so the next 'git add' may publish it."
            results.append(must_fix("version control", what, f"Add the line {path.name} to .gitignore."))
        elif state == "unknown":
            what = f"git does not tell whether {path} is ignored."
            results.append(unknown("version control", what, f"Look with: git check-ignore -v {path}"))
    return results or [fine("version control", "No file with secrets is in a repository or about to get into one.")]


def _private(path: Path) -> PrivatePath:
    return PrivatePath(path, path.is_dir(), stat.S_IMODE(path.stat().st_mode))


def _is_in_repository(absolute: Path) -> bool:
    return any((folder / ".git").exists() for folder in absolute.parents)


async def _in_git(absolute: Path) -> InGit:
    if not _is_in_repository(absolute):
        return "no repository"
    git = shutil.which("git")
    if git is None:
        return "unknown"
    prefix = [git, "-C", str(absolute.parent)]
    listed = await ask([*prefix, "ls-files", "--", absolute.name], seconds=_GIT_SECONDS)
    ignored = await ask([*prefix, "check-ignore", "--quiet", "--", absolute.name], seconds=_GIT_SECONDS)
    if listed is None or ignored is None or listed.code != 0 or ignored.code not in (0, 1):
        return "unknown"
    if listed.output:
        return "tracked"
    return "ignored" if ignored.code == 0 else "not ignored"
