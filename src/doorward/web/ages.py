"""How long ago something was, as people say it. Pure; the browser adds the exact time in its own zone."""

import gettext
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def age(seconds: int, texts: gettext.NullTranslations) -> str:
    """Say an age in the language of the texts; the future counts as now, for clocks differ."""
    if seconds < MINUTE:
        return texts.gettext("just now")
    if seconds < HOUR:
        number = seconds // MINUTE
        said = texts.ngettext("%(number)d minute ago", "%(number)d minutes ago", number)
    elif seconds < DAY:
        number = seconds // HOUR
        said = texts.ngettext("%(number)d hour ago", "%(number)d hours ago", number)
    else:
        number = seconds // DAY
        said = texts.ngettext("%(number)d day ago", "%(number)d days ago", number)
    return said % {"number": number}
