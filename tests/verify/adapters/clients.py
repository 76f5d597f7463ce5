"""How each kind of application is asked: an ASGI scope, a WSGI environ as gunicorn makes it, or bytes on a socket."""

import asyncio
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.validate import validator

from tests.verify.parties import Answered, run, scope_of

Pairs = list[tuple[bytes, bytes]]
Client = Callable[[str, str, Pairs], Answered]
"""Takes method, target and headers."""


def asgi_client(app: Callable[..., Any]) -> Client:
    """Ask in process, with a scope as uvicorn makes it."""

    async def exchange(scope: dict[str, Any]) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        incoming = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not incoming:
                await asyncio.Event().wait()  # a client that stays: Django drops the request of one that goes
            return incoming.pop()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, receive, send)
        return sent

    def ask(method: str, target: str, headers: Pairs) -> Answered:
        start, *sent = run(exchange(scope_of(target.encode("latin-1"), method=method, headers=headers)))
        said = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answered(start["status"], said, b"".join(message.get("body", b"") for message in sent))

    return ask


def environ_of(method: str, target: str, headers: Pairs, script_name: str = "") -> dict[str, Any]:
    """Make an environ as gunicorn does: the path decoded once, as latin-1; repeated headers joined with a comma."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "testserver",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ and key != "HTTP_HOST" else text
    return environ


def call_wsgi(app: Callable[..., Any], environ: dict[str, Any]) -> Answered:
    """Call a WSGI application and read its whole answer."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., None]:
        started[:] = [status, headers]
        return lambda data: None

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = started
    return Answered(int(status[:3]), {name.lower(): value for name, value in headers}, body)


def wsgi_client(app: Callable[..., Any]) -> Client:
    """Ask in process, with the referee of PEP 3333 in between wherever it knows the target."""
    checked = validator(app)

    def ask(method: str, target: str, headers: Pairs) -> Answered:
        environ = environ_of(method, target, headers)
        is_plain = environ["PATH_INFO"].startswith("/") and method in ("GET", "HEAD", "POST")
        return call_wsgi(checked if is_plain else app, environ)

    return ask


@contextmanager
def loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop beside the test until the block is over."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def socket_client(port: int) -> Client:
    """Ask over a connection, byte for byte as it is written here."""

    def ask(method: str, target: str, headers: Pairs) -> Answered:
        head = b"".join(
            [
                f"{method} {target} HTTP/1.1\r\n".encode("latin-1"),
                b"" if any(name == b"host" for name, _ in headers) else b"host: testserver\r\n",
                b"connection: close\r\n",
                *(name + b": " + value + b"\r\n" for name, value in headers),
            ]
        )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(head + b"\r\n")
            with line.makefile("rb") as stream:
                start = stream.readline()
                said = {}
                while (row := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = row.decode("latin-1").partition(":")
                    said[name.lower()] = value.strip()
                return Answered(int(start.split()[1]), said, stream.read())

    return ask
