"""Where somebody may be sent after a log-in: an absolute path of this origin, or an address of a listed origin. Pure.

Open redirects live on parsers that disagree (Flask-Security-Too CVE-2023-49438, better-auth GHSA-vp58-j275-797x), so
nothing is parsed and put together again: a text is let through letter by letter as it is, or not at all, and what is
let through is so plain that every browser, proxy and library reads it alike.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from doorward.verify.answers import MAX_RETURN_TO
from doorward.verify.paths import is_canonical

_PATH: Final = re.compile(r"(?P<path>/[A-Za-z0-9._~!$&'()*+,=:@%/-]*)(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
"""RFC 3986 §3.3 and §3.4 without ``;``; neither a fragment nor anything that a browser would repair."""

_ENCODED_CONTROL: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]")


def check_return_to(text: str, *, origins: Iterable[str] = ()) -> str | None:
    """Return the text if it is safe to send a browser there, else ``None``; the origins are compared exactly."""
    if len(text) > MAX_RETURN_TO:
        return None
    for origin in origins:
        if text == origin or text.startswith(origin + "/"):
            return text if text == origin or _is_plain(text[len(origin) :]) else None
    return text if _is_plain(text) else None


def _is_plain(text: str) -> bool:
    match = _PATH.fullmatch(text)
    return match is not None and not _ENCODED_CONTROL.search(text) and is_canonical(unquote(match["path"]))
