"""What is seen of a request from outside: its span while it is answered, its figures when it is over.

Both are named after the operation's template, never after the path that was asked for.
"""

import contextlib
from collections.abc import Callable, Iterator

from starlette.types import Scope

from doorward.observability.instruments import Instruments
from doorward.observability.tracing import SPAN, Tracer, describe, span
from doorward.web.routing import path_below_mount


class Watched:
    """Watches every request of one instance."""

    def __init__(
        self, *, template: Callable[[str], str | None], instruments: Instruments, tracer: Tracer | None
    ) -> None:
        """Take what names a path, and where to tell."""
        self._template = template
        self._instruments = instruments
        self._tracer = tracer

    @contextlib.contextmanager
    def answering(self, scope: Scope) -> Iterator[None]:
        """Hold the span of a request while it is answered, where there is a tracer."""
        with span(self._tracer, "request") as current:
            if current is not None:
                scope[SPAN] = current
            yield

    def ended(self, scope: Scope, status: int, seconds: float, code: str) -> None:
        """Count a request that is over; ``code`` is that of a problem, or nothing."""
        route = self._template(path_below_mount(scope["path"], scope.get("root_path", "")))
        self._instruments.request(route, scope["method"], status, seconds, code)
        if SPAN in scope:
            describe(scope[SPAN], route=route, method=scope["method"], status=status, code=code)
