"""The interceptor for the synchronous gRPC server; see :mod:`doorward.verify.grpc`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Timer
from typing import Any

import grpc

from doorward.verify.door import caller_in
from doorward.verify.grpc import Interception, behaviour_of, calling, handler_like, headers_among
from doorward.verify.model import Principal
from doorward.verify.paths import Access
from doorward.verify.watching import watch_of


class GuardInterceptor(Interception, grpc.ServerInterceptor):  # type: ignore[misc]  # grpc is untyped
    """Protects a ``grpc.server(…)``; the rules are those of :class:`doorward.verify.Guard`."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Put the check around the method; a method that does not exist stays UNIMPLEMENTED."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        behaviour = behaviour_of(handler)
        path, metadata = handler_call_details.method, handler_call_details.invocation_metadata

        def unary(request: Any, context: Any) -> Any:
            principal, access = self._admit(path, metadata, context)
            with calling(principal, access, self.door.realm), self._watched(principal, handler, context):
                return behaviour(request, context)

        def stream(request: Any, context: Any) -> Iterator[Any]:
            principal, access = self._admit(path, metadata, context)
            with self._watched(principal, handler, context):
                with calling(principal, access, self.door.realm):
                    messages = iter(behaviour(request, context))
                while True:
                    # Threads of the pool serve other calls as well: the caller is known to this step alone.
                    with calling(principal, access, self.door.realm):
                        try:
                            message = next(messages)
                        except StopIteration:
                            return
                    yield message

        return handler_like(handler, stream if handler.response_streaming else unary)

    def _admit(self, path: str, metadata: Any, context: Any) -> tuple[Principal | None, Access]:
        """Return who calls, or abort, which raises."""
        try:
            access = self.door.access(path)
            return caller_in(self.authenticator, headers_among(metadata), access), access
        except Exception as error:
            refusal = self.said(error)
        refusal.abort(context)
        raise AssertionError("abort() has returned")  # pragma: no cover - it raises, by gRPC's documentation

    def _watched(self, principal: Principal | None, handler: Any, context: Any) -> ExitStack:
        """Cancel a stream when its session ends or its token expires; its timer is a second thread beside its own."""
        if principal is None or not (handler.request_streaming or handler.response_streaming):
            return ExitStack()
        with ExitStack() as watched:
            watch = watch_of(self.authenticator, principal, context.cancel)
            watched.callback(watch.stop)
            timer = Timer(max(0, watch.seconds_left()), context.cancel)
            timer.daemon = True
            timer.start()
            watched.callback(timer.cancel)
            return watched.pop_all()
