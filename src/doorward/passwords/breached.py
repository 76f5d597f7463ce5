"""Passwords that are known from breaches: a filter in a file of its own, asked without any network.

NIST SP 800-63B-4 §3.1.1.2 and ASVS 6.2.12. The file is the package ``doorward-breached``, or another one in the same
format (``scripts/build_breached.py``); where neither is there, ``passwords/blocklist.py`` is all that is asked. It is
mapped into memory, so that workers share it and only the pages that are asked for are read.
"""

import mmap
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from doorward.errors import Finding, Misconfigured
from doorward.passwords.fuse import Fuse
from doorward.passwords.patterns import fold

PACKAGE: Final = "doorward_breached"
FILE: Final = "breached.bin"


class Breached:
    """The filter, or nothing where there is none."""

    def __init__(self, fuse: Fuse | None) -> None:
        """Take a filter; ``None`` holds no password."""
        self._fuse = fuse

    @classmethod
    def find(cls, path: Path | None) -> "Breached":
        """Open the file at ``path``, or that of the data package if it is installed.

        Raises :class:`Misconfigured` for a file that cannot be read or is damaged: it would let passwords through.
        """
        if path is not None:
            return cls(_open(path))
        if find_spec(PACKAGE) is None:
            return cls(None)
        with as_file(files(PACKAGE).joinpath(FILE)) as unpacked:
            return cls(_open(unpacked))

    def __len__(self) -> int:
        """Count the passwords."""
        return 0 if self._fuse is None else len(self._fuse)

    def __contains__(self, password: str) -> bool:
        """Tell whether the whole password is known, whatever its letter case."""
        return self._fuse is not None and fold(password) in self._fuse


def _open(path: Path) -> Fuse:
    try:
        with path.open("rb") as file:
            return Fuse(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except (OSError, ValueError) as error:
        raise Misconfigured(
            Finding(
                f"passwords.breached_file: {path} cannot be used ({type(error).__name__}).",
                "Name the file of the package doorward-breached, or make one with scripts/build_breached.py.",
            )
        ) from None
