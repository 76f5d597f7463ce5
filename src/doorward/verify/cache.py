"""What has been verified already, under the whole token: two generations of a dictionary.

Keyed by the complete text, never by a prefix or a hash of it, because a prefix swaps identities (LiteLLM
CVE-2026-35030). Nothing but verified tokens gets in, so nobody without tokens can push others out. Only the signature
and the claims are remembered; whether it is too late, and whether it was revoked, is asked again on every call.

A full young generation becomes the old one, and the old one is dropped: a hit costs one or two look-ups, without the
bookkeeping and the lock that an exact "least recently used" needs.
"""

from doorward.verify.model import Believed


class VerifiedTokens:
    """At most ``size`` tokens with what they said. Safe under threads: a race can only forget."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, size: int) -> None:
        """Start empty; a size below two remembers nothing."""
        self._half = size // 2
        self._young: dict[str, Believed] = {}
        self._old: dict[str, Believed] = {}

    def get(self, token: str) -> Believed | None:
        """Return what this exact token said, if it is remembered."""
        found = self._young.get(token)
        if found is None:
            found = self._old.get(token)
            if found is not None:
                self.put(token, found)
        return found

    def put(self, token: str, believed: Believed) -> None:
        """Remember a verified token."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        if self._half:
            self._young[token] = believed

    def __len__(self) -> int:
        """Count the tokens held; one in both generations counts twice."""
        return len(self._young) + len(self._old)
