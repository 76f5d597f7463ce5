"""Asking a service of the operator's choice whether a password is known, without telling it which (k-anonymity).

The service gets the first five of forty digits of the password's SHA-1 and answers with the rest of all that it knows
under them, so it learns one in a million; with padding, the size of its answer tells nobody on the way either. Off
unless a URL is set. The request goes out by the same narrow way as every other (``verify/fetching.py``): HTTPS only, no
redirect, no proxy of the environment, one time limit for everything, a cap on the answer.
"""

import hashlib
import logging
from dataclasses import replace
from functools import partial
from typing import Final

from doorward.errors import Finding, Misconfigured, Overloaded
from doorward.passwords.assessor import Assessor
from doorward.settings import Passwords
from doorward.verify.address import Address, FetchFailed, networks
from doorward.verify.fetching import fetch

PREFIX_DIGITS: Final = 5
MAX_ANSWER: Final = 512 * 1024
"""Bytes. The largest known service answers with some 60 KB."""

THREADS: Final = 4

_ANYWHERE: Final = networks(("0.0.0.0/0", "::/0"))
"""The operator names the service, which may well be one of their own."""

RETRY_AFTER: Final = 30

_log = logging.getLogger("doorward.passwords")


class Ranges:
    """A client of one range service, or of none."""

    def __init__(self, settings: Passwords) -> None:
        """Read the settings. Raises :class:`Misconfigured` for a URL that must not be fetched."""
        self._settings = settings
        self._address = _address(settings.breached_range_url) if settings.breached_range_url else None
        self._threads = Assessor(threads=THREADS)

    async def knows(self, password: str) -> bool:
        """Ask about a password that is about to be set.

        When the service fails it counts as ``passwords.breached_range_on_failure`` says: ``open`` as not known,
        ``closed`` raises :class:`Overloaded`, and no password is set. Nothing of the password is logged.
        """
        if self._address is None:
            return False
        digits = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        address = replace(self._address, target=self._address.target + digits[:PREFIX_DIGITS])
        try:
            answer = await self._threads.run(partial(self._fetch, address))
        except FetchFailed as failed:
            _log.warning("the range service for breached passwords failed: %s", failed)
            if self._settings.breached_range_on_failure == "open":
                return False
            raise Overloaded("the range service failed", retry_after=RETRY_AFTER) from None
        return holds(answer, digits[PREFIX_DIGITS:])

    def _fetch(self, address: Address) -> bytes:
        settings = self._settings
        return fetch(
            address,
            ca_file=None if settings.breached_range_ca_file is None else str(settings.breached_range_ca_file),
            private=_ANYWHERE,
            time_limit=float(settings.breached_range_timeout),
            max_size=MAX_ANSWER,
            headers={"Add-Padding": "true", "Accept": "text/plain", "User-Agent": "doorward"},
        )


def _address(url: str) -> Address:
    try:
        return Address.of(url, allow_http_on_loopback=False)
    except Misconfigured:
        fix = "Use an https URL without user, query and fragment, such as https://host/range/."
        raise Misconfigured(Finding("passwords.breached_range_url names nothing that may be fetched.", fix)) from None


def holds(answer: bytes, rest: str) -> bool:
    """Tell whether the answer has a line ``REST:COUNT`` for these digits; a count of zero is padding."""
    for line in answer.splitlines():
        digits, _, count = line.partition(b":")
        if digits.strip().upper() == rest.encode() and count.strip().strip(b"0"):
            return True
    return False
