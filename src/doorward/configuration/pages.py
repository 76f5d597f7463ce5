"""Whether what is set for pages can be shown: colours and fonts, links, the logo, the folder of templates.

Values that get into a stylesheet or a link are let through by what they may be, never cleaned (``web/theme.py``). What
is inside the templates is looked at when the pages are built.
"""

import re
from collections.abc import Iterator
from typing import Final

from doorward.errors import Finding
from doorward.settings import Pages
from doorward.web.assets import LOGO_TYPES, MAX_LOGO_BYTES
from doorward.web.return_to import check_return_to
from doorward.web.theme import check_theme

_LINK: Final = re.compile(r"(?:https://[A-Za-z0-9.:\[\]-]+(?:/|$)|/(?!/))[!$&'()*+,;=:@/?%#A-Za-z0-9._~-]*")
_MAIL: Final = re.compile(r"mailto:[A-Za-z0-9.!#$&'*+/=^_`{|}~-]+@[A-Za-z0-9.-]+")


def check_pages(pages: Pages) -> Iterator[Finding]:
    """Find what cannot be shown."""
    yield from check_theme(pages)
    if pages.home and check_return_to(pages.home, origins=pages.return_origins) is None:
        what = "pages.home is neither a plain path of this origin nor an address of a listed one."
        yield Finding(what, "Write it like /app, or list its origin in pages.return_origins.")
    for name in ("imprint_url", "privacy_url", "terms_url", "support_url"):
        url = getattr(pages, name)
        is_mail = name == "support_url" and _MAIL.fullmatch(url)
        if url and not is_mail and _LINK.fullmatch(url) is None:
            yield Finding(f"pages.{name} is no https address and no path.", "Write it like https://example.com/imprint")
    yield from _logo(pages)
    if pages.templates is not None and not pages.templates.is_dir():
        yield Finding(f"pages.templates, {pages.templates}, is not a folder that can be seen.", "Correct the path.")


def _logo(pages: Pages) -> Iterator[Finding]:
    if pages.logo is None:
        return
    if pages.logo.suffix.lower() not in LOGO_TYPES:
        yield Finding(f"pages.logo, {pages.logo}, is no picture known here.", f"Use one of {', '.join(LOGO_TYPES)}.")
    if not pages.logo.is_file():
        yield Finding(f"pages.logo, {pages.logo}, is not a file that can be seen.", "Correct the path.")
    elif pages.logo.stat().st_size > MAX_LOGO_BYTES:
        yield Finding(f"pages.logo, {pages.logo}, is larger than 256 KiB.", "Make it smaller; it is shown 40 px high.")
