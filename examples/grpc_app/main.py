"""Reports behind doorward, over gRPC: one open method, one for callers, one for a role, and a stream.

Messages are plain bytes here, so that the example needs no generated code; with a ``.proto`` nothing else changes.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from doorward.verify import Verifier
from doorward.verify.grpc import current_principal, require
from doorward.verify.grpc_sync import GuardInterceptor

verifier = Verifier(issuer="https://localhost:8443", ca_file="data/certificates/authority.pem")


def home(_request: bytes, _context: Any) -> bytes:
    """Everybody may call this."""
    return b"open"


def me(_request: bytes, _context: Any) -> bytes:
    """Tell the caller who it is."""
    return current_principal().subject.encode()


@require(role="admin")
def admin(_request: bytes, _context: Any) -> bytes:
    """Only for the role ``admin``."""
    return b"admin"


def echo(requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
    """Say everything back, until the session of the caller ends."""
    yield from requests


methods = {
    "Home": grpc.unary_unary_rpc_method_handler(home),
    "Me": grpc.unary_unary_rpc_method_handler(me),
    "Admin": grpc.unary_unary_rpc_method_handler(admin),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
}

if __name__ == "__main__":
    interceptor = GuardInterceptor(verifier, public=["/reports.Reports/Home"])
    server = grpc.server(ThreadPoolExecutor(8), interceptors=[interceptor])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("reports.Reports", methods),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()
