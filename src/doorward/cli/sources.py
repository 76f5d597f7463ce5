"""Where the command line looks for settings: as the library does, and in ``.env`` of the working directory too."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doorward.configuration import Reading, check_settings, read
from doorward.errors import Finding, Misconfigured
from doorward.settings import Settings, process_environment


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that were named with the command. It is click's context object: ``@click.pass_obj``."""

    env_file: Path | None = None
    toml_file: Path | None = None

    def read(self, arguments: Mapping[str, Any] | None = None) -> Reading:
        """Read without judging; for commands that look at a configuration instead of working with it."""
        default = Path(".env")
        env_file = self.env_file or (default if default.exists() else None)
        return read(
            arguments=arguments or {},
            environ=process_environment(),
            env_file=env_file,
            toml_file=self.toml_file,
        )

    def load(self, arguments: Mapping[str, Any] | None = None) -> Settings:
        """Read and check. Raises ``Misconfigured`` with every finding at once."""
        reading = self.read(arguments)
        findings = judge(reading)
        if findings:
            raise Misconfigured(*findings)
        return reading.settings


def judge(reading: Reading) -> list[Finding]:
    """List what could not be read and what is not safe."""
    return [*reading.findings, *check_settings(reading.settings, unread=reading.unread)]
