"""Traces, where OpenTelemetry's API is installed; otherwise nothing is imported and nothing is done.

A request, a hash and a statement of the database each get a span. Their names and attributes are of our own making
(a route template, a status, the verb and table of a statement): no login, no address, no parameter (ASVS 16.2.5).
Which spans are recorded and where they go is the host's business: it configures OpenTelemetry's SDK as it does for
everything else. Trace ids that callers send are not believed.
"""

import contextlib
import re
from collections.abc import AsyncGenerator
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, Literal, Protocol, cast

from doorward.db import Database, Row, Statement
from doorward.observability.instruments import METHODS

API: Final = "opentelemetry"
SYSTEM: Final = "db.system.name"
_WORDS = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|PRAGMA)\b\s*(\w+)?", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^()]*\)")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)


SPAN: Final = "doorward.span"
"""Where the span of a request is kept in its scope."""


class Span(Protocol):
    """What is done with a span here."""

    def set_attribute(self, key: str, value: Any) -> Any:
        """Say something about it."""

    def update_name(self, name: str) -> Any:
        """Name it when its name is known."""


class Tracer(Protocol):
    """What is asked of a tracer here: the only method of OpenTelemetry's that is used."""

    def start_as_current_span(self, name: str, **arguments: Any) -> contextlib.AbstractContextManager[Span]:
        """Begin a span that ends with the block."""


def find_tracer() -> Tracer | None:
    """Return OpenTelemetry's tracer for us, or ``None`` where its API is not installed."""
    if find_spec(API) is None:
        return None
    from opentelemetry import trace

    return cast("Tracer", trace.get_tracer("doorward"))


def span(tracer: Tracer | None, name: str, **attributes: Any) -> contextlib.AbstractContextManager[Span | None]:
    """Begin a span, or nothing where there is no tracer. What is raised in it is not recorded, for it may quote."""
    if tracer is None:
        return contextlib.nullcontext()
    return tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )


def describe(span: Span, *, route: str | None, method: str, status: int, code: str) -> None:
    """Say of a request's span what is known at its end, in the words of OpenTelemetry's conventions for HTTP."""
    method = method if method in METHODS else "_OTHER"
    span.update_name(f"{method} {route or 'unmatched'}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.response.status_code", status)
    if route:
        span.set_attribute("http.route", route)
    if code:
        span.set_attribute("error.type", code)


@lru_cache(maxsize=512)
def name_of(sql: str) -> str:
    """Name a statement by its verb and its table: ``SELECT account``. Statements are constants, so few."""
    found = _WORDS.match(sql)
    if found is None:
        return "statement"
    verb = found[1].upper()
    if verb in ("SELECT", "WITH"):
        flat, found_some = sql, 1
        while found_some:  # a table of a subselect is not what the statement is about
            flat, found_some = _PARENTHESES.subn("", flat)
        table = _FROM.search(flat)
        return f"{verb} {table[1]}" if table else verb
    return f"{verb.partition(' ')[0]} {found[2] or ''}".rstrip()


class TracedDatabase:
    """A database each of whose reads and writes is a span."""

    def __init__(self, database: Database, tracer: Tracer) -> None:
        """Wrap a database."""
        self.database = database
        self._tracer = tracer

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """The engine underneath."""
        return self.database.dialect

    async def open(self) -> None:
        """Connect."""
        await self.database.open()

    async def close(self) -> None:
        """Disconnect."""
        await self.database.close()

    async def fetch_all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Read, in a span."""
        with span(self._tracer, name_of(sql), **{SYSTEM: self.dialect}):
            return await self.database.fetch_all(sql, **parameters)

    async def fetch_one(self, sql: str, /, **parameters: Any) -> Row | None:
        """Read, in a span."""
        with span(self._tracer, name_of(sql), **{SYSTEM: self.dialect}):
            return await self.database.fetch_one(sql, **parameters)

    async def write(self, *statements: Statement) -> list[list[Row]]:
        """Write, in one span for all of the statements."""
        names = [name_of(each.sql) for each in statements]
        name = names[0] if len(names) == 1 else f"write {len(names)}"
        with span(self._tracer, name, **{SYSTEM: self.dialect, "doorward.statements": names[:20]}):
            return await self.database.write(*statements)

    def changes(self) -> AsyncGenerator[None, None]:
        """Follow the database underneath; waiting is no span."""
        return self.database.changes()

    async def ping(self) -> None:
        """Ask for the shortest answer."""
        await self.database.ping()


def traced(database: Database, tracer: Tracer | None) -> Database:
    """Wrap a database where there is a tracer."""
    return database if tracer is None else TracedDatabase(database, tracer)
