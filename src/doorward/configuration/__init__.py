"""How settings are read, and which combinations are safe to start with.

``catalogue`` knows every setting, ``values`` one value, ``reading`` the sources and their order, ``safety`` the rules.
``Settings.load()`` is the short way; use :func:`read` and :func:`check_settings` to look without being refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doorward.configuration.reading import Reading, read
from doorward.configuration.safety import check_settings
from doorward.errors import Misconfigured
from doorward.settings import Settings

__all__ = ["Reading", "check_settings", "load", "read"]


def load(
    *,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    env_file: Path | None = None,
    toml_file: Path | None = None,
) -> Settings:
    """Read the settings and return them if they are safe. Raises ``Misconfigured`` with every finding at once."""
    reading = read(arguments=arguments, environ=environ, env_file=env_file, toml_file=toml_file)
    findings = [*reading.findings, *check_settings(reading.settings, unread=reading.unread)]
    if findings:
        raise Misconfigured(*findings)
    return reading.settings
