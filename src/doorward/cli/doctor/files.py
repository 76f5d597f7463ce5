"""Files: who else can read or replace them, and whether the private ones are kept out of version control."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from doorward.cli.doctor.programs import ask
from doorward.cli.doctor.results import Result, fine, must_fix, must_fix_all, unknown
from doorward.configuration.files import check_files
from doorward.errors import Finding
from doorward.settings import Settings

InGit = Literal["ignored", "not ignored", "tracked", "no repository", "unknown"]

_GIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is wrong with the modes of private files, and what git makes of those that hold secrets."""

    exposed: tuple[Finding, ...]
    in_git: tuple[tuple[Path, InGit], ...]


async def gather(settings: Settings, env_file: Path | None) -> FileFacts:
    """Look at the data folder, the database, the keys in it and ``.env``."""
    secret = [path for path in (env_file, settings.data_dir) if path is not None and path.exists()]
    return FileFacts(
        exposed=tuple(check_files(settings)),
        in_git=tuple([(path, await _in_git(path.absolute())) for path in secret]),
    )


def check_modes(exposed: Sequence[Finding]) -> list[Result]:
    """Report files that others can read or write, and folders in which they could replace them."""
    return must_fix_all("files", exposed) or [fine("files", "The data folder and what is in it are private.")]


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
