"""What a device is called, in the list of sessions that its owner reads and in mails: a browser and a system. Pure.

A user agent is whatever its sender likes, so this only helps an owner to recognise their own devices; nothing is
decided by it. Names are proper names and stand there untranslated.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Device:
    """A browser, or the program that called, and the system it runs on; each may be unknown, which is empty."""

    browser: str
    system: str


# Order decides: nearly all of them claim to be Chrome and Safari as well.
_BROWSERS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\bEdg(?:e|A|iOS)?/", "Edge"),
        (r"\bOPR/|\bOpera\b|\bOPT/", "Opera"),
        (r"\bVivaldi/", "Vivaldi"),
        (r"\bSamsungBrowser/", "Samsung Internet"),
        (r"\bYaBrowser/", "Yandex Browser"),
        (r"\bDuckDuckGo/|\bDdg/", "DuckDuckGo"),
        (r"\bFirefox/|\bFxiOS/", "Firefox"),
        (r"\bChromium/", "Chromium"),
        (r"\bChrome/|\bCriOS/|\bHeadlessChrome/", "Chrome"),
        (r"\bVersion/[\d.]+ .*\bSafari/", "Safari"),
    )
)
_SYSTEMS: Final = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\biPhone\b|\biPod\b", "iPhone"),
        (r"\biPad\b", "iPad"),
        (r"\bAndroid\b", "Android"),
        (r"\bCrOS\b", "ChromeOS"),
        (r"\bWindows\b", "Windows"),
        (r"\bMac OS X\b|\bMacintosh\b", "macOS"),
        (r"\bFreeBSD\b|\bOpenBSD\b|\bNetBSD\b", "BSD"),
        (r"\bLinux\b|\bX11\b", "Linux"),
    )
)
_PROGRAM: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ._-]{0,30}?)(?:/[\w.+-]+|$|\s\()")
"""The first product of RFC 9110 §10.1.5, as programs name themselves: ``curl/8.5.0``."""

_LISTED: Final = frozenset(
    [name for _, name in _BROWSERS]
    + ["curl", "Wget", "python-httpx", "python-httpx2", "python-requests", "Go-http-client", "okhttp"]
)
"""Names that a mail repeats; any other would be the words of whoever sent the user agent."""


def describe(user_agent: str) -> Device:
    """Name the device behind a user agent."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if not browser and not user_agent.startswith("Mozilla/"):
        program = _PROGRAM.match(user_agent)
        browser = "" if program is None else program[1].strip()
    return Device(browser, system)


def name_device(user_agent: str) -> str:
    """Name a device in a mail, for example ``Firefox, Linux``, from the lists alone; empty when none knows it."""
    device = describe(user_agent)
    return ", ".join(name for name in (device.browser if device.browser in _LISTED else "", device.system) if name)


def _first(names: tuple[tuple["re.Pattern[str]", str], ...], user_agent: str) -> str:
    return next((name for pattern, name in names if pattern.search(user_agent)), "")
