"""Web sockets in real servers, asked by a real client: closed when the session ends, refused without a token."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import pytest
import uvicorn
from aiohttp import WSMsgType, web
from litestar import Litestar, WebSocket
from litestar.handlers import WebsocketRouteHandler
from quart import Quart
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket as StarletteSocket
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from doorward.verify import Guard, RevocationSet
from doorward.verify import aiohttp as for_aiohttp
from doorward.verify import quart as for_quart
from doorward.verify.fastapi import require
from doorward.verify.model import digest
from tests.serving.client import free_port
from tests.support.waiting import until
from tests.verify.adapters.clients import loop_in_a_thread
from tests.verify.parties import NOW, Issuer, run

PARTY = Issuer()
left: list[str] = []


def starlette_app(verifier: Any) -> Any:
    """Echo, in Starlette."""

    async def echo(socket: StarletteSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect as gone:
            left.append(f"{gone.code}")

    routes = [WebSocketRoute("/socket", echo), WebSocketRoute("/admin", require(role="admin")(echo))]
    return Guard(Starlette(routes=routes), verifier)


def quart_app(verifier: Any) -> Any:
    """Echo, in Quart."""
    app = Quart(__name__)

    async def echo() -> None:
        from quart import websocket

        assert for_quart.current_principal() is not None
        try:
            while True:
                await websocket.send(await websocket.receive())
        except asyncio.CancelledError:
            left.append("cancelled")
            raise

    app.add_websocket("/socket", "echo", echo)
    app.add_websocket("/admin", "admin", for_quart.require(role="admin")(echo))
    app.asgi_app = Guard(app.asgi_app, verifier)  # type: ignore[method-assign,arg-type]
    return app


def litestar_app(verifier: Any) -> Any:
    """Echo, in Litestar."""
    from litestar.exceptions import WebSocketDisconnect as Gone

    from doorward.verify import litestar as for_litestar

    async def echo(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except Gone as gone:
            left.append(f"{gone.code}")

    handlers = [
        WebsocketRouteHandler("/socket")(echo),
        WebsocketRouteHandler("/admin", guards=[for_litestar.require(role="admin")])(echo),
    ]
    return Guard(Litestar(handlers, openapi_config=None), verifier)


def aiohttp_app(verifier: Any) -> web.Application:
    """Echo, in aiohttp."""

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        left.append(f"{socket.close_code}")
        return socket

    app = web.Application()
    app.router.add_get("/socket", echo)
    app.router.add_get("/admin", for_aiohttp.require(role="admin")(echo))
    for_aiohttp.Guard(verifier).install(app)
    return app


@contextmanager
def by_uvicorn(app: Any, ws: Any) -> Iterator[int]:
    """Serve with one of uvicorn's two ways of speaking web sockets."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, ws=ws, log_config=None, lifespan="off"))
    with loop_in_a_thread() as loop:
        serving = asyncio.run_coroutine_threadsafe(server.serve(), loop)
        run(until(lambda: server.started or serving.done()))
        try:
            yield port
        finally:
            server.should_exit = True
            serving.result(10)


@contextmanager
def by_hypercorn(app: Any) -> Iterator[int]:
    """Serve with hypercorn."""
    port = free_port()
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    with loop_in_a_thread() as loop:
        stop = asyncio.Event()
        serving = asyncio.run_coroutine_threadsafe(
            hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait),  # type: ignore[arg-type]
            loop,
        )
        run(until(lambda: _answers(port) or serving.done()))
        try:
            yield port
        finally:
            loop.call_soon_threadsafe(stop.set)
            serving.result(10)


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def by_aiohttp(app: web.Application) -> Iterator[int]:
    """Serve with aiohttp's own runner."""

    async def start() -> web.AppRunner:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    with loop_in_a_thread() as loop:
        runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield runner.addresses[0][1]
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)


SERVED = {
    "starlette-uvicorn": lambda verifier: by_uvicorn(starlette_app(verifier), "websockets-sansio"),
    "litestar-uvicorn": lambda verifier: by_uvicorn(litestar_app(verifier), "websockets-sansio"),
    "quart-hypercorn": lambda verifier: by_hypercorn(quart_app(verifier)),
    "starlette-hypercorn": lambda verifier: by_hypercorn(starlette_app(verifier)),
    "aiohttp": lambda verifier: by_aiohttp(aiohttp_app(verifier)),
}


@pytest.fixture(params=SERVED)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[int, RevocationSet, Any]]:
    """Lend a port, the set to revoke in, and the verifier."""
    left.clear()
    revocations = RevocationSet()
    verifier = PARTY.verifier(revocations=revocations, leeway=0)
    with SERVED[request.param](verifier) as port:
        yield port, revocations, verifier


def watched(verifier: Any) -> int:
    """Count the digests that somebody waits for."""
    return sum(len(watches) for watches in verifier._watches.values())


def opened(port: int, path: str = "/socket", token: str = "") -> ClientConnection:
    """Open a socket."""
    headers = {"Authorization": f"Bearer {token or PARTY.token()}"}
    return connect(f"ws://127.0.0.1:{port}{path}", additional_headers=headers, close_timeout=2, proxy=None)


def test_a_socket_lives_as_long_as_its_session(served: tuple[int, RevocationSet, Any]) -> None:
    """It echoes; the session ends; it is closed with 1008 and the reason, and the handler is told."""
    port, revocations, verifier = served
    with opened(port) as ours, opened(port, token=PARTY.token(sid="ses_two", jti="two")) as other:
        ours.send("hello")
        other.send("hello")
        assert (ours.recv(5), other.recv(5)) == ("hello", "hello")
        assert watched(verifier) == 6

        revocations.add(digest("session", "ses_one"), NOW + 600)
        with pytest.raises(ConnectionClosed) as closed:
            ours.recv(5)
        other.send("still here")

        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "session_ended")
        assert other.recv(5) == "still here"
        run(until(lambda: len(left) == 1))
    run(until(lambda: watched(verifier) == 0))


def test_a_handshake_needs_what_a_request_needs(served: tuple[int, RevocationSet, Any]) -> None:
    """Without a token, with a bad one, or without the role it is refused before it is accepted."""
    port, _, verifier = served
    for path, headers in [("/socket", {}), ("/socket", {"Authorization": "Bearer a.b.c"}), ("/nowhere", {})]:
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}{path}", additional_headers=headers, proxy=None)
        assert refused.value.response.status_code in (401, 403)
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        opened(port, "/admin").recv(5)
    with opened(port, "/admin", PARTY.token(roles=["admin"])) as admin:
        admin.send("hello")
        assert admin.recv(5) == "hello"

    run(until(lambda: watched(verifier) == 0))
