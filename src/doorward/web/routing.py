"""Operations and how a request finds its own.

An :class:`Operation` says everything about one method at one path: who handles it, what it reads, what it answers and
whether it needs a caller. Dispatch and the OpenAPI document are both made from it, so they cannot disagree. Paths are
exact, or have parameters in ``{…}`` that match one non-empty segment.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from doorward.errors import MethodNotAllowed, NotFound

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path of the contract."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    handler: Handler
    summary: str
    reads: type[Struct] | None = None
    answers: dict[int, Any] = field(default_factory=dict)
    """Status → the type of the JSON body, a tuple of types for one of them, or ``None`` for no body."""
    problems: tuple[str, ...] = ()
    """The codes that are particular to this operation."""
    needs_caller: bool = False
    query: tuple[str, ...] = ()
    media_type: str = "application/json"
    documented: bool = True
    form: type[Struct] | None = None
    """What an operation of OAuth reads as a form; it asks for a service key, and refuses as RFC 6749 §5.2 says."""


class Router:
    """Finds the operation of a request: exact paths by one look-up, the few with parameters by pattern."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Index the operations."""
        self._exact: dict[str, dict[str, Handler]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Handler]]] = []
        by_path: dict[str, dict[str, Handler]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation.handler
        for path, methods in by_path.items():
            if "GET" in methods:
                methods["HEAD"] = methods["GET"]
            if "{" in path:
                literal = re.sub(r"\\\{([a-z_]+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
                self._patterns.append((re.compile(literal), methods))
            else:
                self._exact[path] = methods

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and the path's parameters. Raises :class:`NotFound` and :class:`MethodNotAllowed`."""
        exact = self._exact.get(path)
        methods, parameters = self._match(path) if exact is None else (exact, {})
        handler = methods.get(method)
        if handler is None:
            raise MethodNotAllowed("method", headers={"Allow": ", ".join(sorted(methods))})
        return handler, parameters

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods that a path has; none for one that is not there."""
        try:
            return frozenset(self._exact.get(path) or self._match(path)[0])
        except NotFound:
            return frozenset()

    def _match(self, path: str) -> tuple[dict[str, Handler], dict[str, str]]:
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return methods, match.groupdict()
        raise NotFound("path")


def path_below_mount(path: str, root_path: str) -> str:
    """Return the path as seen from the mount point (the rule of Starlette's ``get_route_path``)."""
    if root_path and path.startswith(root_path):
        below = path[len(root_path) :]
        if not below or below.startswith("/"):
            return below or "/"
    return path
