"""A real HTTP server on this machine that publishes keys, well or badly."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from doorward.jose.keys import KeySet

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's behaviour says."""

    server: "KeyServer"

    def parse_request(self) -> bool:
        self.protocol_version = self.server.protocol
        return super().parse_request()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.came.set()
        self.server.behaviour(self)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


class KeyServer(ThreadingHTTPServer):
    """Publishes keys at an address of its own; ``asked`` has every request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.asked: list[str] = []
        self.scheme = "http"
        self.protocol = "HTTP/1.0"
        self.came = threading.Event()
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


@contextmanager
def serving(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[KeyServer]:
    """Serve until the block ends."""
    server = KeyServer(behaviour)
    if context is not None:
        server.scheme = "https"
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def publishing(keys: KeySet) -> Behaviour:
    """Answer with a key set."""
    body = json.dumps(keys.to_jwks()).encode()
    return lambda handler: handler.answer(200, body, Content_Type="application/json")


def saying(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with this."""
    return lambda handler: handler.answer(status, body, **headers)


def dripping(first: bytes) -> Behaviour:
    """Send something, and then a byte now and again for ever."""

    def drip(handler: Handler) -> None:
        handler.wfile.write(first)
        while not handler.server.closing.wait(0.01):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    return drip


def waiting_for(event: threading.Event, behaviour: Behaviour) -> Behaviour:
    """Answer when the event has come."""

    def wait(handler: Handler) -> None:
        event.wait(10)
        behaviour(handler)

    return wait
