"""What an event is, who wants to know of it, and telling them after the commit; ``hooks.py`` lists every event.

A subscriber that fails is logged and cannot undo or delay the act for others; whoever must refuse something needs a
gate, not an event.
"""

import inspect
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

_log = logging.getLogger("doorward.events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened. ``name`` is what the audit trail calls it, and never changes."""

    name: ClassVar[str]
    proves: ClassVar[bool] = False
    """Whether the act itself proves that the account's owner did it."""
    account_id: str | None = None
    session_id: str | None = None


EventT = TypeVar("EventT", bound=Event)
Subscriber = Callable[[EventT], Awaitable[None] | None]


class Events:
    """Who wants to know of what."""

    def __init__(self) -> None:
        """Start without subscribers."""
        self._subscribers: defaultdict[type[Event], list[Subscriber[Event]]] = defaultdict(list)

    def subscribe(self, kind: type[EventT], subscriber: "Subscriber[EventT]") -> None:
        """Call ``subscriber`` (sync or async) after each event of that kind; ``Event`` itself means all kinds."""
        self._subscribers[kind].append(subscriber)  # type: ignore[arg-type]

    async def publish(self, *events: Event) -> None:
        """Deliver what has been committed. Never raises."""
        if not self._subscribers:
            return
        for event in events:
            for kind in (type(event), Event):
                for subscriber in self._subscribers.get(kind, ()):
                    try:
                        answer = subscriber(event)
                        if inspect.isawaitable(answer):
                            await answer
                    except Exception:
                        _log.exception("a subscriber of %s failed", event.name)
