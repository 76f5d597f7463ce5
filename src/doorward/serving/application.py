"""The application that is served, found by an import string: doorward's own factory, or an application of a host.

``doorward serve --app main:app`` names an ASGI application, for example one that has mounted doorward. It is imported
as ``python -m`` would: what lies in the current folder comes first. A name that leads nowhere is a finding with its
fix; an error inside the host's own module is the host's, and comes out with its traceback.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from doorward.errors import Finding, Misconfigured
from doorward.serving.lifespan import App

_FIX = "Name it as module:name, for example --app main:app, in the folder of the module."


def load_application(name: str) -> App:
    """Import ``module:name`` and return the application. Raises ``Misconfigured``, or what the module raises."""
    module_name, _, attributes = name.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), *attributes.split(".")]):
        raise Misconfigured(Finding(f"{name!r} does not name an application.", _FIX))
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as missing:
        if not f"{module_name}.".startswith(f"{missing.name}."):
            raise  # the module is there, and asks for another one that is not
        raise Misconfigured(Finding(f"There is no module {missing.name!r} here.", _FIX)) from None
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise Misconfigured(Finding(f"The module {module_name!r} has no {attributes!r}.", _FIX))
        found = getattr(found, attribute)
    if not callable(found):
        raise Misconfigured(Finding(f"{name!r} is no ASGI application, it cannot be called.", _FIX))
    application: App = found
    return application
