"""When to ask an issuer for its keys, and for how long to believe the answer. Pure: a small state machine.

Keys are refreshed in the background while the old ones go on serving; an unreachable server changes nothing until its
keys would be a day old. A key id that nobody knows may ask for one fetch, and then nobody may for a while, however
many forged ids arrive (PyJWT CVE-2026-48524 and its incomplete fix CVE-2026-101917): for that while each id that is not
in the set is known not to be there. At most one fetch is under way.
"""

from typing import Final

from doorward.jose.keys import KeySet

REFRESH_AFTER: Final = 300
"""Seconds after which the key set is asked for again. The server publishes a key a day before it signs by age."""

PATIENCE: Final = 10
"""Seconds between two fetches while there are keys: what a flood of unknown key ids can cause at most."""

IMPATIENCE: Final = 1
"""Seconds between two fetches while there are none yet: a service may start before its issuer does."""

GOOD_FOR: Final = 86_400
"""Seconds for which keys are believed without being confirmed. Tokens live no longer, so after a day nothing good is
lost, and somebody who can cut the connection cannot keep a withdrawn key alive for ever."""


class KeySchedule:
    """What is known of an issuer's keys, and what to do about it at a given time (seconds since 1970 UTC).

    Not safe under threads; its owner holds a lock. A clock that jumps back counts as "long ago", not as "just now".
    """

    __slots__ = ("_asked_at", "_confirmed_at", "_flying", "keys")

    def __init__(self) -> None:
        """Know nothing."""
        self.keys: KeySet | None = None
        self._confirmed_at = 0
        self._asked_at: int | None = None
        self._flying = False

    def usable(self, now: int) -> KeySet | None:
        """Return the keys to verify with, if they are still to be believed."""
        return self.keys if self.keys is not None and _within(now, self._confirmed_at, GOOD_FOR) else None

    def is_due(self, now: int) -> bool:
        """Tell whether it is time to refresh, and allowed."""
        return (self.keys is None or not _within(now, self._confirmed_at, REFRESH_AFTER)) and self.may_ask(now)

    def may_ask(self, now: int) -> bool:
        """Tell whether a fetch may start: none is under way, and the last was long enough ago."""
        wait = IMPATIENCE if self.keys is None else PATIENCE
        return not self._flying and (self._asked_at is None or not _within(now, self._asked_at, wait))

    def started(self, now: int) -> None:
        """Note that a fetch is under way."""
        self._flying = True
        self._asked_at = now

    def succeeded(self, keys: KeySet, now: int) -> bool:
        """Take the answer in; return whether it differs from what was known."""
        self._flying = False
        changed = self.keys is None or self.keys.to_jwks() != keys.to_jwks()
        self._confirmed_at = now
        if changed:
            self.keys = keys
        return changed

    def failed(self) -> None:
        """Keep what is known."""
        self._flying = False


def _within(now: int, since: int, seconds: int) -> bool:
    return 0 <= now - since < seconds
