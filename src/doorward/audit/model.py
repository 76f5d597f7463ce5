"""The chain over the trail: what a line is bound to, what a checkpoint proves, what is wrong with a trail. Pure.

Each line has a position, without gaps, and a digest over the line before it and its own content. What names a person is
in the digest only as a commitment (HMAC under a salt of its own), so that it can be erased with its salt while the
chain stays whole. A checkpoint is the digest at a position under a key derived from the instance's secret: whoever can
write to the database can recompute digests, but no checkpoint. What the chain proves, and what it does not, is told
in ``docs/explanation/audit-trail.md``.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.core.clock import rfc3339
from doorward.core.secret import KEY_ID_BYTES, SecretRing

PURPOSE: Final = "audit-chain"
SALT_BYTES: Final = 16
GENESIS: Final = bytes(32)
"""What the first line is linked to."""

PSEUDONYM_PREFIX: Final = "ano"
ERASING_EVENT: Final = "audit.pseudonymised"
"""The event by which an erasure is itself in the chain; a line that was erased without one was tampered with."""

_CHECKPOINT: Final = b"checkpoint"
_ANCHOR: Final = b"anchor"
_EXPORTED_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail. Times are whole seconds since 1970 UTC; without a position it is not sealed yet."""

    id: int
    recorded_at: int
    event: str
    account_id: str | None
    session_id: str | None
    actor: str
    request_id: str
    ip_prefix: str
    detail: str
    position: int | None = None
    salt: bytes | None = field(default=None, repr=False)
    commitment: bytes | None = None
    digest: bytes | None = None

    @property
    def is_erased(self) -> bool:
        """Whether what named a person is gone for good."""
        return self.position is not None and self.salt is None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The digest of the chain at a position; ``anchor`` proves that what came before was forgotten on purpose."""

    position: int
    previous: int
    digest: bytes
    sealed_at: int
    mac: bytes = field(repr=False)
    anchor: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that shows that the trail is not what was written. ``position`` is where it shows."""

    position: int
    what: str


def is_superseded(last: Checkpoint, *, position: int, now: int, spacing: int, most: int) -> bool:
    """Tell whether a checkpoint may go when the next one is made at ``position``, because that one proves it too.

    One for each ``spacing`` seconds and for each ``most`` lines is kept: a trail is forgotten from one to the next.
    """
    return spacing > 0 and last.sealed_at // spacing == now // spacing and last.position // most == position // most


def commitment_of(line: Line, salt: bytes) -> bytes:
    """Commit to what names a person, so that nobody who has only the commitment can find or change it."""
    fields = (line.account_id or "", line.session_id or "", line.actor, line.ip_prefix, line.detail)
    return hmac.digest(salt, _packed(*(text.encode() for text in fields)), hashlib.sha256)


def digest_of(line: Line, *, position: int, commitment: bytes, previous: bytes) -> bytes:
    """Link a line to the one before."""
    content = (str(position), str(line.recorded_at), line.event, line.request_id)
    return hashlib.sha256(_packed(previous, commitment, *(text.encode() for text in content))).digest()


def sign(ring: SecretRing, *, position: int, previous: int, digest: bytes, sealed_at: int) -> bytes:
    """Make the MAC of a checkpoint: the id of the secret, then HMAC-SHA256."""
    content = _packed(_CHECKPOINT, *_numbers(position, previous, sealed_at), digest)
    return ring.newest_id + hmac.digest(ring.newest_key(PURPOSE), content, hashlib.sha256)


def sign_anchor(ring: SecretRing, checkpoint: Checkpoint) -> bytes:
    """Make the MAC that says: everything up to this checkpoint was forgotten because of its age."""
    content = _packed(_ANCHOR, *_numbers(checkpoint.position), checkpoint.digest)
    return ring.newest_id + hmac.digest(ring.newest_key(PURPOSE), content, hashlib.sha256)


def is_signed(ring: SecretRing, checkpoint: Checkpoint) -> bool | None:
    """Tell whether a checkpoint is ours; ``None`` when it was signed with a secret that is not set any more."""
    numbers = _numbers(checkpoint.position, checkpoint.previous, checkpoint.sealed_at)
    return _is_mac(ring, checkpoint.mac, _packed(_CHECKPOINT, *numbers, checkpoint.digest))


def is_anchor(ring: SecretRing, checkpoint: Checkpoint) -> bool | None:
    """Tell whether the trail may begin after this checkpoint; ``None`` as in :func:`is_signed`."""
    if checkpoint.anchor is None:
        return False
    return _is_mac(ring, checkpoint.anchor, _packed(_ANCHOR, *_numbers(checkpoint.position), checkpoint.digest))


def _is_mac(ring: SecretRing, mac: bytes, content: bytes) -> bool | None:
    key = ring.key(mac[:KEY_ID_BYTES], PURPOSE)
    if key is None:
        return None
    return hmac.compare_digest(mac[KEY_ID_BYTES:], hmac.digest(key, content, hashlib.sha256))


def _numbers(*numbers: int) -> tuple[bytes, ...]:
    return tuple(str(number).encode() for number in numbers)


def _packed(*parts: bytes) -> bytes:
    """Write parts so that no two lists of parts are written alike."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class Examination:
    """Reads a trail once, in the order of positions, and collects what is wrong with it.

    Hand it the checkpoints first, then every line up to the last of them, then ask :meth:`end`.
    """

    MOST_FAULTS: Final = 100
    """So many are told; after the first few it is known that the trail is broken."""

    def __init__(self, ring: SecretRing, checkpoints: Iterable[Checkpoint]) -> None:
        """Begin at the anchor, where the trail was pruned, or at its very beginning."""
        self._ring = ring
        self._checkpoints = {checkpoint.position: checkpoint for checkpoint in checkpoints}
        self.faults: list[Fault] = []
        self.lines = 0
        self.erased = 0
        anchors = [each for each in self._checkpoints.values() if each.anchor is not None]
        start = max(anchors, key=lambda each: each.position, default=None)
        self.begins_after = 0 if start is None else start.position
        self.ends_at = max(self._checkpoints, default=0)
        self._digest = GENESIS if start is None else start.digest
        self._position = self.begins_after
        self._pseudonyms: dict[str, int] = {}
        self._seen: dict[int, bytes] = {self.begins_after: self._digest}
        self._wanted: dict[int, str] = {}
        if start is not None and not is_anchor(ring, start):
            self._fault(start.position, "the beginning of the trail was not pruned by this server")
        self._check_signatures()

    def expect(self, position: int, digest: str) -> None:
        """Hold the trail to a checkpoint that was kept elsewhere; one from before the beginning says nothing."""
        if not _EXPORTED_DIGEST.fullmatch(digest):
            self._fault(position, "the exported checkpoint is not one")
        elif position >= self.begins_after:
            self._wanted[position] = digest
        if position > self.ends_at:
            self._fault(position, "the trail ends before a checkpoint that was exported")

    def read(self, line: Line) -> None:
        """Take the next line."""
        position = line.position or 0
        self.lines += 1
        if position != self._position + 1:
            self._fault(self._position + 1, "lines are missing here")
        commitment = self._commitment(line, position)
        expected = digest_of(line, position=position, commitment=commitment, previous=self._digest)
        if line.digest is None or not hmac.compare_digest(line.digest, expected):
            self._fault(position, "the line was changed, moved, put in, or does not follow the one before")
        # Going on from what is written tells further faults apart from the first.
        self._digest, self._position = line.digest or expected, position
        checkpoint = self._checkpoints.get(position)
        if checkpoint is not None and not hmac.compare_digest(checkpoint.digest, self._digest):
            self._fault(position, "the line is not what the checkpoint says")
        if position in self._wanted or checkpoint is not None:
            self._seen[position] = self._digest
        if line.event == ERASING_EVENT and line.account_id:
            self._pseudonyms.pop(line.account_id, None)

    @property
    def unexplained(self) -> frozenset[str]:
        """Pseudonyms of erased lines for which no event of an erasure has come."""
        return frozenset(self._pseudonyms)

    def end(self, *, explained: frozenset[str] = frozenset()) -> list[Fault]:
        """Say what is wrong: an empty list means that the trail is what was written.

        ``explained`` are pseudonyms whose event has been written and is not sealed yet.
        """
        if self._position < self.ends_at:
            self._fault(self._position + 1, "the end of the trail is missing")
        for pseudonym, position in self._pseudonyms.items():
            if pseudonym not in explained:
                self._fault(position, "the line was made anonymous, and nothing in the trail says so")
        for position, digest in self._wanted.items():
            if position in self._seen and self._seen[position].hex() != digest:
                self._fault(position, "the trail is another one than the exported checkpoint was made of")
        return self.faults

    def _commitment(self, line: Line, position: int) -> bytes:
        stored = line.commitment or b""
        if line.is_erased:
            self.erased += 1
            if line.session_id is not None or line.actor or line.ip_prefix or line.detail != "{}":
                self._fault(position, "the line is not erased, and its salt is gone")
            self._pseudonyms[line.account_id or ""] = position
        elif not hmac.compare_digest(stored, commitment_of(line, line.salt or b"")):
            self._fault(position, "who the line speaks of, or its details, were changed")
        return stored

    def _check_signatures(self) -> None:
        """A later checkpoint proves all before it, so only the last one's secret has to be known still."""
        for checkpoint in self._checkpoints.values():
            signed = is_signed(self._ring, checkpoint)
            if signed is False:
                self._fault(checkpoint.position, "the checkpoint was not made by this server")
            elif signed is None and checkpoint.position == self.ends_at:
                self._fault(checkpoint.position, "the last checkpoint was made with a secret that is not set here")

    def _fault(self, position: int, what: str) -> None:
        if len(self.faults) < self.MOST_FAULTS:
            self.faults.append(Fault(position, what))


def exported_line(line: Line) -> dict[str, Any]:
    """Write a line for a file or another program: with its details, its place and its digest."""
    return {
        "position": line.position,
        "at": rfc3339(line.recorded_at),
        "event": line.event,
        "account_id": line.account_id,
        "session_id": line.session_id,
        "actor": line.actor,
        "ip_prefix": line.ip_prefix,
        "request_id": line.request_id,
        "detail": json.loads(line.detail),
        "digest": None if line.digest is None else line.digest.hex(),
    }


def exported(checkpoint: Checkpoint, *, issuer: str) -> Mapping[str, Any]:
    """Write a checkpoint for keeping it elsewhere. It tells nobody anything of the trail's content."""
    return {
        "issuer": issuer,
        "position": checkpoint.position,
        "digest": checkpoint.digest.hex(),
        "sealed_at": checkpoint.sealed_at,
        "mac": checkpoint.mac.hex(),
    }


def read_exported(text: str) -> tuple[int, str] | None:
    """Read position and digest of an exported checkpoint; ``None`` for anything else."""
    try:
        value = json.loads(text)
        position, digest = value["position"], value["digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (position, digest) if isinstance(position, int) and isinstance(digest, str) else None
