"""``doorward init``: the first step on a fresh machine. It makes what is missing and touches nothing that is there."""

import base64
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from doorward.cli.output import Output, json_option
from doorward.cli.sources import Sources, judge
from doorward.core.clock import system_entropy
from doorward.core.secret import SECRET_MIN_BYTES
from doorward.mail.model import is_loopback

DEFAULT_ORIGIN: Final = "https://localhost:8443"
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700

_ENV: Final = """\
# Made by 'doorward init'. It holds secrets: keep its mode 0600, keep it out of version control, keep a backup.
# Every setting: doorward settings

# The address as browsers see it.
DOORWARD_ORIGIN={origin}

# The instance's secret. To replace it, append a new one after a comma, and remove the old one a month later.
DOORWARD_SECRET={secret}

"""

_MAIL_HERE: Final = """
# On this machine mail goes into files: read it with 'doorward mail last', or on {origin}/dev/mail
DOORWARD_MAIL__DELIVERY=file
"""

_MAIL_ELSEWHERE: Final = """
# Where mail goes. Without it nobody can prove an address; 'doorward mail test you@example.com' tries it.
DOORWARD_MAIL__SMTP_URL=
DOORWARD_MAIL__FROM=
"""


@click.command()
@click.option("--origin", default=DEFAULT_ORIGIN, show_default=True, help="The address as browsers see it.")
@json_option
@click.pass_obj
def init(sources: Sources, *, origin: str, as_json: bool) -> None:
    """Write .env with fresh secrets and make the data folder.

    Files that exist are left as they are; running it again changes nothing.
    """
    output = Output(as_json=as_json)
    env_file = sources.env_file or Path(".env")
    done = {str(env_file): _write_env(env_file, origin)}
    reading = Sources(env_file=env_file, toml_file=sources.toml_file).read()
    data_dir = reading.settings.data_dir
    done[str(data_dir)] = _make_folder(data_dir)
    ignored = [_pattern(env_file), f"{_pattern(data_dir)}/"]
    done[".gitignore"] = _ignore(Path(".gitignore"), [line for line in ignored if not line.startswith("/")])
    missing = [str(finding) for finding in judge(reading)]
    if as_json:
        output.record({"files": done, "still_to_do": missing})
        return
    output.record(done)
    for finding in missing:
        output.say(f"Still to do: {finding}")
    output.say("Next: doorward serve")


def _write_env(path: Path, origin: str) -> str:
    mail = _MAIL_HERE if is_loopback(urlsplit(origin).hostname or "") else _MAIL_ELSEWHERE
    text = (_ENV + mail).format(origin=origin, secret=_fresh_secret())
    try:
        # O_EXCL: never somebody else's file, never through a symbolic link; the mode is there before the content.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return "exists, left as it is"
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, PRIVATE_FILE)
        file.write(text)
    return "written, with a fresh secret"


def _fresh_secret() -> str:
    return base64.urlsafe_b64encode(system_entropy(SECRET_MIN_BYTES)).decode().rstrip("=")


def _make_folder(path: Path) -> str:
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True)
    except FileExistsError:
        return "exists, left as it is"
    path.chmod(PRIVATE_FOLDER)
    return "made"


def _pattern(path: Path) -> str:
    """Write a path as ``.gitignore`` wants it: from here if it is below here, else absolute (and then not needed)."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _ignore(path: Path, wanted: list[str]) -> str:
    existing = path.read_text("utf-8") if path.exists() else ""
    listed = {line.strip().strip("/") for line in existing.splitlines()}
    missing = [line for line in wanted if line.strip("/") not in listed]
    if not missing:
        return "has what is needed"
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if existing and not existing.endswith("\n") else "") + "\n".join(missing) + "\n")
    return f"added: {' '.join(missing)}"
