"""doorward: server-side authentication for Python people.

The public names, and nothing else. They are loaded when first asked for, so that ``import doorward.verify`` in a
service behind the server does not pay for the server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.errors import DoorwardError, InvalidToken, Misconfigured, Problem
    from doorward.settings import Settings

__version__ = "0.1.0"

_HOME_OF = {
    "Doorward": "doorward.app",
    "DoorwardError": "doorward.errors",
    "InvalidToken": "doorward.errors",
    "Misconfigured": "doorward.errors",
    "Problem": "doorward.errors",
    "Settings": "doorward.settings",
}

__all__ = ["Doorward", "DoorwardError", "InvalidToken", "Misconfigured", "Problem", "Settings", "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'doorward' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
