"""An issuer on this machine that publishes keys and a feed, well or badly: what a follower meets."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from doorward.errors import InvalidToken
from doorward.jose.keys import SigningKey
from doorward.verify import FeedStatus, RevocationsUnavailable, Verifier
from doorward.verify.model import digest
from doorward.verify.page import Page, Revocation, write_page
from tests.verify.key_server import Handler, KeyServer, saying, serving
from tests.verify.parties import NOW, Clock, Issuer

Answers = Callable[["Feeding", Handler, str, int], None]


@dataclass
class Feeding:
    """The issuer: what it has revoked, and how it answers. ``asked`` has the cursor and the wait of each question."""

    party: Issuer
    clock: Clock
    entries: list[Revocation] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    signer: SigningKey | None = None
    answers: Answers | None = None
    server: KeyServer | None = None
    page_size: int = 100
    gone: bool = False
    """Whether everything is answered with 502, as by a proxy in front of nothing."""

    def revoke(self, kind: Any, *names: str, not_before: int | None = None) -> None:
        """Revoke, and tell those who wait."""
        with self.news:
            for name in names:
                self.entries.append(Revocation(kind, digest(kind, name), not_before, self.clock() + 660))
            self.news.notify_all()

    def page(self, after: str, **changes: Any) -> Page:
        """Make the page that follows a cursor; here a cursor is ``c`` and a number."""
        start = int(after[1:] or 0) if after[:1] == "c" else 0
        shown = tuple(self.entries[start : start + self.page_size])
        return Page(**{
            "after": after, "cursor": f"c{start + len(shown)}", "issued_at": self.clock(), "entries": shown,
            "more": start + len(shown) < len(self.entries), **changes,
        })  # fmt: skip

    def signed(self, page: Page, *, issuer: str | None = None) -> bytes:
        """Write an answer."""
        token = write_page(page, self.signer or self.party.key, issuer=issuer or self.party.name)
        return json.dumps({"feed": token}).encode()

    def __call__(self, handler: Handler) -> None:
        if self.gone:
            saying(502)(handler)
            return
        target = urlsplit(handler.path)
        if target.path.endswith("/jwks.json"):
            saying(200, json.dumps(self.party.keys.to_jwks()).encode())(handler)
            return
        query = parse_qs(target.query)
        after, wait = query["after"][0], int(query["wait"][0])
        self.asked.append((after, wait))
        with self.news:
            if wait:
                self.news.wait_for(
                    lambda: self.answers or self.gone or self.page(after).entries or handler.server.closing.is_set(), 9
                )
        if self.gone:
            saying(502)(handler)
        elif self.answers is None:
            saying(200, self.signed(self.page(after)))(handler)
        else:
            self.answers(self, handler, after, wait)

    def go(self) -> None:
        """Be gone, also for those who wait."""
        with self.news:
            self.gone = True
            self.news.notify_all()

    def behave(self, answers: Answers | None) -> None:
        """Answer like this from now on, also those who wait already."""
        with self.news:
            self.answers = answers
            self.news.notify_all()

    def verifier(self, **options: Any) -> Verifier:
        """Make a verifier that follows it."""
        options = {"issuer": self.party.name, "clock": self.clock, "allow_http_on_loopback": True, **options}
        return Verifier(**options)

    def token(self, **claims: Any) -> str:
        """Sign a token that holds for a day."""
        return self.party.token(**{"exp": NOW + 86_400, **claims})


def state(verifier: Verifier) -> FeedStatus:
    """How a verifier that follows is doing."""
    status = verifier.feed_status()
    assert status is not None
    return status


def refuses(verifier: Verifier, token: str) -> bool:
    """Tell whether a token is refused as revoked."""
    try:
        verifier.check(token)
    except InvalidToken as refusal:
        return refusal.why == "revoked"
    except RevocationsUnavailable:
        return False
    return False


@contextmanager
def feeding(**options: Any) -> Iterator[Feeding]:
    """Publish until the block ends."""
    feed = Feeding(Issuer(), Clock(), **options)
    with serving(feed) as server:
        server.protocol = "HTTP/1.1"
        feed.party.name = server.url
        feed.server = server
        try:
            yield feed
        finally:
            server.closing.set()
            with feed.news:
                feed.news.notify_all()
