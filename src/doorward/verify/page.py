"""One answer of the revocation feed, as both sides write and read it. Pure.

It is a JWS of a type of its own, so that it never passes as an access token nor the reverse, and it says whose feed it
is and which question it answers: an answer to somebody else's question, however well signed, would skip what lies in
between.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.keys import KeySet, SigningKey
from doorward.jose.spelling import base64url_decode, base64url_encode
from doorward.verify.model import DIGEST_BYTES

FEED_TYPE: Final = "revocations+jwt"

PATH: Final = "/v1/revocations"
"""Below every issuer."""

MAX_ENTRIES: Final = 700
"""Entries of one answer: the longest ones make 56,000 characters (``jws.LONGER``); 64 KiB are read."""

START: Final = "0"
"""The cursor of somebody who knows nothing yet."""

_KIND: Final = re.compile(r"[a-z_]{1,16}")
_CURSOR: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Revocation:
    """One thing that is revoked: for every token, or (``not_before``) for tokens issued before that time.

    ``kind`` is a part of the digest already, so one that is not known here is obeyed like any other. Times are seconds
    since 1970 UTC.
    """

    kind: str
    digest: bytes
    not_before: int | None
    forget_at: int


@dataclass(frozen=True, slots=True)
class Page:
    """What follows ``after``, up to ``cursor``.

    ``reset``: the cursor that was asked with is not known, this begins from the start. ``more``: ask again at once.
    """

    after: str
    cursor: str
    issued_at: int
    entries: tuple[Revocation, ...]
    reset: bool = False
    more: bool = False


def write_page(page: Page, key: SigningKey, *, issuer: str) -> str:
    """Sign a page."""
    claims: dict[str, object] = {
        "iss": issuer,
        "after": page.after,
        "cursor": page.cursor,
        "issued_at": page.issued_at,
        "entries": [[one.kind, base64url_encode(one.digest), one.not_before, one.forget_at] for one in page.entries],
    }
    if page.reset:
        claims["reset"] = True
    if page.more:
        claims["more"] = True
    return jwt.encode(claims, key, typ=FEED_TYPE)


def read_page(token: str, keys: KeySet, *, issuer: str) -> tuple[Page, str]:
    """Return a page and the id of the key that has signed it; raise :class:`~doorward.errors.InvalidToken`.

    It is not yet known whether it is new, and the answer to what was asked: see :mod:`doorward.verify.feed`.
    """
    decoded = jwt.decode(token, keys, typ=FEED_TYPE)
    claims = decoded.claims
    jwt.check_issuer(claims, issuer)
    entries = claims.get("entries")
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise InvalidToken("entries")
    page = Page(
        after=_cursor(claims, "after"),
        cursor=_cursor(claims, "cursor"),
        issued_at=jwt.time_claim(claims, "issued_at"),
        entries=tuple(map(_entry, entries)),
        reset=_flag(claims, "reset"),
        more=_flag(claims, "more"),
    )
    return page, decoded.kid


def _cursor(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or _CURSOR.fullmatch(value) is None:
        raise InvalidToken(f"claim {name}")
    return value


def _flag(claims: Mapping[str, object], name: str) -> bool:
    value = claims.get(name, False)
    if not isinstance(value, bool):
        raise InvalidToken(f"claim {name}")
    return value


def _entry(entry: object) -> Revocation:
    if not isinstance(entry, list) or len(entry) != 4:
        raise InvalidToken("entry")
    kind, digest, not_before, forget_at = entry
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise InvalidToken("entry")
    if type(forget_at) is not int or (not_before is not None and type(not_before) is not int):
        raise InvalidToken("entry")
    return Revocation(kind, _digest(digest), not_before, forget_at)


def _digest(text: object) -> bytes:
    try:
        data = base64url_decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != DIGEST_BYTES:
        raise InvalidToken("entry")
    return data
